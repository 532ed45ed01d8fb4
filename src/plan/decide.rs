//! The decision table: what happens to a text file.

use super::{Action, GONE};
use crate::merge::{self, Merged};
use crate::tree::{Class, File};

/// Why a merge is left to the user.
const MEET: &str = "your edit conflicts with the template's";

/// Whether a file becomes or stops being executable, if that changes.
pub(super) fn turns(
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
    fn of(action: Action) -> Self {
        Self {
            action,
            why: None,
            text: None,
            marked: None,
        }
    }

    fn because(action: Action, why: &'static str) -> Self {
        Self {
            why: Some(why),
            ..Self::of(action)
        }
    }

    /// Resolves a conflict of these sides (base, ours, theirs), or parts of it, if their lines have different keys.
    pub(super) fn by_key(&mut self, name: &str, sides: [&str; 3]) {
        let Some((marked, keys)) = self.marked.as_deref().zip(merge::Keys::of(name)) else {
            return;
        };
        match keys.settle(marked) {
            Merged::Clean(text) => {
                *self = Self {
                    text: Some(ended(text, sides)),
                    ..Self::of(Action::Merge)
                }
            }
            Merged::Marked(text) => self.marked = Some(text),
        }
    }

    /// Makes a file executable, or not executable, if nothing else changes.
    pub(super) fn turn(&mut self, executable: bool, ours: Option<String>, theirs: Option<&File>) {
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
fn ended(mut text: String, sides: [&str; 3]) -> String {
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
        (None, None, Some(_)) => Decision::of(Action::Create),
        (_, Some(ours), Some(new)) if ours == new.text => Decision::of(Action::Identical),
        (None, Some(_), Some(_)) => {
            Decision::because(Action::Conflict, "already exists and differs")
        }
        (Some(base), None, Some(new)) if base.text == new.text => {
            Decision::because(Action::Skip, GONE)
        }
        (Some(_), None, Some(_)) => Decision::because(Action::Skip, "you deleted it"),
        (Some(base), Some(ours), Some(new)) => match new.class {
            Class::Tool => Decision::of(Action::Update),
            Class::Once => Decision::because(Action::Skip, "it is yours once written"),
            // The template did not change, so there is nothing to report about the edit.
            Class::Shared if base.text == new.text => Decision::of(Action::Skip),
            Class::Shared if base.text == ours => Decision::of(Action::Update),
            Class::Shared => match merge::three_way(&base.text, ours, &new.text) {
                Merged::Clean(text) => Decision {
                    text: Some(text),
                    ..Decision::of(Action::Merge)
                },
                Merged::Marked(text) => Decision {
                    marked: Some(text),
                    ..Decision::because(Action::Conflict, MEET)
                },
            },
        },
        (Some(base), Some(ours), None) if base.text == ours => Decision::of(Action::Delete),
        (Some(_), Some(_), None) => {
            Decision::because(Action::Conflict, "is no longer wanted, but was edited")
        }
        (_, None, None) | (None, Some(_), None) => return None,
    })
}
