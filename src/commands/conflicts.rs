//! The user's decisions on files that are in the way.

use std::path::Path;

use anyhow::Result;

use crate::cli::Writing;
use crate::merge;
use crate::plan::{Action, Plan, Resolution, Step};
use crate::prompt::{Item, Prompt};
use crate::report::Ending;
use crate::shell::Shell;
use crate::tree::RelPath;
use crate::vcs;

/// A decision on one conflict.
#[derive(Clone, Copy)]
enum Choice {
    This(Resolution),
    /// For this one and all that follow.
    All(Resolution),
    /// No decision yet: show the difference.
    Show,
}

/// The choices, in order.
const CHOICES: [(Choice, &str, &str); 6] = [
    (Choice::This(Resolution::Keep), "keep it", ""),
    (
        Choice::This(Resolution::Overwrite),
        "overwrite it",
        "an uncommitted version is kept beside it",
    ),
    (Choice::Show, "show the difference", ""),
    (
        Choice::This(Resolution::Merge),
        "merge",
        "write both, between conflict markers where they differ",
    ),
    (Choice::All(Resolution::Keep), "keep all", ""),
    (Choice::All(Resolution::Overwrite), "overwrite all", ""),
];

/// Resolves the conflicts of a plan by the flags or else by asking; without either, they remain conflicts.
///
/// # Errors
///
/// If an answer was interrupted.
pub(super) fn resolve(
    plan: &mut Plan,
    writing: &Writing,
    prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<()> {
    let all = match (writing.keep, writing.overwrite) {
        (true, _) => Some(Resolution::Keep),
        (_, true) => Some(Resolution::Overwrite),
        (false, false) => None,
    };
    let conflicts = plan
        .steps
        .iter_mut()
        .filter(|step| step.action == Action::Conflict);
    match (all, prompt) {
        (Some(resolution), _) => conflicts.for_each(|step| step.resolve(resolution)),
        (None, Some(prompt)) if !writing.preview.is_dry() => {
            ask(conflicts.collect(), prompt, shell)?;
        }
        (None, _) => {}
    }
    Ok(())
}

/// How a run with this plan ends.
pub(super) fn ending(plan: &Plan, writing: &Writing) -> Ending {
    match plan.conflicts().next() {
        Some(_) => Ending::Conflict,
        None if !plan.changes() => Ending::Unchanged,
        None if writing.preview.is_dry() => Ending::Planned,
        None => Ending::Done,
    }
}

/// The files whose contents would be lost if they were replaced: those not committed.
pub(super) fn originals(root: &Path, plan: &Plan) -> Vec<RelPath> {
    let replaced = plan.steps.iter().filter(|step| step.replaces_user_text());
    let is_committed = |step: &&Step| {
        let before = step.before.as_deref();
        let lies = step.from.as_ref().unwrap_or(&step.path).in_root(root);
        before.is_some_and(|before| vcs::is_committed(&lies, before))
    };
    replaced
        .filter(|step| !is_committed(step))
        .map(|step| step.path.clone())
        .collect()
}

fn ask(conflicts: Vec<&mut Step>, prompt: &mut dyn Prompt, shell: &Shell) -> Result<()> {
    let (texts, unrelated): (Vec<_>, Vec<_>) = conflicts
        .into_iter()
        .partition(|step| step.before.is_some());
    if !unrelated.is_empty() {
        for step in &unrelated {
            shell.attention(
                "conflict",
                format!("{} ({})", step.path, step.why.unwrap_or_default()),
            );
        }
        if !prompt.confirm(
            "The directory is not empty. Keep its files, and write the rest beside them?",
            false,
        )? {
            return Ok(());
        }
        unrelated
            .into_iter()
            .for_each(|step| step.resolve(Resolution::Keep));
    }
    let mut all = None;
    for step in texts {
        while step.action == Action::Conflict {
            let choice = match all {
                Some(resolution) => Choice::This(resolution),
                None => choose(step, prompt)?,
            };
            match choice {
                Choice::This(resolution) => step.resolve(resolution),
                Choice::All(resolution) => all = Some(resolution),
                Choice::Show => {
                    let after = step.after.as_ref().map(|file| file.text.as_str());
                    shell.say(merge::unified_diff(
                        step.path.as_str(),
                        step.before.as_deref(),
                        after,
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Asks what to do about one file that is in the way.
fn choose(step: &Step, prompt: &mut dyn Prompt) -> Result<Choice> {
    let items = CHOICES.map(|(_, name, help)| Item { name, help });
    let question = format!("{} {}", step.path, step.why.unwrap_or_default());
    let chosen = prompt.choose(&question, &items, 0)?;
    let (choice, ..) = CHOICES[chosen];
    Ok(choice)
}
