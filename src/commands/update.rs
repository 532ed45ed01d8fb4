//! `cargo prodify update`: this version's templates and the answers as they are now, merged into what the user made of the files.

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

/// Brings a project up to date. What meets the user's edits is marked in the file; everything else is written.
///
/// # Errors
///
/// Whatever keeps it from being done; nothing is then written.
pub(super) fn run(catalog: &Catalog, arguments: &Update, shell: &Shell) -> Result<Report> {
    let Update {
        subject,
        answers,
        merging,
    } = arguments;
    let mut terminal = wizard::terminal(answers.non_interactive)?;
    let answered = answers_file::read(answers)?;
    let given = Given::new(catalog, &answers.set, answered.answers.clone())?;
    let is_dry = merging.dry_run || merging.diff;
    let site = Site::written(subject, Purpose::unless(is_dry))?;
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
        // What a run that was killed has left is finished rather than committed.
        true if site.record.interrupted => uncommitted::refuse_merged(&site, &change.plan)?,
        true => uncommitted::refuse_any(&site)?,
        false => {}
    }
    // Where nothing is left to write, a run that was killed may have left something to tidy up.
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
        files: FileReport::of_plan(&change.plan, merging.diff),
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

/// The command line that decides what an update has left to the user. They need not commit before what that has written.
fn again(site: &Site, subject: &Subject) -> String {
    let command = typed::for_subject("update", subject);
    match uncommitted::is_any(site) {
        true => format!("{command} --allow-dirty"),
        false => command,
    }
}
