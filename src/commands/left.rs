//! Files that `add` and `remove` leave unchanged because only the user can decide about them: `update` reports their conflicts.

use super::change::Undecided;
use super::marked::Markers;
use super::site::Site;
use crate::error::told;
use crate::plan::{Action, Plan};
use crate::tree::RelPath;

/// Leaves files with conflict markers unchanged.
pub(super) fn marked(site: &Site, plan: &mut Plan) -> Undecided {
    let markers = Markers::of(site, plan);
    let mut left = Undecided::new();
    for step in &mut plan.steps {
        if step.action != Action::Skip && markers.are_in(step) {
            step.leave_marked();
            step.leave();
            left.insert(step.path.clone());
        }
    }
    left
}

/// Also leaves files that are in the way of components that stay: a user who removes a component should not be asked about
/// others.
pub(super) fn undecided(site: &Site, plan: &mut Plan) -> Undecided {
    let mut left = marked(site, plan);
    for step in &mut plan.steps {
        if step.action == Action::Conflict && step.after.is_some() {
            step.leave();
            left.insert(step.path.clone());
        }
    }
    left
}

/// A note that lists them.
pub(super) fn note(left: &Undecided) -> Option<String> {
    let names = told(left.iter().map(RelPath::as_str));
    (!left.is_empty()).then(|| {
        format!(
            "left unchanged, since only you can decide: {names}; `cargo prodify update` says why"
        )
    })
}
