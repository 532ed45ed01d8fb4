//! Files that `add` and `remove` leave as they are, since only the user can say what becomes of them: an update tells of them.

use super::change::Undecided;
use super::marked::Markers;
use super::site::Site;
use crate::error::told;
use crate::plan::{Action, Plan};
use crate::tree::RelPath;

/// Leaves files that hold conflict markers.
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

/// Leaves files that are in the way of what stays, besides: who takes a component back is asked for nothing else.
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

/// Says which they are.
pub(super) fn note(left: &Undecided) -> Option<String> {
    let names = told(left.iter().map(RelPath::as_str));
    (!left.is_empty()).then(|| {
        format!(
            "left as it is, since only you can decide: {names}; `cargo prodify update` says why"
        )
    })
}
