//! From three trees to a plan: what prodify last wrote (`base`), what is on disk (`ours`), and the new output (`theirs`).

mod decide;
mod moves;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::decide::{Decision, decide, executable_change};
pub use self::moves::{Rename, Trees, current_path};
use crate::merge::{self, Merged, Side};
use crate::tree::{Class, File, RelPath, Tree};

/// What is on disk at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnDisk {
    /// A text file.
    Text {
        /// The whole text.
        text: String,
        /// Whether it is executable, on systems that distinguish that.
        executable: Option<bool>,
    },
    /// Anything else: binary data, a directory, a link. Never replaced, never removed.
    Other(&'static str),
}

impl OnDisk {
    /// A text file; whether it is executable is left open.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text {
            text: text.into(),
            executable: None,
        }
    }

    /// The text of a text file, by value.
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Other(_) => None,
        }
    }

    /// The text of a text file.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text { text, .. } => Some(text),
            Self::Other(_) => None,
        }
    }
}

/// What is on disk, by path; a path that is missing is free.
pub type Disk = BTreeMap<RelPath, OnDisk>;

/// What happens to a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Nothing is there: write it.
    Create,
    /// It is as it was last written: replace it.
    Update,
    /// It was edited: merge the edits with the new version.
    Merge,
    /// It moves to another path, unchanged.
    Rename,
    /// It is up to date already.
    Identical,
    /// It stays unchanged.
    Skip,
    /// Only the user can decide; nothing happens until then.
    Conflict,
    /// Only the user can decide: both versions are written, with conflict markers where they differ.
    Mark,
    /// It is as it was last written, and no longer wanted: delete it.
    Delete,
}

impl Action {
    /// Whether it changes what is on disk.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Create | Self::Update | Self::Merge | Self::Rename | Self::Mark | Self::Delete
        )
    }
}

/// What happens to one path, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The path.
    pub path: RelPath,
    /// The current path of a file that moves: it is removed there.
    pub from: Option<RelPath>,
    /// What happens.
    pub action: Action,
    /// Why, if the action alone does not tell.
    pub why: Option<&'static str>,
    /// The current text, if it is text.
    pub before: Option<String>,
    /// The new file; for a conflict, the one that would be written if the user gave way.
    pub after: Option<File>,
    /// For a conflict between two edits of one text: both, with conflict markers.
    pub marked: Option<String>,
    /// Whether it becomes or stops being executable, if that changes.
    pub executable: Option<bool>,
    /// Whether it was a conflict that the user has resolved.
    pub resolved: bool,
}

/// What happens to every path, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// One step for each path in any of the trees.
    pub steps: Vec<Step>,
}

/// The user's decision on a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The file stays.
    Keep,
    /// The file is replaced.
    Overwrite,
    /// Both are merged, with conflict markers where they differ.
    Merge,
}

/// Why a missing file without changes is not written: the user deleted it, or moved it.
pub const MISSING: &str = "no longer exists";

/// Why a file with markers of an earlier merge is left alone.
pub const MARKED: &str = "contains conflict markers: resolve them first";

/// Makes the plan for every path that prodify wrote or would write.
pub fn plan(base: &Tree, mut ours: Disk, mut theirs: Tree) -> Plan {
    let paths: BTreeSet<RelPath> = base.keys().chain(theirs.keys()).cloned().collect();
    let step = |path: RelPath| {
        let (ours, theirs) = (ours.remove(&path), theirs.remove(&path));
        step(path.clone(), base.get(&path), ours, theirs)
    };
    Plan {
        steps: paths.into_iter().filter_map(step).collect(),
    }
}

fn step(
    path: RelPath,
    base: Option<&File>,
    ours: Option<OnDisk>,
    theirs: Option<File>,
) -> Option<Step> {
    let (before, is_executable) = match ours {
        Some(OnDisk::Other(kind)) => return Some(blocked_step(path, base, theirs, kind)),
        Some(OnDisk::Text { text, executable }) => (Some(text), executable),
        None => (None, None),
    };
    // Git, or an editor, may have converted the line endings.
    let has_cr = |file: &File| file.text.contains('\r');
    let ours = before.as_deref();
    let is_crlf =
        ours.is_some_and(merge::is_crlf) && !base.into_iter().chain(theirs.as_ref()).any(has_cr);
    let plain = ours.filter(|_| is_crlf).map(merge::to_lf);
    let mut decision = decide(base, plain.as_deref().or(ours), theirs.as_ref())?;
    if let (Some(base), Some(ours), Some(theirs)) = (base, plain.as_deref().or(ours), &theirs) {
        decision.resolve_by_key(path.name(), [&base.text, ours, &theirs.text]);
    }
    let executable = executable_change(base, is_executable, theirs.as_ref());
    if let Some(executable) = executable {
        decision.set_executable(
            executable,
            plain.or_else(|| before.clone()),
            theirs.as_ref(),
        );
    }
    let restore_line_endings = |text: String| {
        if is_crlf { merge::to_crlf(&text) } else { text }
    };

    let Decision {
        action,
        why,
        text,
        marked,
    } = decision;
    let after = theirs.filter(|_| action.writes() || action == Action::Conflict);
    let after = after.map(|file| File {
        text: restore_line_endings(text.unwrap_or(file.text)),
        ..file
    });
    Some(Step {
        before,
        after,
        marked: marked.map(restore_line_endings),
        executable,
        ..Step::new(path, action, why)
    })
}

