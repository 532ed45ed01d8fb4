//! Files beside the sources that the binary reads at run time, so that an image must carry them, or the compiler at build time.
//!
//! Which calls read files is data, in `files.toml` beside this file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::database::Taken;
use super::dependency_sources::lexical;
use super::evidence::{Certainty, Evidence, Found};
use super::secret_files::SecretFiles;
use super::source::{Call, Form, SourceFile, Sources};
use super::toml::shown;

/// A file or directory that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asset {
    /// The path as the program names it.
    pub path: String,
    /// The path relative to the workspace; none if it does not exist.
    pub place: Option<String>,
    /// When it is read.
    pub when: When,
    /// Whether its name suggests a secret, so that it is left out of images.
    pub secret: bool,
}

/// When a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// By the binary.
    Run,
    /// By the compiler.
    Build,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    compiling: Vec<String>,
    builders: Vec<Builders>,
    reads: Vec<Reads>,
}

/// A macro that yields a path on the build machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Builders {
    call: String,
    text: Option<String>,
    of: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reads {
    call: String,
    /// The versions of the crate, if others behave differently.
    #[serde(default)]
    of: BTreeMap<String, VersionReq>,
    #[serde(default)]
    argument: usize,
    when: When,
    /// Whether the path is relative to the source file's directory instead of the package's.
    #[serde(default)]
    beside: bool,
    /// Whether it is a fact even if nothing is at the path.
    #[serde(default)]
    serves: bool,
}

/// The directories that paths are relative to.
pub struct Places<'p> {
    /// The workspace root.
    pub top: &'p Path,
    /// The directory of the package.
    pub package: &'p Path,
}

/// Finds files in the sources of the binary, with these dependencies, and of the build scripts.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn find(
    sources: &Sources,
    scripts: &Sources,
    places: &Places<'_>,
    taken: &BTreeMap<String, Taken>,
) -> Result<Vec<Found<Asset>>> {
    let table = Table::embedded()?;
    let secrets = SecretFiles::embedded()?;
    let mut found: Vec<Found<Asset>> = Vec::new();
    let mut add =
        |asset: Found<Asset>| match found.iter_mut().find(|known| known.value == asset.value) {
            Some(known) => known.evidence.extend(asset.evidence),
            None => found.push(asset),
        };
    for call in sources.calls() {
        let reads = table.reads.iter().filter(|reads| call.is(&reads.call));
        for reads in reads.filter(|reads| reads.is_of(taken)) {
            asset(&call, reads, places).into_iter().for_each(&mut add);
        }
        template(&call, places).into_iter().for_each(&mut add);
    }
    for file in &scripts.files {
        (file.indices())
            .filter_map(|at| input(file, at, places))
            .for_each(&mut add);
    }
    for asset in &mut found {
        let place = asset.value.place.as_deref();
        asset.value.secret = place.is_some_and(|place| secrets.has(place));
    }
    found.sort_by(|a, b| (a.value.when, &a.value.path).cmp(&(b.value.when, &b.value.path)));
    Ok(found)
}

/// Where the binary contains paths of the build machine, except for files that are only read at compile time.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn builders_paths(sources: &Sources, taken: &BTreeMap<String, Taken>) -> Result<Vec<Evidence>> {
    let table = Table::embedded()?;
    let paths = sources.files.iter().flat_map(|file| {
        let compiling: Vec<Call<'_>> = file
            .calls()
            .filter(|call| table.is_compiling(call))
            .collect();
        let is_compiled = move |at| {
            compiling
                .iter()
                .any(|call| (call.at..call.end).contains(&at))
        };
        let makes = |call: &Call<'_>| table.builders.iter().any(|it| it.makes(call, taken));
        let paths = file.calls().filter(makes);
        paths
            .filter(|call| !is_compiled(call.at))
            .map(|call| file.evidence(call.at))
            .collect::<Vec<_>>()
    });
    Ok(paths.collect())
}

impl Table {
    fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("files.toml"))
            .context("reading the table of what reads files")
    }

    /// Whether a call, with everything in it, is evaluated before the binary runs.
    fn is_compiling(&self, call: &Call<'_>) -> bool {
        match call.form {
            Form::Attribute => true,
            Form::Macro => self.compiling.iter().any(|name| name == call.name()),
            Form::Function | Form::Method => false,
        }
    }
}

