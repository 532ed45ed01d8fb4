//! `cargo prodify eject`: copies a component's templates, for a project or a company to change.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, Table};

use super::command_line::shell_word;
use super::project::{MANIFEST, Purpose};
use super::{overlay, records};
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::Eject;
use crate::error::Usage;
use crate::facts::disk;
use crate::plan;
use crate::provenance::{ANSWERS, TEMPLATES};
use crate::render::NextStep;
use crate::report::{Ending, FileReport, Report, Written};
use crate::select;
use crate::tree::{Class, File, RelPath, Tree};

/// Copies a component's templates into the directory of own templates, and records that in prodify.toml.
///
/// # Errors
///
/// [`Usage`] if the component is there already, or if the directory is neither in the project nor beside it.
pub(super) fn run(
    catalog: &Catalog,
    arguments: &Eject,
    templates: Option<&Path>,
) -> Result<Report> {
    let component = select::find(catalog, &arguments.component)?;
    let name = &component.name;
    let here = overlay::current_dir()?;
    let project = overlay::project_root(&here).unwrap_or_else(|| here.clone());
    let directory = match (templates, catalog.overlay()) {
        (_, Some(overlay)) => overlay.directory.clone(),
        (Some(directory), None) => resolve_new_directory(&here.join(directory))?,
        (None, None) => project.join(overlay::DEFAULT_DIRECTORY),
    };
    if catalog.origin(name).is_some() || directory.join(name).symlink_metadata().is_ok() {
        let place = directory.join(name);
        return Err(Usage::new(format!(
            "{} already exists: `{name}` is your own",
            place.display()
        ))
        .into());
    }
    let relative = overlay::relative_path(&project, &directory)?;
    let root = overlay::common_parent(&project, &directory);
    if root.parent().is_none() {
        return Err(Usage::new(format!(
            "{} is neither in {} nor beside it",
            directory.display(),
            project.display()
        ))
        .into());
    }

    let is_dry = arguments.preview.is_dry();
    let purpose = Purpose::from_preview(&arguments.preview);
    let _project = purpose.lock(&project)?;
    // Files are put in place by way of a staging directory in the root.
    let _root = (root != project).then(|| purpose.lock(&root)).transpose()?;

    let mut theirs = Tree::new();
    let target = RelPath::new(name.as_str())?.below(&overlay::path_below(&root, &directory))?;
    for (path, text) in catalog.files_of(name) {
        let within = path.split_once('/').map_or(path, |(_, within)| within);
        let file = File::of_prodify(text.to_owned(), Class::Once);
        theirs.insert(RelPath::new(within)?.below(target.as_str())?, file);
    }
    let mut base = Tree::new();
    let answers = RelPath::new(ANSWERS)?.below(&overlay::path_below(&root, &project))?;
    let text = records::read_text(&project, ANSWERS)?;
    if let Some(text) = &text {
        let with =
            set_templates_path(text, &relative).with_context(|| format!("editing {ANSWERS}"))?;
        base.insert(answers.clone(), File::of_prodify(text.clone(), Class::Tool));
        theirs.insert(answers, File::of_prodify(with, Class::Tool));
    }
    let ours = disk::read(&root, theirs.keys())?;
    let plan = plan::plan(&base, ours, theirs);
    let outcome = match is_dry {
        _ if plan.conflicts().next().is_some() => Ending::Conflict,
        true => Ending::Planned,
        false => Ending::Done,
    };
    if outcome == Ending::Done {
        apply(&root, &plan, &[])?;
    }
    let mut notes = vec![format!(
        "`{name}` is your own now: new versions of cargo prodify no longer change what it writes"
    )];
    if text.is_none() {
        notes.push(format!(
            "there is no {ANSWERS} here to record the directory: pass `--templates {relative}`, and the project's will"
        ));
    }
    let next = match text {
        Some(_) => next_step("update", "apply your template changes to this project"),
        None => {
            let flag = format!("--templates {}", shell_word(&relative));
            let fits_here = component.existing.refused.is_none() && here.join(MANIFEST).is_file();
            match fits_here {
                true => next_step(&format!("add {name} {flag}"), "write it into this crate"),
                false => next_step(&format!("new PATH {flag}"), "create a project with it"),
            }
        }
    };
    Ok(Report::Written(Box::new(Written {
        command: "eject",
        outcome,
        is_dry,
        name: name.to_owned(),
        path: root.display().to_string(),
        components: vec![name.to_owned()],
        files: FileReport::from_plan(&plan, arguments.preview.diff),
        notes,
        wire: Vec::new(),
        next: vec![next],
        again: None,
    })))
}

fn next_step(command: &str, why: &str) -> NextStep {
    NextStep {
        component: None,
        command: format!("cargo prodify {command}"),
        why: why.to_owned(),
    }
}

/// The path of a directory that may not exist yet, without links.
fn resolve_new_directory(directory: &Path) -> Result<PathBuf> {
    let existing = directory.ancestors().find(|above| above.exists());
    let existing = existing.unwrap_or(directory);
    let rest = directory.strip_prefix(existing).unwrap_or(Path::new(""));
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    if !existing.is_dir() || !rest.components().all(is_plain) {
        let shown = directory.display();
        return Err(Usage::new(format!("{shown} cannot be a directory: choose another")).into());
    }
    let existing = fs::canonicalize(existing);
    Ok(existing
        .with_context(|| format!("looking at {}", directory.display()))?
        .join(rest))
}

/// The text of a prodify.toml with the directory of templates set, and otherwise unchanged.
fn set_templates_path(text: &str, relative: &str) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let table = document
        .entry(TEMPLATES)
        .or_insert(Item::Table(Table::new()));
    table["path"] = toml_edit::value(relative);
    Ok(document.to_string())
}
