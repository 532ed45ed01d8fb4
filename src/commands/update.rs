//! `cargo prodify update`: merges this version's templates and the current answers into the user's files.

use anyhow::Result;

use super::renewal::{Decided, Renewal, Renewed};
use super::site::{Purpose, Site};
use super::{answers_file, conflicts, typed, uncommitted, wizard};
use crate::answers::Given;
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::{Subject, Update};
use crate::draft;
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
    let answered = answers_file::read(answers)?;
    let given = Given::new(catalog, &answers.set, answered.answers.clone())?;
    let is_dry = merging.preview.is_dry();
    let site = Site::written(subject, Purpose::of(&merging.preview))?;
    let given = given.with_file(draft::taken_over(catalog, &answered, &site.name()?)?);
    let renewal = Renewal {
        catalog,
        site: &site,
        given,
        decided: Decided {
            ours: &merging.ours,
            theirs: &merging.theirs,
        },
        shell,
    };
    let prompt = terminal
        .as_mut()
        .filter(|_| !answers.defaults)
        .map(|terminal| terminal as &mut dyn Prompt);
    let Renewed { change, wire, next } = renewal.plan(prompt)?;

    let outcome = ending(&change.plan, is_dry);
    let writes = matches!(outcome, Ending::Done | Ending::Unresolved) && change.plan.changes();
    match writes && !merging.allow_dirty {
        // The remains of a killed run should be completed rather than committed.
        true if site.record.interrupted => uncommitted::refuse_merged(&site, &change.plan)?,
        true => uncommitted::refuse_any(&site)?,
        false => {}
    }
    // Even with nothing left to write, a killed run may have left remains to clean up.
    if !is_dry {
        let originals = conflicts::originals(&site.root, &change.plan);
        apply(&site.root, &change.plan, &originals)?;
    }
    let again = (outcome == Ending::Unresolved).then(|| again(&site, subject));
    Ok(Report::Written(Box::new(Written {
        command: "update",
        outcome,
        is_dry,
        name: change.name,
        path: site.shown.clone(),
        components: change.components,
        files: FileReport::of_plan(&change.plan, merging.preview.diff),
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
fn again(site: &Site, subject: &Subject) -> String {
    let command = typed::for_subject("update", subject);
    match uncommitted::is_any(site) {
        true => format!("{command} --allow-dirty"),
        false => command,
    }
}
