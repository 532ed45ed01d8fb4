//! Random histories of a project: changing templates, user edits, one update after the other. Whatever happens, the design's
//! guarantees hold, and texts are merged like git merges them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use cargo_prodify::merge::{self, Merged};
use cargo_prodify::plan::{Action, Disk, OnDisk, Plan, plan};
use cargo_prodify::tree::{Class, File, RelPath, Tree};
use tempfile::tempdir;

/// The number of projects, and of updates to each.
const HISTORIES: u64 = 3000;
const UPDATES: usize = 6;

/// The same numbers on every machine: SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    /// The text with a few lines added, removed or changed; each new line has a unique key.
    pub(crate) fn edit(&mut self, text: &str, whose: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for _ in 0..=self.below(2) {
            let at = self.below(lines.len() + 1);
            let key = lines
                .get(at)
                .and_then(|line| Some(line.split_once(" = ")?.0.to_owned()));
            let (other, value) = (format!("{:x}", self.next()), self.next());
            let with = |key: String| format!("{key} = {whose} {value:x}");
            match self.below(3) {
                0 => lines.insert(at, with(other)),
                1 if at < lines.len() => drop(lines.remove(at)),
                _ if at < lines.len() => lines[at] = with(key.unwrap_or(other)),
                _ => lines.push(with(other)),
            }
        }
        let end = if self.one_in(10) { "" } else { "\n" };
        lines.join("\n") + end
    }
}

pub(crate) fn file(text: String) -> File {
    File {
        text,
        executable: false,
        class: Class::Shared,
        component: "c".to_owned(),
    }
}

/// A project on disk, and what prodify last wrote there.
#[derive(Default)]
struct Project {
    base: Tree,
    disk: BTreeMap<RelPath, String>,
}

impl Project {
    fn ours(&self) -> Disk {
        let files = self.disk.iter();
        files
            .map(|(path, text)| (path.clone(), OnDisk::text(text)))
            .collect()
    }

    /// As in `update`: conflicts are marked, and files that still contain markers are left alone.
    fn update(&mut self, theirs: &Tree) -> Plan {
        let mut plan = plan(&self.base, self.ours(), theirs.clone());
        let mut next = theirs.clone();
        for step in &mut plan.steps {
            let is_marked = step.before.as_deref().is_some_and(merge::has_markers);
            if is_marked && step.action != Action::Identical {
                step.leave_marked();
            }
            step.mark_conflict();
            if step.action == Action::Conflict && theirs.contains_key(&step.path) {
                next.remove(&step.path);
                let before = self.base.get(&step.path);
                next.extend(before.map(|file| (step.path.clone(), file.clone())));
            }
            match (&step.after, step.action) {
                (_, Action::Delete) => drop(self.disk.remove(&step.path)),
                (Some(file), action) if action.writes() => {
                    self.disk.insert(step.path.clone(), file.text.clone());
                }
                _ => {}
            }
        }
        self.base = next;
        plan
    }

    /// The users' actions between two updates: edit, delete, add files, change line endings, resolve conflicts.
    fn edit(&mut self, random: &mut Random, paths: &[RelPath]) {
        for path in paths {
            let Some(text) = self.disk.get(path).cloned() else {
                if random.one_in(12) {
                    let text = random.edit("", "mine");
                    self.disk.insert(path.clone(), text);
                }
                continue;
            };
            let text = if random.one_in(2) {
                without_markers(&text)
            } else {
                text
            };
            let text = match random.below(8) {
                0..=2 => random.edit(&text, "mine"),
                3 => {
                    self.disk.remove(path);
                    continue;
                }
                4 if !text.contains('\r') => merge::to_crlf(&text),
                _ => text,
            };
            self.disk.insert(path.clone(), text);
        }
    }
}

/// Resolves a conflict without losing anything: both sides stay.
pub(crate) fn without_markers(text: &str) -> String {
    let is_marker = |line: &&str| {
        ["<<<<<<<", "|||||||", "=======", ">>>>>>>"]
            .iter()
            .any(|it| line.starts_with(it))
    };
    text.split_inclusive('\n')
        .filter(|line| !is_marker(line))
        .collect()
}

