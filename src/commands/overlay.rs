//! Finds and reads own templates: nothing else reads them.

use std::collections::BTreeMap;
use std::path::{Component, MAIN_SEPARATOR, Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, bail};
use walkdir::{DirEntry, WalkDir};

use super::project::Project;
use super::records;
use crate::catalog::{Catalog, Overlay};
use crate::cli::{Cli, Command};
use crate::error::Usage;
use crate::facts::walk;
use crate::provenance::{self, ANSWERS};
use crate::render;

/// The directory that components are ejected to by default.
pub(super) const DEFAULT_DIRECTORY: &str = ".prodify/templates";

/// The catalog with the own templates overlaid that the command line or a prodify.toml names; none if neither does.
///
/// # Errors
///
/// [`Usage`], naming the file and the line, if they are not valid.
pub(super) fn load(catalog: &Catalog, line: &Cli) -> Result<Option<Catalog>> {
    let (directory, shown, is_explicit) = match (&line.templates, &line.command) {
        (Some(_), Command::Inspect(_)) => {
            return Err(Usage::new(
                "`--templates` does not apply to `inspect`, which writes nothing",
            )
            .into());
        }
        // The directory may not exist yet.
        (Some(directory), Command::Eject(_)) if !directory.exists() => return Ok(None),
        (Some(directory), _) => (directory.clone(), directory.display().to_string(), true),
        // The completion script is the same for all projects.
        (None, Command::Inspect(_) | Command::Completions { .. }) => return Ok(None),
        (None, command) => match recorded_templates(command)? {
            Some((directory, is_explicit)) => {
                let shown = directory.display().to_string();
                (directory, shown, is_explicit)
            }
            None => return Ok(None),
        },
    };
    let overlaid = read(&directory, &shown, is_explicit).and_then(|overlay| {
        let catalog = catalog.with_overlay(overlay)?;
        let components = catalog.components();
        for component in components.filter(|component| catalog.origin(&component.name).is_some()) {
            render::compile(&catalog, component)?;
        }
        Ok(catalog)
    });
    let overlaid = overlaid.map_err(|error| Usage::new(format!("own templates: {error:#}")))?;
    Ok(Some(overlaid))
}

/// The directory that a prodify.toml names, and whether to record it: the file given with `--answers`, or else the nearest
/// prodify.toml that names one.
fn recorded_templates(command: &Command) -> Result<Option<(PathBuf, bool)>> {
    if let Command::New(new) = command
        && let Some(answers) = &new.answers.answers
    {
        // Errors in reading it are reported where the answers are read.
        let text = fs::read_to_string(answers).unwrap_or_default();
        let templates = provenance::read_answers(&text)
            .ok()
            .and_then(|it| it.templates);
        let above = answers.parent().unwrap_or(Path::new(""));
        if let Some(templates) = templates {
            return Ok(Some((above.join(templates), true)));
        }
    }
    for above in search_start(command)?.ancestors() {
        if let Some(templates) = templates_recorded_in(above)? {
            return Ok(Some((above.join(templates), false)));
        }
        if is_repository_root(above) {
            break;
        }
    }
    Ok(None)
}

/// The directory named in the prodify.toml of a directory.
fn templates_recorded_in(directory: &Path) -> Result<Option<String>> {
    let Some(text) = records::read_text(directory, ANSWERS)? else {
        return Ok(None);
    };
    let read = provenance::read_answers(&text).map_err(|error| {
        let path = directory.join(ANSWERS);
        Usage::new(format!("reading {}: {error:#}", path.display()))
    });
    Ok(read?.templates)
}

/// The directory in which a command starts to look: that of the given manifest, or the current one.
fn search_start(command: &Command) -> Result<PathBuf> {
    let subject = match command {
        Command::Add(add) => Some(&add.subject),
        Command::Remove(remove) => Some(&remove.subject),
        Command::Update(update) => Some(&update.subject),
        Command::Check(check) => Some(&check.subject),
        _ => None,
    };
    let manifest = subject.and_then(|subject| subject.manifest_path.as_deref());
    let here = current_dir()?;
    let directory = manifest
        .and_then(Path::parent)
        .map(|above| here.join(above));
    // A missing manifest is reported where it is read.
    Ok(directory
        .and_then(|it| fs::canonicalize(it).ok())
        .unwrap_or(here))
}

/// The current directory, without links.
pub(super) fn current_dir() -> Result<PathBuf> {
    let directory = env::current_dir().and_then(fs::canonicalize);
    directory.context("finding the current directory")
}

