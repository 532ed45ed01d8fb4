//! `cargo prodify update`: this version's templates and the answers as they are now, merged into what the user made of the files.

use anyhow::Result;

use super::new::read_answers;
use super::renewal::{Decided, Renewal, Renewed};
use super::site::{Purpose, Site};
use super::{conflicts, uncommitted, wizard};
use crate::answers::Given;
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::{Merging, Update};
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
    let answered = read_answers(answers)?;
    let given = Given::new(catalog, &answers.set, answered.answers.clone())?;
    let only_shows = merging.dry_run || merging.diff;
    let site = Site::written(subject, Purpose::unless(only_shows))?;
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

    let outcome = ending(&change.plan, merging);
    let writes = matches!(outcome, Ending::Done | Ending::Unresolved) && change.plan.changes();
    match writes && !merging.allow_dirty {
        // What a run that was killed has left is finished rather than committed.
        true if site.record.interrupted => uncommitted::refuse_merged(&site, &change.plan)?,
        true => uncommitted::refuse_any(&site)?,
        false => {}
    }
    // Where nothing is left to write, a run that was killed may have left something to tidy up.
    if !only_shows {
        let originals = conflicts::originals(&site.root, &change.plan);
        apply(&site.root, &change.plan, &originals)?;
    }
    Ok(Report::Written(Box::new(Written {
        command: "update",
        outcome,
        name: change.name,
        path: site.shown.clone(),
        components: change.components,
        files: FileReport::of_plan(&change.plan, merging.diff),
        notes: change.notes,
        wire,
        next,
    })))
}

fn ending(plan: &Plan, merging: &Merging) -> Ending {
    let has_conflicts = plan.conflicts().next().is_some();
    match merging.dry_run || merging.diff {
        true if has_conflicts => Ending::Conflict,
        true => Ending::Planned,
        false if has_conflicts => Ending::Unresolved,
        false if plan.changes() => Ending::Done,
        false => Ending::Unchanged,
    }
}
