//! Files beside the sources that the binary reads when it runs, which an image must carry, or the compiler when it builds.
//!
//! Which calls read files is data, in `files.toml` beside this file.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::found::{Certainty, Found};
use super::origins::lexical;
use super::secrets::Secrets;
use super::source::{Call, Form, SourceFile, Sources};
use super::toml::shown;

/// A file or directory that is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asset {
    /// As the program names it.
    pub path: String,
    /// Where it lies below the workspace; none where it is not there.
    pub place: Option<String>,
    /// When it is read.
    pub when: When,
    /// Whether it holds a secret, by its name, so that no image carries it.
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
    reads: Vec<Reads>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reads {
    call: String,
    #[serde(default)]
    argument: usize,
    when: When,
    /// Whether the path is taken from the source file's directory, not from the package's.
    #[serde(default)]
    beside: bool,
    /// Whether it is worth a fact even where nothing is there.
    #[serde(default)]
    serves: bool,
}

/// Where paths lead to.
pub struct Places<'p> {
    /// The top of the workspace.
    pub top: &'p Path,
    /// The directory of the package.
    pub package: &'p Path,
}

/// Finds them in the sources of the binary and of the build scripts.
///
/// # Errors
///
/// Where the data is broken, which a test rules out.
pub fn find(
    sources: &Sources,
    scripts: &Sources,
    places: &Places<'_>,
) -> Result<Vec<Found<Asset>>> {
    let table: Table = toml_edit::de::from_str(include_str!("files.toml"))
        .context("reading the table of what reads files")?;
    let secrets = Secrets::embedded()?;
    let mut found: Vec<Found<Asset>> = Vec::new();
    let mut add =
        |asset: Found<Asset>| match found.iter_mut().find(|known| known.value == asset.value) {
            Some(known) => known.evidence.extend(asset.evidence),
            None => found.push(asset),
        };
    for call in sources.calls() {
        for reads in table.reads.iter().filter(|reads| call.is(&reads.call)) {
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
    // What lies among the sources is there wherever they are.
    let own = shown(&call.file.directory.join("src"), places.top);
    let certainty = match &place {
        Some(place) if Path::new(place).starts_with(&own) => return None,
        Some(_) => Certainty::Likely,
        // A directory that is served may be made by something else, such as a web page's build.
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

/// `#[template(path = "index.html")]` of askama and rinja, compiled from `templates/`; rocket's templates, read from there.
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

/// What a build script names and is there: protocols, web pages, whatever it compiles.
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

/// Where a path leads to below the top, from the first of these directories that has it.
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

/// Whether a path is one of the machine's and not of the project's.
fn is_of_the_system(path: &str) -> bool {
    path.starts_with('/') || path.starts_with('~')
}
