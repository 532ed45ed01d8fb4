//! What a `component.toml` holds.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::facts::program::ProgramKind;
use crate::tree::{Class, InvalidPath, RelPath};

/// A component: what it says of itself, and its templates.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Component {
    /// The name of its directory.
    #[serde(skip)]
    pub name: String,
    /// One line: what it writes.
    pub summary: String,
    /// The smallest preset that holds it; each preset holds the smaller ones.
    pub preset: Preset,
    /// What its files must lie at the top of.
    #[serde(default)]
    pub scope: Scope,
    /// Components that are chosen along with it.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Components that cannot be chosen beside it.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// Components whose fragments and facts come before its own, where both are chosen.
    #[serde(default)]
    pub after: Vec<String>,
    /// What it asks.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// Exceptions for single files, by the path that is written.
    #[serde(default)]
    pub files: BTreeMap<String, Exception>,
    /// Where its files went that an older version wrote elsewhere, by the paths that they had.
    #[serde(default)]
    pub renames: BTreeMap<String, Targets>,
    /// Places in its files that others may add to, with what goes there.
    #[serde(default)]
    pub slots: BTreeMap<String, String>,
    /// What a crate with this component is; a later component's word wins.
    #[serde(default)]
    pub facts: BTreeMap<String, Fact>,
    /// What there is to say of a crate that exists.
    pub existing: Existing,
    /// What to type when the files are written.
    #[serde(default)]
    pub next: Vec<Next>,
    /// The files that it writes.
    #[serde(skip)]
    pub templates: Vec<Template>,
    /// The slots that it fills, with the template for each.
    #[serde(skip)]
    pub fragments: Vec<(String, String)>,
    /// The template of its piece of `Cargo.toml`.
    #[serde(skip)]
    pub manifest: Option<String>,
}

impl Component {
    /// Its questions, each with its name.
    pub fn asked(&self) -> impl Iterator<Item = (&str, &Question)> {
        self.questions
            .iter()
            .map(|question| (self.name.as_str(), question))
    }

    /// The paths of all its templates, below the template directory.
    pub fn sources(&self) -> impl Iterator<Item = &String> {
        let files = self.templates.iter().map(|template| &template.source);
        let fragments = self.fragments.iter().map(|(_, source)| source);
        files.chain(fragments).chain(&self.manifest)
    }

    /// The components that are chosen along with it.
    pub fn required(&self, home: Home) -> &[String] {
        match (&self.existing.requires, home) {
            (Some(other), Home::Existing | Home::Workspace) => other,
            _ => &self.requires,
        }
    }

    /// The exceptions for a file of its own.
    pub fn exception(&self, path: &RelPath) -> Option<&Exception> {
        self.files.get(path.as_str())
    }
}

/// What components are chosen for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Home {
    /// A project that prodify made, or is about to make.
    #[default]
    Project,
    /// A crate that was there before.
    Existing,
    /// The top of such crates, which is none itself: what belongs to a package does not come along there.
    Workspace,
}

/// A file that a component writes.
#[derive(Debug)]
pub struct Template {
    /// Where it goes.
    pub path: RelPath,
    /// The template's path below the template directory.
    pub source: String,
}

/// What is unusual about one file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exception {
    /// Who owns the file after it was written.
    #[serde(default)]
    pub class: Class,
    /// Whether it can be run.
    #[serde(default)]
    pub executable: bool,
    /// Written only where this expression over the template context is true.
    pub when: Option<String>,
    /// What it is written once for each of: into a directory of its own, where there are several.
    pub each: Option<Each>,
}

/// Where a file went.
#[derive(Debug, Deserialize)]
#[serde(try_from = "OneOrMore")]
pub struct Targets(Vec<RelPath>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl TryFrom<OneOrMore> for Targets {
    type Error = InvalidPath;

    fn try_from(paths: OneOrMore) -> Result<Self, InvalidPath> {
        let paths = match paths {
            OneOrMore::One(path) => vec![path],
            OneOrMore::More(paths) => paths,
        };
        let paths: Result<_, _> = paths.into_iter().map(RelPath::new).collect();
        Ok(Self(paths?))
    }
}

impl Targets {
    /// Its place, or all places of the files that it was split into.
    pub fn paths(&self) -> &[RelPath] {
        &self.0
    }
}

/// What a file is written once for each of.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// The services of the crate: their directories are the services' names.
    Service,
}

/// What a component does to a crate that `new` did not make.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Existing {
    /// Why it cannot be added to one.
    pub refused: Option<String>,
    /// Components that are chosen along with it there, where they are others than elsewhere.
    pub requires: Option<Vec<String>>,
    /// The kinds of program that it is for: it has to know then what runs in production. None where it need not know.
    pub runs: Option<Vec<ProgramKind>>,
    /// Files that are left out where the crate has others of its own, which do the same: for each, their paths.
    #[serde(default)]
    pub files: BTreeMap<String, Vec<String>>,
    /// Entries and tables of Cargo.toml that are left out where the crate sets something itself: for each, what.
    #[serde(default)]
    pub entries: BTreeMap<String, Vec<String>>,
    /// What to warn of.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// What the crate's own sources have to say for its code to run: they are the user's to edit.
    #[serde(default)]
    pub wire: Vec<Wire>,
}

/// Something that the sources of a crate do, and that what is added makes wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// What makes it wrong, where that is an entry of Cargo.toml.
    pub entry: Option<Set>,
    /// Words in the sources that show it.
    pub words: Vec<String>,
    /// What is wrong then, to stand behind the words.
    pub why: String,
}

/// An entry of Cargo.toml with a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Its keys: `profile.release.panic`.
    pub key: String,
    /// The value.
    pub is: String,
}

/// Lines for the user's own sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// A template of the place where they go: `src/main.rs, beside its modules`.
    pub at: String,
    /// A template of the lines.
    pub code: String,
    /// Said only where this expression over the template context is true.
    pub when: Option<String>,
}

/// The value of a fact: as it stands, an answer of the component's own, or what follows from the dependencies.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// The answer to one of the component's questions.
    Answer {
        /// The question's key, without the component.
        answer: String,
    },
    /// Whether the service takes one of these, as in [`Service::takes`](crate::facts::Service::takes): true of one that is about to be made.
    Taken {
        /// Crates, each with the part of its version that promises compatibility.
        takes: Vec<String>,
    },
    /// The value itself.
    Value(serde_json::Value),
}

/// A command to type next.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// A template of the command.
    pub command: String,
    /// A template of a few words on what it does.
    pub why: String,
    /// Said only where this expression over the template context is true.
    pub when: Option<String>,
}

/// How much a new project holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// A service that runs, and its image
    Minimal,
    /// What most services in production have
    Standard,
    /// Everything
    Full,
}

impl Preset {
    /// All presets, smallest first.
    pub const ALL: [Self; 3] = [Self::Minimal, Self::Standard, Self::Full];
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minimal => "minimal",
            Self::Standard => "standard",
            Self::Full => "full",
        })
    }
}

/// What a component's files must lie at the top of, for the programs that read them to find them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The package.
    #[default]
    Package,
    /// The workspace: the lock file and the profiles are there.
    Workspace,
    /// The repository: a forge reads its configuration there.
    Repository,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Package => "package",
            Self::Workspace => "workspace",
            Self::Repository => "repository",
        })
    }
}