/// The step for a path that holds something other than a text file.
fn blocked_step(
    path: RelPath,
    base: Option<&File>,
    theirs: Option<File>,
    kind: &'static str,
) -> Step {
    // The template did not change, so there is nothing to say about what the user did.
    let stays = base
        .zip(theirs.as_ref())
        .is_some_and(|(base, theirs)| base.text == theirs.text);
    let (action, why) = match stays {
        true => (Action::Skip, None),
        false => (Action::Conflict, Some(kind)),
    };
    Step {
        after: theirs.filter(|_| !stays),
        ..Step::new(path, action, why)
    }
}

impl Plan {
    /// The steps that only the user can decide.
    pub fn conflicts(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| matches!(step.action, Action::Conflict | Action::Mark))
    }

    /// Whether anything on disk would change.
    pub fn changes(&self) -> bool {
        self.steps.iter().any(|step| step.action.writes())
    }

    /// Adds steps, keeping the order.
    pub fn extend(&mut self, steps: impl IntoIterator<Item = Step>) {
        self.steps.extend(steps);
        self.steps.sort_by(|a, b| a.path.cmp(&b.path));
    }
}

impl Step {
    /// A step that involves no text.
    pub fn new(path: RelPath, action: Action, why: Option<&'static str>) -> Self {
        Self {
            path,
            from: None,
            action,
            why,
            before: None,
            after: None,
            marked: None,
            executable: None,
            resolved: false,
        }
    }

    /// Makes this a step of a text file that moves here; whether it is executable stays the same.
    fn set_moved_from(&mut self, from: &RelPath, executable: bool) {
        if self.before.is_none() || self.action == Action::Delete {
            return;
        }
        self.from = Some(from.clone());
        let executable = self.executable.unwrap_or(executable);
        match (self.action, &mut self.after) {
            (Action::Identical | Action::Skip, _) => self.rename(executable),
            (_, after) => after
                .iter_mut()
                .for_each(|file| file.executable = executable),
        }
    }

    /// Moves the file, unchanged.
    fn rename(&mut self, executable: bool) {
        self.action = Action::Rename;
        self.after = self.before.clone().map(|text| File {
            executable,
            ..File::of_prodify(text, Class::Shared)
        });
    }

    /// The file's current path.
    pub fn current_path(&self) -> &RelPath {
        self.from.as_ref().unwrap_or(&self.path)
    }

    /// Whether it replaces or removes the user's own text, rather than edits it.
    pub fn replaces_user_text(&self) -> bool {
        self.resolved && matches!(self.action, Action::Update | Action::Delete)
    }

    /// Whether it is a conflict with something that is never replaced, since it is not text.
    pub fn is_unreplaceable(&self) -> bool {
        self.action == Action::Conflict && self.before.is_none() && self.after.is_some()
    }

    /// Whether it is a conflict with something that is in no file's way, and is kept whatever the user decides.
    pub fn is_unrelated(&self) -> bool {
        self.action == Action::Conflict && self.before.is_none() && self.after.is_none()
    }

    /// Writes both versions of a conflict between markers, if possible; the user still has to resolve it.
    pub fn mark_conflict(&mut self) {
        if let (Action::Conflict, Some(after), Some(text)) =
            (self.action, &mut self.after, self.marked.take())
        {
            after.text = text;
            self.action = Action::Mark;
        }
    }

    /// Leaves a file alone that still contains the markers of an earlier conflict.
    pub fn leave_marked(&mut self) {
        self.action = Action::Conflict;
        self.why = Some(MARKED);
        self.after = None;
        self.marked = None;
        // The file stays where it was.
        self.path = self.from.take().unwrap_or_else(|| self.path.clone());
    }

