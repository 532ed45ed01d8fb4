//! Files that `add` and `remove` leave unchanged because only the user can decide about them: `update` reports their conflicts.

use super::change::Undecided;
use super::markers::Markers;
use super::project::Project;
use crate::error::list_names;
use crate::plan::{Action, Plan};
use crate::tree::RelPath;

/// Leaves files with conflict markers unchanged.
pub(super) fn leave_marked(project: &Project, plan: &mut Plan) -> Undecided {
    let markers = Markers::find(project, plan);
    let mut undecided = Undecided::new();
    for step in &mut plan.steps {
        if step.action != Action::Skip && markers.are_in(step) {
            step.leave_marked();
            step.leave_unchanged();
            undecided.insert(step.path.clone());
        }
    }
    undecided
}

/// Also leaves files that are in the way of components that stay: a user who removes a component should not be asked about
/// others.
pub(super) fn leave_conflicts(project: &Project, plan: &mut Plan) -> Undecided {
    let mut undecided = leave_marked(project, plan);
    for step in &mut plan.steps {
        if step.action == Action::Conflict && step.after.is_some() {
            step.leave_unchanged();
            undecided.insert(step.path.clone());
        }
    }
    undecided
}

/// A note that lists them.
pub(super) fn note(undecided: &Undecided) -> Option<String> {
    let names = list_names(undecided.iter().map(RelPath::as_str));
    (!undecided.is_empty()).then(|| {
        format!(
            "left unchanged, since only you can decide: {names}; `cargo prodify update` says why"
        )
    })
}
