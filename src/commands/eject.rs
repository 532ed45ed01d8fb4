//! `cargo prodify eject`: copies a component's templates, for a project or a company to change.

use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item, Table};

use super::site::{MANIFEST, Purpose};
use super::typed::shell_word;
use super::{own, records};
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
    let component = select::known(catalog, &arguments.component)?;
    let name = &component.name;
    let here = own::here()?;
    let project = own::project(&here).unwrap_or_else(|| here.clone());
    let directory = match (templates, catalog.own()) {
        (_, Some(own)) => own.directory.clone(),
        (Some(directory), None) => to_be_made(&here.join(directory))?,
        (None, None) => project.join(own::DEFAULT),
    };
    if catalog.origin(name).is_some() || directory.join(name).symlink_metadata().is_ok() {
        let place = directory.join(name);
        return Err(Usage::new(format!(
            "{} already exists: `{name}` is your own",
            place.display()
        ))
        .into());
    }
    let named = own::from(&project, &directory)?;
    let root = own::above(&project, &directory);
    if root.parent().is_none() {
        return Err(Usage::new(format!(
            "{} is neither in {} nor beside it",
            directory.display(),
            project.display()
        ))
        .into());
    }

    let planned = arguments.preview.is_dry();
    let purpose = Purpose::of(&arguments.preview);
    let _project = purpose.lock(&project)?;
    // Files are put in place by way of a staging directory in the root.
    let _root = (root != project).then(|| purpose.lock(&root)).transpose()?;

    let mut theirs = Tree::new();
    let target = RelPath::new(name.as_str())?.below(&own::below(&root, &directory))?;
    for (path, text) in catalog.files_of(name) {
        let within = path.split_once('/').map_or(path, |(_, within)| within);
        let file = File::of_prodify(text.to_owned(), Class::Once);
        theirs.insert(RelPath::new(within)?.below(target.as_str())?, file);
    }
    let mut base = Tree::new();
    let answers = RelPath::new(ANSWERS)?.below(&own::below(&root, &project))?;
    let text = records::text(&project, ANSWERS)?;
    if let Some(text) = &text {
        let with = naming(text, &named).with_context(|| format!("editing {ANSWERS}"))?;
        base.insert(answers.clone(), File::of_prodify(text.clone(), Class::Tool));
        theirs.insert(answers, File::of_prodify(with, Class::Tool));
    }
    let ours = disk::read(&root, theirs.keys())?;
    let plan = plan::plan(&base, ours, theirs);
    let outcome = match planned {
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
            "there is no {ANSWERS} here to record the directory: pass `--templates {named}`, and the project's will"
        ));
    }
    let next = match text {
        Some(_) => next_step("update", "apply your template changes to this project"),
        None => {
            let told = format!("--templates {}", shell_word(&named));
            let is_for_here = component.existing.refused.is_none() && here.join(MANIFEST).is_file();
            match is_for_here {
                true => next_step(&format!("add {name} {told}"), "write it into this crate"),
                false => next_step(&format!("new PATH {told}"), "create a project with it"),
            }
        }
    };
    Ok(Report::Written(Box::new(Written {
        command: "eject",
        outcome,
        is_dry: planned,
        name: name.to_owned(),
        path: root.display().to_string(),
        components: vec![name.to_owned()],
        files: FileReport::of_plan(&plan, arguments.preview.diff),
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
fn to_be_made(directory: &Path) -> Result<PathBuf> {
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
fn naming(text: &str, named: &str) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let table = document
        .entry(TEMPLATES)
        .or_insert(Item::Table(Table::new()));
    table["path"] = toml_edit::value(named);
    Ok(document.to_string())
}