    /// Leaves a file unchanged, although its conflict is not resolved.
    pub fn leave_unchanged(&mut self) {
        self.action = Action::Skip;
        self.from = None;
        self.after = None;
        self.marked = None;
    }

    /// Resolves the conflicts of an earlier run, whose markers are still in the file, in favour of one side; edits outside of the
    /// markers stay. New lines are merged, unless they conflict with an edit: those are left for another run. Returns whether it
    /// could.
    pub fn resolve_markers(&mut self, side: Side) -> bool {
        let is_merged = self.action == Action::Merge;
        let merged = self.after.as_ref().filter(|_| is_merged);
        let marked = merged.map(|file| &file.text).or(self.before.as_ref());
        let Some(text) = marked.and_then(|text| merge::side_of(text, side)) else {
            return false;
        };
        let executable = self.after.take().is_some_and(|file| file.executable);
        self.after = Some(File {
            executable,
            ..File::of_prodify(text, Class::Shared)
        });
        self.why = Some(match (self.action, side) {
            (Action::Conflict, _) => {
                "has no conflict markers left; run `update` again to merge what is new"
            }
            (_, Side::Ours) => "has your side of its conflicts",
            (_, Side::Theirs) => "has the template's side of its conflicts",
        });
        if self.action == Action::Conflict {
            self.marked = None;
            self.path = self.from.take().unwrap_or_else(|| self.path.clone());
        }
        self.action = match side {
            Side::Ours => Action::Merge,
            Side::Theirs => Action::Update,
        };
        self.resolved = true;
        true
    }