pub(crate) fn user_lines(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| line.contains(" = mine "))
        .collect()
}

#[test]
fn random_updates_lose_no_edits() {
    let mut merged = BTreeMap::<Action, u32>::new();
    for seed in 0..HISTORIES {
        let random = &mut Random(seed);
        let paths = ["a.toml", "b.toml", "c"].map(|path| RelPath::new(path).unwrap());
        let mut theirs = Tree::new();
        let mut project = Project::default();
        for update in 0..UPDATES {
            for path in &paths {
                match (
                    random.below(5),
                    theirs.get(path).map(|file| file.text.clone()),
                ) {
                    (0, _) => drop(theirs.remove(path)),
                    (1..=3, text) => {
                        let text = random.edit(&text.unwrap_or_default(), "theirs");
                        theirs.insert(path.clone(), file(text));
                    }
                    _ => {}
                }
            }
            project.edit(random, &paths);
            let (base, before) = (project.base.clone(), project.disk.clone());
            let plan = project.update(&theirs);
            plan.steps
                .iter()
                .for_each(|step| *merged.entry(step.action).or_default() += 1);
            for path in &paths {
                let case = format!("seed {seed}, update {update}, {path}");
                let (was, is) = (before.get(path), project.disk.get(path));
                let (old, new) = (base.get(path), theirs.get(path));
                match (old, was) {
                    (Some(_), None) => assert_eq!(is, None, "{case}: came back"),
                    (Some(old), Some(was)) if *was == old.text => {
                        assert_eq!(
                            is,
                            new.map(|file| &file.text),
                            "{case}: differs from the new version"
                        );
                    }
                    (_, Some(was)) => {
                        let kept = user_lines(is.map_or("", String::as_str));
                        assert!(user_lines(was).is_subset(&kept), "{case}: lost a line");
                    }
                    (None, None) => assert_eq!(is, new.map(|file| &file.text), "{case}"),
                }
            }
            let after = project.disk.clone();
            project.update(&theirs);
            assert_eq!(
                project.disk, after,
                "seed {seed}, update {update}: a second run changed something"
            );
        }
    }
    // The histories are only meaningful if everything happens in them.
    for action in [
        Action::Create,
        Action::Update,
        Action::Merge,
        Action::Identical,
        Action::Skip,
        Action::Conflict,
        Action::Mark,
        Action::Delete,
    ] {
        assert!(
            merged.get(&action).is_some_and(|times| *times > 100),
            "{action:?}: {merged:?}"
        );
    }
}

/// If all lines are unique, there is only one way to match them, and both merges find it.
#[test]
fn texts_are_merged_like_git_merges_them() {
    let dir = tempdir().unwrap();
    let random = &mut Random(1);
    let (mut clean, mut marked) = (0, 0);
    for case in 0..400 {
        let base: String = (0..random.below(12))
            .map(|line| format!("line {line}\n"))
            .collect();
        let (ours, theirs) = (random.edit(&base, "mine"), random.edit(&base, "theirs"));
        for (name, text) in [("base", &base), ("ours", &ours), ("theirs", &theirs)] {
            fs::write(dir.path().join(name), text).unwrap();
        }
        let git = Command::new("git")
            .args([
                "merge-file",
                "--stdout",
                "--diff3",
                "-L",
                "ours",
                "-L",
                "original",
                "-L",
                "theirs",
                "ours",
                "base",
                "theirs",
            ])
            .current_dir(dir.path())
            .output()
            .unwrap();
        let by_git = String::from_utf8(git.stdout).unwrap();
        let merged = merge::three_way(&base, &ours, &theirs);
        let wanted = match git.status.code() {
            Some(0) => Merged::Clean(by_git),
            _ => Merged::Marked(by_git),
        };
        assert_eq!(
            merged, wanted,
            "case {case}:\n{base:?}\n{ours:?}\n{theirs:?}"
        );
        *(if matches!(wanted, Merged::Clean(_)) {
            &mut clean
        } else {
            &mut marked
        }) += 1;
    }
    assert!(clean > 50 && marked > 50, "{clean} {marked}");
}
