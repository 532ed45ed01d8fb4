//! Files beside the sources that the binary reads at run time, so that an image must carry them, or the compiler at build time.
//!
//! Which calls read files is data, in `files.toml` beside this file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use super::database::DirectDependency;
use super::dependency_sources::normalize;
use super::evidence::{Certainty, Evidence, Found};
use super::secret_files::SecretFiles;
use super::source::{Call, Form, SourceFile, Sources};
use super::toml::display_path;

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
    builders: Vec<BuildPathMacro>,
    reads: Vec<ReadCall>,
}

/// A macro that yields a path on the build machine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildPathMacro {
    call: String,
    text: Option<String>,
    of: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadCall {
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
pub struct BaseDirectories<'p> {
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
    directories: &BaseDirectories<'_>,
    dependencies: &BTreeMap<String, DirectDependency>,
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
        for reads in reads.filter(|reads| reads.applies_to(dependencies)) {
            asset(&call, reads, directories)
                .into_iter()
                .for_each(&mut add);
        }
        template(&call, directories).into_iter().for_each(&mut add);
    }
    for file in &scripts.files {
        (file.indices())
            .filter_map(|at| build_input(file, at, directories))
            .for_each(&mut add);
    }
    for asset in &mut found {
        let place = asset.value.place.as_deref();
        asset.value.secret = place.is_some_and(|place| secrets.contains(place));
    }
    found.sort_by(|a, b| (a.value.when, &a.value.path).cmp(&(b.value.when, &b.value.path)));
    Ok(found)
}

/// Where the binary contains paths of the build machine, except for files that are only read at compile time.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn build_machine_paths(
    sources: &Sources,
    dependencies: &BTreeMap<String, DirectDependency>,
) -> Result<Vec<Evidence>> {
    let table = Table::embedded()?;
    let paths = sources.files.iter().flat_map(|file| {
        let compiling: Vec<Call<'_>> = file
            .calls()
            .filter(|call| table.is_compile_time(call))
            .collect();
        let is_compiled = move |at| {
            compiling
                .iter()
                .any(|call| (call.at..call.end).contains(&at))
        };
        let matches_call = |call: &Call<'_>| {
            table
                .builders
                .iter()
                .any(|it| it.matches_call(call, dependencies))
        };
        let paths = file.calls().filter(matches_call);
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
    fn is_compile_time(&self, call: &Call<'_>) -> bool {
        match call.form {
            Form::Attribute => true,
            Form::Macro => self.compiling.iter().any(|name| name == call.name()),
            Form::Function | Form::Method => false,
        }
    }
}

impl BuildPathMacro {
    /// Whether a call is of this macro.
    fn matches_call(
        &self,
        call: &Call<'_>,
        dependencies: &BTreeMap<String, DirectDependency>,
    ) -> bool {
        let is_named = call.form == Form::Macro && call.is(&self.call);
        let text = || call.text(0);
        is_named
            && (self.text.as_ref()).is_none_or(|name| text().as_ref() == Some(name))
            && (self.of.as_ref()).is_none_or(|name| dependencies.contains_key(name))
    }
}

impl ReadCall {
    /// Whether it applies to the dependency's version; if that is unknown, to the newest.
    fn applies_to(&self, dependencies: &BTreeMap<String, DirectDependency>) -> bool {
        let newest = Version::new(u64::MAX, 0, 0);
        self.of.iter().all(|(name, versions)| {
            let version = dependencies
                .get(name)
                .and_then(|dependency| dependency.version.as_ref());
            versions.matches(version.unwrap_or(&newest))
        })
    }
}

fn asset(
    call: &Call<'_>,
    reads: &ReadCall,
    directories: &BaseDirectories<'_>,
) -> Option<Found<Asset>> {
    let path = call.text(reads.argument)?;
    let beside = directories.top.join(&call.file.display_path);
    let bases = if reads.beside {
        vec![beside.parent()?]
    } else {
        vec![&call.file.directory, directories.package, directories.top]
    };
    let path = before_wildcard(&path);
    let place = relative_to_workspace(path, &bases, directories.top);
    // Files among the sources exist wherever those do.
    let own = display_path(&call.file.directory.join("src"), directories.top);
    let certainty = match &place {
        Some(place) if Path::new(place).starts_with(&own) => return None,
        Some(_) => Certainty::Likely,
        // A served directory may be generated by something else, such as a web frontend's build.
        None if reads.serves && !path.is_empty() && !is_system_path(path) => Certainty::Guess,
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
fn template(call: &Call<'_>, directories: &BaseDirectories<'_>) -> Option<Found<Asset>> {
    let when = match call.form {
        Form::Attribute if call.is("template") && call.option("path").is_some() => When::Build,
        Form::Function if call.is("Template::fairing") => When::Run,
        _ => return None,
    };
    let path = "templates".to_owned();
    let bases = [&call.file.directory, directories.package, directories.top];
    let place = Some(relative_to_workspace(&path, &bases, directories.top)?);
    let asset = Asset {
        path,
        place,
        when,
        secret: false,
    };
    Some(Found::likely(asset, call.file.evidence(call.at)))
}

/// Existing files that a build script names: protocol definitions, web pages, anything that it compiles.
fn build_input(
    file: &SourceFile,
    at: usize,
    directories: &BaseDirectories<'_>,
) -> Option<Found<Asset>> {
    let path = file.text(at)?;
    let path = path
        .rsplit_once('=')
        .map_or(path.as_str(), |(_, path)| path)
        .trim();
    let script = directories.top.join(&file.display_path);
    let place = relative_to_workspace(path, &[script.parent()?], directories.top)?;
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
fn before_wildcard(path: &str) -> &str {
    let wild = path.find(['*', '{', '?']).unwrap_or(path.len());
    let fixed = if wild < path.len() {
        path[..wild].rsplit_once('/').map_or("", |(fixed, _)| fixed)
    } else {
        path
    };
    fixed.trim_end_matches('/')
}

/// The path relative to the workspace root, in the first of these directories in which it exists.
fn relative_to_workspace(path: &str, bases: &[&Path], top: &Path) -> Option<String> {
    if path.is_empty() || path == "." || is_system_path(path) {
        return None;
    }
    let found: PathBuf = bases
        .iter()
        .map(|base| normalize(&base.join(path)))
        .find(|path| path.exists())?;
    found.starts_with(top).then(|| display_path(&found, top))
}

/// Whether a path belongs to the machine rather than the project.
fn is_system_path(path: &str) -> bool {
    path.starts_with('/') || path.starts_with('~')
}