    /// Resolves a conflict. Something that is not text can only be kept: other resolutions leave it in conflict.
    pub fn resolve(&mut self, resolution: Resolution) {
        let (action, why) = match (resolution, &self.before, &mut self.after) {
            (Resolution::Overwrite, Some(_), Some(_)) => {
                (Action::Update, "replaces what was there")
            }
            (Resolution::Overwrite, Some(_), None) => (Action::Delete, "is no longer wanted"),
            (Resolution::Merge, Some(before), Some(after)) => {
                after.text = self.marked.take().unwrap_or_else(|| {
                    let (Merged::Clean(text) | Merged::Marked(text)) =
                        merge::two_way(before, &after.text);
                    text
                });
                (
                    Action::Merge,
                    "contains both versions; look for conflict markers",
                )
            }
            (Resolution::Overwrite | Resolution::Merge, None, Some(_)) => return,
            _ => (Action::Skip, "kept as it is"),
        };
        self.action = action;
        self.resolved = true;
        self.why = Some(why);
        if action == Action::Skip {
            let after = self.after.take();
            if self.from.is_some() {
                self.rename(after.is_some_and(|file| file.executable));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Disk, OnDisk, Plan, Resolution, plan};
    use crate::tree::{Class, File, RelPath, Tree};

    fn file(text: &str, class: Class) -> File {
        File {
            text: text.to_owned(),
            executable: false,
            class,
            component: "c".to_owned(),
        }
    }

    fn decide(base: Option<&str>, ours: Option<&str>, theirs: Option<&str>, class: Class) -> Plan {
        let path = || RelPath::new("f").unwrap();
        let tree = |text: Option<&str>| {
            text.map(|text| (path(), file(text, class)))
                .into_iter()
                .collect::<Tree>()
        };
        let disk: Disk = ours
            .map(|text| (path(), OnDisk::text(text)))
            .into_iter()
            .collect();
        plan(&tree(base), disk, tree(theirs))
    }

    /// The action, and the file's final text.
    fn outcome(
        base: Option<&str>,
        ours: Option<&str>,
        theirs: Option<&str>,
    ) -> Option<(Action, Option<String>)> {
        let plan = decide(base, ours, theirs, Class::Shared);
        let step = plan.steps.first()?;
        let after = match step.action {
            Action::Create | Action::Update | Action::Merge | Action::Rename | Action::Mark => {
                step.after.as_ref().map(|file| file.text.clone())
            }
            Action::Delete => None,
            Action::Identical | Action::Skip | Action::Conflict => ours.map(str::to_owned),
        };
        Some((step.action, after))
    }

    #[test]
    fn every_row_of_the_decision_table() {
        let (b, o, t) = ("a\nb\nc\n", "a\nb\nc\nmine\n", "new\na\nb\nc\n");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(outcome(None, None, None), None);
        assert_eq!(
            outcome(None, None, Some(t)),
            Some((Action::Create, text(t)))
        );
        assert_eq!(outcome(None, Some(o), None), None);
        assert_eq!(
            outcome(None, Some(o), Some(t)),
            Some((Action::Conflict, text(o)))
        );
        assert_eq!(
            outcome(None, Some(t), Some(t)),
            Some((Action::Identical, text(t)))
        );
        assert_eq!(
            outcome(Some(b), Some(t), Some(t)),
            Some((Action::Identical, text(t)))
        );
        assert_eq!(outcome(Some(b), None, Some(t)), Some((Action::Skip, None)));
        assert_eq!(outcome(Some(b), None, Some(b)), Some((Action::Skip, None)));
        assert_eq!(outcome(Some(b), None, None), None);
        assert_eq!(
            outcome(Some(b), Some(o), Some(b)),
            Some((Action::Skip, text(o)))
        );
        assert_eq!(
            outcome(Some(b), Some(b), Some(t)),
            Some((Action::Update, text(t)))
        );
        assert_eq!(
            outcome(Some(b), Some(o), Some(t)),
            Some((Action::Merge, text("new\na\nb\nc\nmine\n")))
        );
        assert_eq!(
            outcome(Some(b), Some("a\nx\nc\n"), Some("a\ny\nc\n")),
            Some((Action::Conflict, text("a\nx\nc\n")))
        );
        assert_eq!(
            outcome(Some(b), Some(b), None),
            Some((Action::Delete, None))
        );
        assert_eq!(
            outcome(Some(b), Some(o), None),
            Some((Action::Conflict, text(o)))
        );
    }

    /// Every combination of absent, `x`, `y` and `z` in the three trees, against the design's four guarantees.
    #[test]
    fn guarantees_hold_for_every_combination() {
        let states = [None, Some("x\n"), Some("y\n"), Some("z\n")];
        for base in states {
            for ours in states {
                for theirs in states {
                    let case = format!("{base:?} {ours:?} {theirs:?}");
                    let Some((action, after)) = outcome(base, ours, theirs) else {
                        assert!(
                            theirs.is_none() && (base.is_none() || ours.is_none()),
                            "{case}"
                        );
                        continue;
                    };
                    // No line of the user's is lost.
                    if ours != base {
                        assert!(
                            after.as_deref() == ours
                                || action == Action::Merge
                                || (base.is_none() && ours.is_none()),
                            "{case}"
                        );
                    }
                    // No deleted file comes back.
                    if base.is_some() && ours.is_none() {
                        assert_eq!(after, None, "{case}");
                    }
                    // An untouched file ends up as the template.
                    if ours == base {
                        assert_eq!(after.as_deref(), theirs, "{case}");
                    }
                    // A second run changes nothing: base is then the rendered version.
                    let again = outcome(theirs, after.as_deref(), theirs);
                    assert!(again.is_none_or(|(_, text)| text == after), "{case}");
                }
            }
        }
    }

    #[test]
    fn class_decides_which_side_wins() {
        let action = |class| {
            decide(Some("b"), Some("o"), Some("t"), class)
                .steps
                .first()
                .map(|step| step.action)
        };
        assert_eq!(action(Class::Once), Some(Action::Skip));
        assert_eq!(action(Class::Tool), Some(Action::Update));
        assert_eq!(action(Class::Shared), Some(Action::Conflict));
    }

    #[test]
    fn non_text_files_are_never_replaced() {
        let path = RelPath::new("f").unwrap();
        let disk: Disk = [(path.clone(), OnDisk::Other("is a directory"))].into();
        let theirs = [(path, file("t", Class::Shared))].into();
        let mut plan = plan(&Tree::new(), disk, theirs);
        assert_eq!(plan.conflicts().count(), 1);
        plan.steps[0].resolve(Resolution::Overwrite);
        assert_eq!(plan.steps[0].action, Action::Conflict);
        plan.steps[0].resolve(Resolution::Keep);
        assert_eq!(plan.steps[0].action, Action::Skip);
    }

    #[test]
    fn conflict_is_resolved_as_the_user_decides() {
        let resolved = |resolution| {
            let mut plan = decide(None, Some("mine\n"), Some("theirs\n"), Class::Shared);
            plan.steps[0].resolve(resolution);
            (
                plan.steps[0].action,
                plan.steps[0].after.as_ref().map(|file| file.text.clone()),
            )
        };
        assert_eq!(resolved(Resolution::Keep), (Action::Skip, None));
        assert_eq!(
            resolved(Resolution::Overwrite),
            (Action::Update, Some("theirs\n".to_owned()))
        );
        let (action, text) = resolved(Resolution::Merge);
        assert_eq!(action, Action::Merge);
        assert!(text.is_some_and(|text| text.contains("mine\n")
            && text.contains("theirs\n")
            && text.contains("<<<<<<<")));
    }
}
