//! `cargo prodify add`: components for an existing crate.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::Change;
use super::command_line_answers::CommandLineAnswers;
use super::existing::{self, Run};
use super::project::{Project, Purpose};
use super::{bins, eligibility, requirements, undecided, wizard};
use crate::catalog::{Catalog, Scope};
use crate::cli::Add;
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
    let given = CommandLineAnswers::read(catalog, &arguments.answers)?;
    let asked = select::find_all(catalog, &arguments.components)?;
    let purpose = Purpose::from_preview(&arguments.writing.preview);
    let project = Project::find(&arguments.subject, &asked, purpose)?;
    bins::check_exist(&project)?;
    let project = project.with_bins(&arguments.bins);
    let given = given
        .for_project(catalog, &project.name()?)?
        .with_record(catalog, &project.record.answers_file)?;

    let present: BTreeSet<String> = project.components().iter().cloned().collect();
    let request = Request {
        kind: project.kind()?,
        start: present.clone(),
        with: arguments.components.clone(),
        without: Vec::new(),
    };
    // Present components can be there; new ones are checked below.
    let selection = select::select(catalog, &request, Scope::Repository)?;
    let is_new = |name: &str| !present.contains(name);
    // The named components come first: an error should be about them rather than about their requirements.
    for component in asked.iter().chain(&selection.components) {
        if is_new(&component.name) {
            eligibility::check(component, &project, request.kind)?;
        }
    }

    let wizard = terminal
        .as_mut()
        .filter(|_| !arguments.answers.defaults)
        .map(|terminal| terminal as &mut dyn Prompt);
    let mut draft = existing::draft(catalog, &project, &selection, &given, wizard, shell)?;
    let mut next = std::mem::take(&mut draft.next);
    next.retain(|step| step.component.as_deref().is_none_or(is_new));
    let mut wire = std::mem::take(&mut draft.wire);
    wire.retain(|wiring| is_new(&wiring.component));
    let mut change = Change::plan(&project, &selection, draft, |plan| {
        Ok(undecided::leave_marked(&project, plan))
    })?;
    let named: Vec<String> = present
        .iter()
        .chain(&arguments.components)
        .cloned()
        .collect();
    let implied = requirements::implied(&selection, request.kind, &named);
    let note = |(name, by): (&str, String)| format!("`{name}` is added too, required by {by}");
    change.notes.extend(implied.into_iter().map(note));
    // If the binaries were chosen in this run, the others were left out on purpose.
    if !project.record.answers_file.bins.is_empty() {
        change
            .notes
            .extend(bins::note_others(&project, &selection)?);
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
    run.carry_out(&project, change)
}