/// Reads a directory of templates.
fn read(directory: &Path, shown: &str, is_explicit: bool) -> Result<Overlay> {
    let shown = shown.trim_end_matches('/');
    if !directory.is_dir() {
        let origin = if is_explicit {
            ""
        } else {
            ", which prodify.toml names in [templates]"
        };
        bail!("there is no directory {shown}{origin}");
    }
    let directory = fs::canonicalize(directory).with_context(|| format!("looking at {shown}"))?;
    // A checkout contains other things beside the components: `.git`, `.github`.
    let is_hidden = |entry: &DirEntry| {
        entry.depth() == 1 && entry.file_name().to_string_lossy().starts_with('.')
    };
    let mut files = BTreeMap::new();
    for entry in WalkDir::new(&directory)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !is_hidden(entry))
    {
        let entry = entry.or_else(|error| walk::walk_error(error, &directory))?;
        let below = entry.path().strip_prefix(&directory)?;
        let Some(path) = below.to_str().map(|path| path.replace(MAIN_SEPARATOR, "/")) else {
            bail!("{shown}/{} has a name that is not UTF-8", below.display());
        };
        if entry.path_is_symlink() {
            bail!("{shown}/{path} is a symbolic link: replace it with what it points to");
        }
        // Beside the components there may be documentation.
        let is_read = path.contains('/') || path.ends_with(".toml") || path.ends_with(".j2");
        if entry.file_type().is_dir() || !is_read {
            continue;
        }
        let bytes = fs::read(entry.path()).with_context(|| format!("reading {shown}/{path}"))?;
        let Ok(text) = String::from_utf8(bytes) else {
            bail!("{shown}/{path} is not UTF-8 text, as a template must be");
        };
        files.insert(path, text);
    }
    Ok(Overlay {
        directory,
        display_path: shown.to_owned(),
        is_explicit,
        files,
    })
}

/// Checks that a run that renders a project has the templates named in its prodify.toml.
///
/// # Errors
///
/// [`Usage`] if they were not found from the directory in which the run was started.
pub(super) fn check_loaded(project: &Project, catalog: &Catalog) -> Result<()> {
    let Some(named) = &project.record.answers_file.templates else {
        return Ok(());
    };
    let overlay = catalog.overlay();
    let directory = fs::canonicalize(project.root.join(named)).ok();
    if overlay.is_some_and(|overlay| {
        overlay.is_explicit || Some(&overlay.directory) == directory.as_ref()
    }) {
        return Ok(());
    }
    Err(Usage::new(format!(
        "{} names the templates in {named}: run this in {}, or pass --templates",
        project.root.join(ANSWERS).display(),
        project.display_path
    ))
    .into())
}

/// The relative path from one directory to another, with `/` as separator; both are absolute and without links.
///
/// # Errors
///
/// [`Usage`] if there is no relative path between them, or it cannot be written down.
pub(super) fn relative_path(project: &Path, directory: &Path) -> Result<String> {
    let shared = shared_components(project, directory);
    let ups = project.components().skip(shared).map(|_| Some(".."));
    let downs = directory
        .components()
        .skip(shared)
        .map(|part| part.as_os_str().to_str());
    let parts: Option<Vec<&str>> = ups.chain(downs).collect();
    match parts {
        Some(parts) if shared > 0 && parts.is_empty() => Ok(".".to_owned()),
        Some(parts) if shared > 0 => Ok(parts.join("/")),
        _ => Err(Usage::new(format!(
            "prodify.toml in {} cannot name {}: put the templates into the project, or beside it",
            project.display(),
            directory.display()
        ))
        .into()),
    }
}

/// The number of leading components that two paths share.
fn shared_components(one: &Path, other: &Path) -> usize {
    let pairs = one.components().zip(other.components());
    pairs.take_while(|(one, other)| one == other).count()
}

/// The nearest directory with a prodify.toml, at a path or above it, but within its repository.
pub(super) fn project_root(place: &Path) -> Option<PathBuf> {
    let above = place.ancestors();
    let mut outside = false;
    let mut within =
        above.take_while(|above| !std::mem::replace(&mut outside, is_repository_root(above)));
    let found = within.find(|above| above.join(ANSWERS).is_file());
    found.map(Path::to_owned)
}

/// Whether a directory is the root of a repository.
fn is_repository_root(directory: &Path) -> bool {
    directory.join(".git").exists()
}

/// The relative path of a directory below another, with `/` as separator.
pub(super) fn path_below(root: &Path, directory: &Path) -> String {
    let below = directory.strip_prefix(root).unwrap_or(directory);
    let parts = below.components();
    let parts: Vec<_> = parts
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    parts.join("/")
}

/// The closest common parent of two directories.
pub(super) fn common_parent(one: &Path, other: &Path) -> PathBuf {
    let parts = one.components().take(shared_components(one, other));
    parts.map(Component::as_os_str).collect()
}
