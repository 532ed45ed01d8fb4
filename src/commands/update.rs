//! `cargo prodify update`: this version's templates and the answers as they are now, merged into what the user made of the files.

use anyhow::Result;

use super::renewal::{Decided, Renewal, Renewed};
use super::site::Site;
use super::{answers_file, conflicts, typed, wizard};
use crate::answers::Given;
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::{Merging, Subject, Update};
use crate::draft;
use crate::error::Usage;
use crate::plan::Plan;
use crate::prompt::Prompt;
use crate::provenance::{ANSWERS, BASE};
use crate::report::{Ending, FileReport, Report, Written};
use crate::shell::{Shell, count};
use crate::vcs::{self, Uncommitted};

/// So many files that are not committed are named.
const NAMED: usize = 3;

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
    let site = Site::written(subject)?;
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

    let is_dry = merging.dry_run || merging.diff;
    let outcome = ending(&change.plan, is_dry);
    if matches!(outcome, Ending::Done | Ending::Unresolved) && change.plan.changes() {
        refuse_dirty(&site, merging)?;
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

/// What git holds can be looked at and taken back, and what it does not hold could not be told from the update.
fn refuse_dirty(site: &Site, merging: &Merging) -> Result<()> {
    // What a run that was killed has left is finished rather than committed.
    if merging.allow_dirty || site.record.interrupted {
        return Ok(());
    }
    let files = uncommitted(site);
    if files.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = files.iter().map(|file| &*file.path).take(NAMED).collect();
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Usage::new(format!(
        "{} not committed ({}{more}), and could not be told from the update: commit first, or say --allow-dirty",
        match files.len() {
            1 => "1 file is".to_owned(),
            number => format!("{} are", count(number, "file")),
        },
        names.join(", ")
    ))
    .into())
}

/// The command line that decides what an update has left to the user. They need not commit before what that has written.
fn again(site: &Site, subject: &Subject) -> String {
    let command = typed::for_subject("update", subject);
    match uncommitted(site).is_empty() {
        true => command,
        false => format!("{command} --allow-dirty"),
    }
}

/// The files that git does not hold as they are, of those that an update could touch.
fn uncommitted(site: &Site) -> Vec<Uncommitted> {
    // Editing the answers is how a project changes its mind; a file that is neither git's nor prodify's is not touched.
    let base = &site.record.base;
    let counts = |file: &Uncommitted| {
        let is_written = base.files.contains_key(file.path.as_str())
            || base.moved.values().any(|place| place.as_str() == file.path)
            || file.path == BASE;
        file.path != ANSWERS && (file.tracked || is_written)
    };
    let mut files = vcs::uncommitted(&site.root).unwrap_or_default();
    files.retain(counts);
    files
}
