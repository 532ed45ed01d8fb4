//! The decision table: what happens to a text file.

use super::{Action, MISSING};
use crate::merge::{self, Merged};
use crate::tree::{Class, File};

/// Why a merge is left to the user.
const EDITS_CONFLICT: &str = "your edit conflicts with the template's";

/// Whether a file becomes or stops being executable, if that changes.
pub(super) fn executable_change(
    base: Option<&File>,
    ours: Option<bool>,
    theirs: Option<&File>,
) -> Option<bool> {
    let (base, ours, theirs) = (base?, ours?, theirs?);
    let changes = base.executable != theirs.executable && ours != theirs.executable;
    changes.then_some(theirs.executable)
}

/// What to do with a path.
pub(super) struct Decision {
    pub(super) action: Action,
    pub(super) why: Option<&'static str>,
    /// The text to write, if it is not the template's.
    pub(super) text: Option<String>,
    /// Both edits, with conflict markers.
    pub(super) marked: Option<String>,
}

impl Decision {
    fn new(action: Action) -> Self {
        Self {
            action,
            why: None,
            text: None,
            marked: None,
        }
    }

    fn with_reason(action: Action, why: &'static str) -> Self {
        Self {
            why: Some(why),
            ..Self::new(action)
        }
    }

    /// Resolves a conflict of these sides (base, ours, theirs), or parts of it, if their lines have different keys.
    pub(super) fn resolve_by_key(&mut self, name: &str, sides: [&str; 3]) {
        let Some((marked, syntax)) = self.marked.as_deref().zip(merge::KeySyntax::for_file(name))
        else {
            return;
        };
        match syntax.resolve(marked) {
            Merged::Clean(text) => {
                *self = Self {
                    text: Some(match_final_newline(text, sides)),
                    ..Self::new(Action::Merge)
                }
            }
            Merged::Marked(text) => self.marked = Some(text),
        }
    }

    /// Makes a file executable, or not executable, if nothing else changes.
    pub(super) fn set_executable(
        &mut self,
        executable: bool,
        ours: Option<String>,
        theirs: Option<&File>,
    ) {
        let stays = matches!(self.action, Action::Identical | Action::Skip) && ours.is_some();
        if stays && theirs.is_some_and(|file| file.class != Class::Once) {
            self.action = Action::Update;
            self.why = Some(match executable {
                true => "becomes executable",
                false => "is no longer executable",
            });
            self.text = ours;
        }
    }
}

/// Removes the final newline, if one of the sides removed it or neither had one: between markers, every line has one.
fn match_final_newline(mut text: String, sides: [&str; 3]) -> String {
    let [base, ours, theirs] = sides.map(|side| side.ends_with('\n'));
    let is_ended = if ours == base { theirs } else { ours };
    if !is_ended && text.ends_with('\n') {
        text.pop();
    }
    text
}

/// The row of the decision table that applies to a path; `None` if there is nothing to do or to report.
pub(super) fn decide(
    base: Option<&File>,
    ours: Option<&str>,
    theirs: Option<&File>,
) -> Option<Decision> {
    Some(match (base, ours, theirs) {
        (None, None, Some(_)) => Decision::new(Action::Create),
        (_, Some(ours), Some(new)) if ours == new.text => Decision::new(Action::Identical),
        (None, Some(_), Some(_)) => {
            Decision::with_reason(Action::Conflict, "already exists and differs")
        }
        (Some(base), None, Some(new)) if base.text == new.text => {
            Decision::with_reason(Action::Skip, MISSING)
        }
        (Some(_), None, Some(_)) => Decision::with_reason(Action::Skip, "you deleted it"),
        (Some(base), Some(ours), Some(new)) => match new.class {
            Class::Tool => Decision::new(Action::Update),
            Class::Once => Decision::with_reason(Action::Skip, "it is yours once written"),
            // The template did not change, so there is nothing to report about the edit.
            Class::Shared if base.text == new.text => Decision::new(Action::Skip),
            Class::Shared if base.text == ours => Decision::new(Action::Update),
            Class::Shared => match merge::three_way(&base.text, ours, &new.text) {
                Merged::Clean(text) => Decision {
                    text: Some(text),
                    ..Decision::new(Action::Merge)
                },
                Merged::Marked(text) => Decision {
                    marked: Some(text),
                    ..Decision::with_reason(Action::Conflict, EDITS_CONFLICT)
                },
            },
        },
        (Some(base), Some(ours), None) if base.text == ours => Decision::new(Action::Delete),
        (Some(_), Some(_), None) => {
            Decision::with_reason(Action::Conflict, "is no longer wanted, but was edited")
        }
        (_, None, None) | (None, Some(_), None) => return None,
    })
}