impl Builders {
    /// Whether a call is of this macro.
    fn makes(&self, call: &Call<'_>, taken: &BTreeMap<String, Taken>) -> bool {
        let is_named = call.form == Form::Macro && call.is(&self.call);
        let text = || call.text(0);
        is_named
            && (self.text.as_ref()).is_none_or(|name| text().as_ref() == Some(name))
            && (self.of.as_ref()).is_none_or(|name| taken.contains_key(name))
    }
}

impl Reads {
    /// Whether it applies to the dependency's version; if that is unknown, to the newest.
    fn is_of(&self, taken: &BTreeMap<String, Taken>) -> bool {
        let newest = Version::new(u64::MAX, 0, 0);
        self.of.iter().all(|(name, versions)| {
            let taken = taken.get(name).and_then(|taken| taken.version.as_ref());
            versions.matches(taken.unwrap_or(&newest))
        })
    }
}

fn asset(call: &Call<'_>, reads: &Reads, places: &Places<'_>) -> Option<Found<Asset>> {
    let path = call.text(reads.argument)?;
    let beside = places.top.join(&call.file.shown);
    let bases = if reads.beside {
        vec![beside.parent()?]
    } else {
        vec![&call.file.directory, places.package, places.top]
    };
    let path = fixed(&path);
    let place = place(path, &bases, places.top);
    // Files among the sources exist wherever those do.
    let own = shown(&call.file.directory.join("src"), places.top);
    let certainty = match &place {
        Some(place) if Path::new(place).starts_with(&own) => return None,
        Some(_) => Certainty::Likely,
        // A served directory may be generated by something else, such as a web frontend's build.
        None if reads.serves && !path.is_empty() && !is_of_the_system(path) => Certainty::Guess,
        None => return None,
    };
    let asset = Asset {
        path: path.to_owned(),
        place,
        when: reads.when,
        secret: false,
    };
    Some(Found::new(
        asset,
        certainty,
        vec![call.file.evidence(call.at)],
    ))
}

/// `#[template(path = "index.html")]` of askama and rinja, compiled from `templates/`; rocket's templates, read from there at run
/// time.
fn template(call: &Call<'_>, places: &Places<'_>) -> Option<Found<Asset>> {
    let when = match call.form {
        Form::Attribute if call.is("template") && call.option("path").is_some() => When::Build,
        Form::Function if call.is("Template::fairing") => When::Run,
        _ => return None,
    };
    let path = "templates".to_owned();
    let bases = [&call.file.directory, places.package, places.top];
    let place = Some(place(&path, &bases, places.top)?);
    let asset = Asset {
        path,
        place,
        when,
        secret: false,
    };
    Some(Found::likely(asset, call.file.evidence(call.at)))
}

/// Existing files that a build script names: protocol definitions, web pages, anything that it compiles.
fn input(file: &SourceFile, at: usize, places: &Places<'_>) -> Option<Found<Asset>> {
    let path = file.text(at)?;
    let path = path
        .rsplit_once('=')
        .map_or(path.as_str(), |(_, path)| path)
        .trim();
    let script = places.top.join(&file.shown);
    let place = place(path, &[script.parent()?], places.top)?;
    if matches!(
        path,
        "." | "./" | "build.rs" | "src" | "Cargo.toml" | "Cargo.lock"
    ) || path.ends_with(".rs")
        || Path::new(path).starts_with("src")
    {
        return None;
    }
    let asset = Asset {
        path: path.to_owned(),
        place: Some(place),
        when: When::Build,
        secret: false,
    };
    Some(Found::likely(asset, file.evidence(at)))
}

/// The part of a path before its first wildcard: `templates` of `templates/**/*.html`.
fn fixed(path: &str) -> &str {
    let wild = path.find(['*', '{', '?']).unwrap_or(path.len());
    let fixed = if wild < path.len() {
        path[..wild].rsplit_once('/').map_or("", |(fixed, _)| fixed)
    } else {
        path
    };
    fixed.trim_end_matches('/')
}

/// The path relative to the workspace root, in the first of these directories in which it exists.
fn place(path: &str, bases: &[&Path], top: &Path) -> Option<String> {
    if path.is_empty() || path == "." || is_of_the_system(path) {
        return None;
    }
    let found: PathBuf = bases
        .iter()
        .map(|base| lexical(&base.join(path)))
        .find(|path| path.exists())?;
    found.starts_with(top).then(|| shown(&found, top))
}

/// Whether a path belongs to the machine rather than the project.
fn is_of_the_system(path: &str) -> bool {
    path.starts_with('/') || path.starts_with('~')
}
