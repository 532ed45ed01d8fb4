//! `cargo prodify add`: components for an existing crate.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::Change;
use super::existing::{self, Run};
use super::site::{Purpose, Site};
use super::{along, answers_file, bins, fits, left, wizard};
use crate::answers::Given;
use crate::catalog::{Catalog, Scope};
use crate::cli::Add;
use crate::draft;
use crate::prompt::Prompt;
use crate::report::Report;
use crate::select::{self, Request};
use crate::shell::Shell;

/// Adds components, and those that they require.
///
/// # Errors
///
/// If anything prevents adding them; nothing is written then.
pub(super) fn run(catalog: &Catalog, arguments: &Add, shell: &Shell) -> Result<Report> {
    let mut terminal = wizard::terminal(arguments.answers.non_interactive)?;
    let answered = answers_file::read(&arguments.answers)?;
    let given = Given::new(catalog, &arguments.answers.set, answered.answers.clone())?;
    let asked = select::all_known(catalog, &arguments.components)?;
    let purpose = Purpose::of(&arguments.writing.preview);
    let site = Site::find(&arguments.subject, &asked, purpose)?;
    bins::are_there(&site)?;
    let site = site.with_bins(&arguments.bins);
    let given = given
        .with_file(draft::taken_over(catalog, &answered, &site.name()?)?)
        .with_record(catalog, &site.record.answered)?;

    let there: BTreeSet<String> = site.components().iter().cloned().collect();
    let request = Request {
        home: site.home()?,
        start: there.clone(),
        with: arguments.components.clone(),
        without: Vec::new(),
    };
    // Present components can be there; new ones are checked below.
    let selection = select::select(catalog, &request, Scope::Repository)?;
    let is_new = |name: &str| !there.contains(name);
    // The named components come first: an error should be about them rather than about their requirements.
    for component in asked.iter().chain(&selection.components) {
        if is_new(&component.name) {
            fits::check(component, &site, request.home)?;
        }
    }

    let wizard = terminal
        .as_mut()
        .filter(|_| !arguments.answers.defaults)
        .map(|terminal| terminal as &mut dyn Prompt);
    let mut draft = existing::draft(catalog, &site, &selection, &given, wizard, shell)?;
    let mut next = std::mem::take(&mut draft.next);
    next.retain(|step| step.component.as_deref().is_none_or(is_new));
    let mut wire = std::mem::take(&mut draft.wire);
    wire.retain(|wiring| is_new(&wiring.component));
    let mut change = Change::plan(&site, &selection, draft, |plan| {
        Ok(left::marked(&site, plan))
    })?;
    let named: Vec<String> = there.iter().chain(&arguments.components).cloned().collect();
    let along = along::unnamed(&selection, request.home, &named);
    let note = |(name, by): (&str, String)| format!("`{name}` is added too, required by {by}");
    change.notes.extend(along.into_iter().map(note));
    // If the binaries were chosen in this run, the others were left out on purpose.
    if !site.record.answered.bins.is_empty() {
        change.notes.extend(bins::others(&site, &selection)?);
    }
    let run = Run {
        command: "add",
        writing: &arguments.writing,
        allow_dirty: arguments.allow_dirty,
        terminal: terminal.as_mut(),
        confirms: !arguments.answers.defaults,
        wire,
        next,
        shell,
    };
    run.carry_out(&site, change)
}
