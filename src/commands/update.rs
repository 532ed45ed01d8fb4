//! `cargo prodify update`: merges this version's templates and the current answers into the user's files.

use anyhow::Result;

use super::command_line_answers::CommandLineAnswers;
use super::project::{Project, Purpose};
use super::update_plan::{PlannedUpdate, Resolutions, UpdateRequest};
use super::{command_line, conflicts, uncommitted, wizard};
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::{Subject, Update};
use crate::plan::Plan;
use crate::prompt::Prompt;
use crate::report::{Ending, FileReport, Report, Written};
use crate::shell::Shell;

/// Brings a project up to date. Conflicts with the user's edits are marked in the files; everything else is written.
///
/// # Errors
///
/// If anything prevents it; nothing is written then.
pub(super) fn run(catalog: &Catalog, arguments: &Update, shell: &Shell) -> Result<Report> {
    let Update {
        subject,
        answers,
        merging,
    } = arguments;
    let mut terminal = wizard::terminal(answers.non_interactive)?;
    let given = CommandLineAnswers::read(catalog, answers)?;
    let is_dry = merging.preview.is_dry();
    let project = Project::written(subject, Purpose::from_preview(&merging.preview))?;
    let given = given.for_project(catalog, &project.name()?)?;
    let request = UpdateRequest {
        catalog,
        project: &project,
        given,
        resolutions: Resolutions {
            ours: &merging.ours,
            theirs: &merging.theirs,
        },
        shell,
    };
    let prompt = terminal
        .as_mut()
        .filter(|_| !answers.defaults)
        .map(|terminal| terminal as &mut dyn Prompt);
    let PlannedUpdate { change, wire, next } = request.plan(prompt)?;

    let outcome = ending(&change.plan, is_dry);
    let writes = matches!(outcome, Ending::Done | Ending::Unresolved) && change.plan.changes();
    match writes && !merging.allow_dirty {
        // The remains of a killed run should be completed rather than committed.
        true if project.record.interrupted => uncommitted::refuse_merged(&project, &change.plan)?,
        true => uncommitted::refuse_any(&project)?,
        false => {}
    }
    // Even with nothing left to write, a killed run may have left remains to clean up.
    if !is_dry {
        let originals = conflicts::originals(&project.root, &change.plan);
        apply(&project.root, &change.plan, &originals)?;
    }
    let again = (outcome == Ending::Unresolved).then(|| rerun_command(&project, subject));
    Ok(Report::Written(Box::new(Written {
        command: "update",
        outcome,
        is_dry,
        name: change.name,
        path: project.display_path.clone(),
        components: change.components,
        files: FileReport::from_plan(&change.plan, merging.preview.diff),
        notes: change.notes,
        wire,
        next,
        again,
    })))
}

fn ending(plan: &Plan, is_dry: bool) -> Ending {
    match plan.conflicts().next() {
        Some(_) if is_dry => Ending::Conflict,
        Some(_) => Ending::Unresolved,
        None if !plan.changes() => Ending::Unchanged,
        None if is_dry => Ending::Planned,
        None => Ending::Done,
    }
}

/// The command line that resolves the conflicts that an update has left. Its changes need not be committed first.
fn rerun_command(project: &Project, subject: &Subject) -> String {
    let command = command_line::for_subject("update", subject);
    match uncommitted::would_refuse(project) {
        true => format!("{command} --allow-dirty"),
        false => command,
    }
}
