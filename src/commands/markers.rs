//! Files with conflict markers, from an update or from git: they are left alone until the user has resolved them.

use super::project::Project;
use crate::merge;
use crate::plan::{Action, Plan, Step};
use crate::vcs;

/// Recognizes conflict markers in files.
pub(super) struct Markers {
    /// The unmerged files of a git merge; none if git cannot tell, so that any file that looks like one may be one.
    unmerged: Option<Vec<String>>,
}

impl Markers {
    /// Asks git, if a file of the plan looks as if git left markers in it.
    pub(super) fn find(project: &Project, plan: &Plan) -> Self {
        let looks_marked = |step: &Step| {
            let before = step.before.as_deref();
            before.is_some_and(merge::has_git_markers)
        };
        // A text may be about git; outside of a repository, it must be.
        let must_ask = project.repository.is_some() && plan.steps.iter().any(looks_marked);
        let unmerged = match must_ask {
            true => vcs::uncommitted(&project.root).ok().map(|mut files| {
                files.retain(|file| file.unmerged);
                files.into_iter().map(|file| file.path).collect()
            }),
            false => Some(Vec::new()),
        };
        Self { unmerged }
    }

    /// Whether a file that prodify also writes still contains markers.
    pub(super) fn are_in(&self, step: &Step) -> bool {
        let stays = matches!(
            step.action,
            Action::Skip | Action::Merge | Action::Rename | Action::Conflict
        );
        let is_unmerged = || {
            let path = step.current_path().as_str();
            let all = self.unmerged.as_ref();
            all.is_none_or(|all| all.iter().any(|unmerged| unmerged == path))
        };
        let has_markers =
            |text: &str| merge::has_markers(text) || merge::has_git_markers(text) && is_unmerged();
        stays && step.before.as_deref().is_some_and(has_markers)
    }
}
