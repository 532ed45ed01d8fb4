//! `cargo prodify check`: plans an update without carrying it out.

use std::path::Path;

use anyhow::Result;

use super::command_line;
use super::project::{Project, Purpose};
use super::update_plan::{PlannedUpdate, Resolutions, UpdateRequest};
use crate::answers::GivenAnswers;
use crate::catalog::Catalog;
use crate::cli::{self, Check};
use crate::plan::{Action, MARKED, Plan, Step};
use crate::provenance::BASE;
use crate::render::NextStep;
use crate::report::{Ending, FileReport, Report, Written};
use crate::shell::Shell;

/// Checks whether an update would change anything; user edits that it would keep do not count as differences.
///
/// # Errors
///
/// If that cannot be told: prodify.toml refers to something that this version does not have, or a file cannot be read.
pub(super) fn run(catalog: &Catalog, arguments: &Check, shell: &Shell) -> Result<Report> {
    let project = Project::written(&arguments.subject, Purpose::Read)?;
    let request = UpdateRequest {
        catalog,
        project: &project,
        given: GivenAnswers::default(),
        resolutions: Resolutions::default(),
        shell,
    };
    let PlannedUpdate { change, .. } = request.plan(None)?;
    let mut plan = change.plan;
    // An outdated base does not matter as long as no file differs because of it.
    let differs = |step: &Step| {
        let is_relevant = step.path.as_str() != BASE || step.why.is_some();
        (step.action.writes() || step.action == Action::Conflict) && is_relevant
    };
    plan.steps.retain(differs);
    let outcome = match plan.steps.is_empty() {
        true => Ending::Unchanged,
        false => Ending::Different,
    };
    Ok(Report::Written(Box::new(Written {
        command: "check",
        outcome,
        is_dry: true,
        name: change.name,
        path: project.display_path.clone(),
        components: change.components,
        files: files(&plan, &project),
        notes: change.notes,
        wire: Vec::new(),
        next: fixes(&plan, &arguments.subject),
        again: None,
    })))
}

/// The files that differ, with their diffs.
fn files(plan: &Plan, project: &Project) -> Vec<FileReport> {
    let top = project.repository.as_deref();
    let below = top.and_then(|top| project.root.strip_prefix(top).ok());
    let below = below.unwrap_or(Path::new(""));
    let mut files = FileReport::from_plan(plan, true);
    for file in &mut files {
        let place = below.join(&file.path).display().to_string();
        file.place = Some(place.replace(std::path::MAIN_SEPARATOR, "/"));
    }
    files
}

/// The command after which the next check succeeds.
fn fixes(plan: &Plan, subject: &cli::Subject) -> Vec<NextStep> {
    let is_left = |step: &Step| step.action.writes() || step.why != Some(MARKED);
    let step = NextStep {
        component: None,
        command: command_line::for_subject("update", subject),
        why: "apply these changes".to_owned(),
    };
    // Merges with conflicts have to be resolved by hand, so there is no command for them.
    let helps = plan.steps.iter().any(is_left);
    helps.then_some(step).into_iter().collect()
}
