//! `cargo prodify remove`: removes what a component wrote, and keeps what was edited since.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::Change;
use super::existing::{self, Run};
use super::project::{Project, Purpose};
use super::{requirements, restore, undecided, wizard};
use crate::answers::GivenAnswers;
use crate::catalog::{Catalog, Component, Scope};
use crate::cli::Remove;
use crate::draft::Draft;
use crate::error::Usage;
use crate::provenance::ANSWERS;
use crate::report::Report;
use crate::select::{self, Request, Selection};
use crate::shell::Shell;

/// Removes components.
///
/// # Errors
///
/// [`Usage`] if one is not there, or is required by another; otherwise if anything prevents removing them. Nothing is written
/// then.
pub(super) fn run(catalog: &Catalog, arguments: &Remove, shell: &Shell) -> Result<Report> {
    let mut terminal = wizard::terminal(arguments.non_interactive)?;
    let asked = select::find_all(catalog, &arguments.components)?;
    let purpose = Purpose::from_preview(&arguments.writing.preview);
    let project = Project::find(&arguments.subject, &asked, purpose)?;
    for component in &asked {
        check_present(component, &project)?;
    }

    let selection = remaining(catalog, &project, &arguments.components)?;
    let given = GivenAnswers::default().with_record(catalog, &project.record.answers_file)?;
    let draft = if selection.components.is_empty() {
        Draft::default()
    } else {
        existing::draft(catalog, &project, &selection, &given, None, shell)?
    };
    let is_decided = arguments.writing.keep || arguments.writing.overwrite;
    let mut change = Change::plan(&project, &selection, draft, |plan| {
        Ok(match is_decided {
            true => undecided::leave_marked(&project, plan),
            false => undecided::leave_conflicts(&project, plan),
        })
    })?;
    change.notes.extend(requirements::orphaned_note(
        catalog,
        &selection,
        project.kind()?,
        &arguments.components,
        &arguments.subject,
    ));
    let next = restore::commands(&project, &change.plan);
    let run = Run {
        command: "remove",
        writing: &arguments.writing,
        allow_dirty: arguments.allow_dirty,
        terminal: terminal.as_mut(),
        // It was named explicitly, and removes only what can be added again.
        confirms: false,
        wire: Vec::new(),
        next,
        shell,
    };
    run.carry_out(&project, change)
}

fn check_present(component: &Component, project: &Project) -> Result<()> {
    let present = project.components();
    // A killed run may have got as far as the record, and left remains to clean up.
    if present.contains(&component.name) || project.record.interrupted {
        return Ok(());
    }
    let (name, shown) = (&component.name, &project.display_path);
    let why = if present.is_empty() {
        format!("nothing was added there: it has no {ANSWERS}")
    } else {
        format!("its {ANSWERS} has {}", present.join(", "))
    };
    Err(Usage::new(format!("`{name}` is not in {shown}: {why}")).into())
}

/// The remaining components.
fn remaining<'c>(
    catalog: &'c Catalog,
    project: &Project,
    removed: &[String],
) -> Result<Selection<'c>> {
    let present: BTreeSet<String> = project.components().iter().cloned().collect();
    if present.iter().all(|component| removed.contains(component)) {
        return Ok(Selection::default());
    }
    let request = Request {
        kind: project.kind()?,
        start: present,
        with: Vec::new(),
        without: removed.to_vec(),
    };
    select::select(catalog, &request, Scope::Repository)
}
