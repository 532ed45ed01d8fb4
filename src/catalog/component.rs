//! The contents of a `component.toml`.

use std::collections::BTreeMap;
use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Question;
use crate::facts::program::ProgramKind;
use crate::tree::{Class, InvalidPath, RelPath};

/// A component: its definition and its templates.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Component {
    /// The name of its directory.
    #[serde(skip)]
    pub name: String,
    /// One line: what it writes.
    pub summary: String,
    /// The smallest preset that includes it; each preset includes the smaller ones.
    pub preset: Preset,
    /// The scope whose root directory its files go into.
    #[serde(default)]
    pub scope: Scope,
    /// Components that are selected along with it.
    #[serde(default)]
    pub requires: Vec<String>,
    /// Components that cannot be selected together with it.
    #[serde(default)]
    pub conflicts: Vec<String>,
    /// Components whose fragments and facts come before its own, if both are selected.
    #[serde(default)]
    pub after: Vec<String>,
    /// Its questions.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// Exceptions for single files, by their output paths.
    #[serde(default)]
    pub files: BTreeMap<String, Exception>,
    /// New paths of files that an older version wrote elsewhere, by their old paths.
    #[serde(default)]
    pub renames: BTreeMap<String, Targets>,
    /// Slots that it offers to other components, with what goes there.
    #[serde(default)]
    pub slots: BTreeMap<String, String>,
    /// Facts about a crate with this component; a later component overrides them.
    #[serde(default)]
    pub facts: BTreeMap<String, Fact>,
    /// Its behaviour in an existing crate.
    pub existing: Existing,
    /// Commands to run when the files are written.
    #[serde(default)]
    pub next: Vec<Next>,
    /// The files that it writes.
    #[serde(skip)]
    pub templates: Vec<Template>,
    /// The slots that it fills, each with its template.
    #[serde(skip)]
    pub fragments: Vec<(String, String)>,
    /// The template of its fragment of `Cargo.toml`.
    #[serde(skip)]
    pub manifest: Option<String>,
}

impl Component {
    /// Its questions with their keys.
    pub fn questions_with_owner(&self) -> impl Iterator<Item = (&str, &Question)> {
        self.questions
            .iter()
            .map(|question| (self.name.as_str(), question))
    }

    /// The paths of all its templates, relative to the template directory.
    pub fn sources(&self) -> impl Iterator<Item = &String> {
        let files = self.templates.iter().map(|template| &template.source);
        let fragments = self.fragments.iter().map(|(_, source)| source);
        files.chain(fragments).chain(&self.manifest)
    }

    /// The components that are selected along with it.
    pub fn required(&self, kind: ProjectKind) -> &[String] {
        match (&self.existing.requires, kind) {
            (Some(other), ProjectKind::Existing | ProjectKind::Workspace) => other,
            _ => &self.requires,
        }
    }

    /// The exceptions for one of its files.
    pub fn exception(&self, path: &RelPath) -> Option<&Exception> {
        self.files.get(path.as_str())
    }
}

/// The kind of crate that components are selected for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProjectKind {
    /// A project that prodify created or is about to create.
    #[default]
    Created,
    /// An existing crate.
    Existing,
    /// The root of a workspace of existing crates, without a package of its own: requirements on a package do not apply there.
    Workspace,
}

/// A file that a component writes.
#[derive(Debug)]
pub struct Template {
    /// Its output path.
    pub path: RelPath,
    /// The template's path relative to the template directory.
    pub source: String,
}

/// Exceptions for one file.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Exception {
    /// Who owns the file after it has been written.
    #[serde(default)]
    pub class: Class,
    /// Whether it is executable.
    #[serde(default)]
    pub executable: bool,
    /// Only written if this expression over the template context is true.
    pub when: Option<String>,
    /// What it is written once per: into separate directories if there are several.
    pub each: Option<Each>,
}

/// The new path or paths of a file.
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
    /// Its new path, or those of the files that it was split into.
    pub fn paths(&self) -> &[RelPath] {
        &self.0
    }
}

/// What a file is written once per.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// The services of the crate: their directories are named after them.
    Service,
}

/// The behaviour of a component in a crate that was not created by `new`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Existing {
    /// Why it cannot be added to one.
    pub refused: Option<String>,
    /// Overrides the components that are selected along with it there.
    pub requires: Option<Vec<String>>,
    /// The kinds of program that it supports: implies that it needs to know what runs in production. None if it does not.
    pub runs: Option<Vec<ProgramKind>>,
    /// Files that are left out if the crate has equivalent ones: for each, the paths of those.
    #[serde(default)]
    pub files: BTreeMap<String, Vec<String>>,
    /// Entries and tables of Cargo.toml that are left out if the crate sets certain entries itself: for each, those.
    #[serde(default)]
    pub entries: BTreeMap<String, Vec<String>>,
    /// Code that it breaks, to warn of.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The lines that its code needs in the user's own sources, for the user to add.
    #[serde(default)]
    pub wire: Vec<Wire>,
}

/// Code in a crate that the component breaks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// The entry of Cargo.toml that breaks it, if that is the cause.
    pub entry: Option<EntryValue>,
    /// Words by which to find it in the sources.
    pub words: Vec<String>,
    /// What is wrong then, to follow the words.
    pub why: String,
}

/// An entry of Cargo.toml with a value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryValue {
    /// Its keys: `profile.release.panic`.
    pub key: String,
    /// The value.
    pub is: String,
}

/// Lines for the user's own sources.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wire {
    /// A template for the place of the lines: `src/main.rs, with its other modules`.
    pub at: String,
    /// A template for the lines.
    pub code: String,
    /// Only printed if this expression over the template context is true.
    pub when: Option<String>,
}

/// The value of a fact: a constant, an answer to one of the component's questions, or derived from the dependencies.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// The answer to one of the component's questions.
    Answer {
        /// The question's key, without the component.
        answer: String,
    },
    /// Whether the service depends on one of these, as in [`Service::takes`](crate::facts::Service::takes): true for a new
    /// project.
    DependsOn {
        /// Crates, each with its semver-compatible version.
        takes: Vec<String>,
    },
    /// The value itself.
    Value(serde_json::Value),
}

/// A command to run next.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// A template for the command.
    pub command: String,
    /// A template for a short description.
    pub why: String,
    /// Only printed if this expression over the template context is true.
    pub when: Option<String>,
}

/// How much a new project includes.
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

/// Where a component's files must be for the programs that read them: in the root directory of this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The package.
    #[default]
    Package,
    /// The workspace, with the lock file and the profiles.
    Workspace,
    /// The repository, with the forge's configuration.
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
