//! Uncommitted changes: they could not be told apart from what is written, nor restored.

use anyhow::Result;

use super::project::{MANIFEST, Project};
use crate::error::Usage;
use crate::merge;
use crate::plan::{Plan, Step};
use crate::provenance::{ANSWERS, BASE, is_record};
use crate::shell::count;
use crate::tree::RelPath;
use crate::vcs::{self, Uncommitted};

/// The number of uncommitted files that are listed.
const MAX_LISTED: usize = 3;

/// Refuses to update a project with uncommitted files that git tracks or prodify wrote.
///
/// # Errors
///
/// [`Usage`] if there are any, or if git cannot tell.
pub(super) fn refuse_any(project: &Project) -> Result<()> {
    refuse(&affected_by_update(project)?)
}

/// Whether an update would be refused.
pub(super) fn would_refuse(project: &Project) -> bool {
    affected_by_update(project).map_or(true, |files| !files.is_empty())
}

/// The uncommitted files that an update could get mixed up with.
fn affected_by_update(project: &Project) -> Result<Vec<Uncommitted>> {
    // Editing the answers is the normal way to change a project; files that neither git tracks nor prodify wrote are not touched.
    let base = &project.record.base;
    let is_affected = |file: &Uncommitted| {
        let is_written = base.files.contains_key(file.path.as_str())
            || base.moved.values().any(|place| place.as_str() == file.path)
            || file.path == BASE;
        file.path != ANSWERS && (file.tracked || is_written)
    };
    let mut files = uncommitted(project)?;
    files.retain(is_affected);
    Ok(files)
}

/// Refuses a plan that merges into uncommitted edits. What a killed run has written does not count: the same text would be
/// written again.
///
/// # Errors
///
/// As [`refuse_any`].
pub(super) fn refuse_merged(project: &Project, plan: &Plan) -> Result<()> {
    let merged = plan
        .steps
        .iter()
        .filter(|step| changes_edits(project, step));
    let merged: Vec<&RelPath> = merged.map(Step::current_path).collect();
    if merged.is_empty() {
        return Ok(());
    }
    let mut files = uncommitted(project)?;
    files.retain(|file| merged.iter().any(|path| path.as_str() == file.path));
    refuse(&files)
}

/// Whether a step changes a file that differs from what prodify wrote, without the user's decision. In Cargo.toml, the user's
/// entries are never touched.
fn changes_edits(project: &Project, step: &Step) -> bool {
    let Some(before) = &step.before else {
        return false;
    };
    let after = step.after.as_ref().map(|file| &file.text);
    let is_changed = step.action.writes() && !step.resolved && after != Some(before);
    let is_own = is_record(&step.path) || step.path.as_str() == MANIFEST;
    let written = project.record.base.at(step.current_path());
    let is_edited = written.is_none_or(|file| merge::to_lf(&file.text) != merge::to_lf(before));
    is_changed && !is_own && is_edited
}

/// The uncommitted files of the project; none outside of a repository.
fn uncommitted(project: &Project) -> Result<Vec<Uncommitted>> {
    if project.repository.is_none() {
        return Ok(Vec::new());
    }
    vcs::uncommitted(&project.root).map_err(|error| {
        let message = format!("{error:#}");
        let message: Vec<&str> = message.split_whitespace().collect();
        Usage::new(format!(
            "git cannot tell what is uncommitted: fix that, or pass --allow-dirty ({})",
            message.join(" ")
        ))
        .into()
    })
}

fn refuse(files: &[Uncommitted]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = files
        .iter()
        .map(|file| &*file.path)
        .take(MAX_LISTED)
        .collect();
    let more = match files.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Usage::new(format!(
        "{} not committed ({}{more}), and could not be told apart from the update: commit first, or pass --allow-dirty",
        match files.len() {
            1 => "1 file is".to_owned(),
            number => format!("{} are", count(number, "file")),
        },
        names.join(", ")
    ))
    .into())
}
