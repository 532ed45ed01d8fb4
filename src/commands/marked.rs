//! Files that hold conflict markers, of an update's or of git's: they are left alone until somebody has edited what is between them.

use super::site::Site;
use crate::merge;
use crate::plan::{Action, Plan, Step};
use crate::vcs;

/// How to tell them.
pub(super) struct Markers {
    /// The files in the middle of a merge of git's; none where it cannot say, and whatever looks like one may be one.
    unmerged: Option<Vec<String>>,
}

impl Markers {
    /// Asks git, if any file of a plan looks as if it had left it so.
    pub(super) fn of(site: &Site, plan: &Plan) -> Self {
        let looks = |step: &Step| {
            let before = step.before.as_deref();
            before.is_some_and(merge::has_markers_of_git)
        };
        // A text may be about git, and outside of a repository it is.
        let asks = site.repository.is_some() && plan.steps.iter().any(looks);
        let unmerged = match asks {
            true => vcs::uncommitted(&site.root).ok().map(|mut files| {
                files.retain(|file| file.unmerged);
                files.into_iter().map(|file| file.path).collect()
            }),
            false => Some(Vec::new()),
        };
        Self { unmerged }
    }

    /// Whether a file that is prodify's too still holds them.
    pub(super) fn are_in(&self, step: &Step) -> bool {
        let stays = matches!(
            step.action,
            Action::Skip | Action::Merge | Action::Rename | Action::Conflict
        );
        let is_unmerged = || {
            let path = step.lies_at().as_str();
            let all = self.unmerged.as_ref();
            all.is_none_or(|all| all.iter().any(|unmerged| unmerged == path))
        };
        let has_markers = |text: &str| {
            merge::has_markers(text) || merge::has_markers_of_git(text) && is_unmerged()
        };
        stays && step.before.as_deref().is_some_and(has_markers)
    }
}
