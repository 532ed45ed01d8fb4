//! Random histories in which templates and users move files: as in `simulation`, nothing of the users' is lost, and files that
//! they deleted do not come back under another name.

use std::collections::{BTreeMap, BTreeSet};

use cargo_prodify::merge;
use cargo_prodify::plan::{Action, Disk, OnDisk, Plan, Rename, Trees, current_path};
use cargo_prodify::provenance::Moved;
use cargo_prodify::tree::{RelPath, Tree};

use crate::simulation::{Random, file, user_lines, without_markers};

/// The number of projects, and of updates to each.
const HISTORIES: u64 = 2000;
const UPDATES: usize = 8;

const PATHS: [&str; 6] = ["a.toml", "b", "c/d", "e.yaml", "f/g.toml", "h"];
const OTHER_PATHS: [&str; 3] = ["mine", "my/own.toml", "z"];

/// The renames so far, and the files of the current version.
#[derive(Default)]
struct Templates {
    renames: BTreeMap<String, Vec<RelPath>>,
    files: Tree,
}

impl Templates {
    /// The next version.
    fn change(&mut self, random: &mut Random) {
        for path in PATHS.map(path) {
            let text = self.files.get(&path).map(|file| file.text.clone());
            match (random.below(8), text) {
                (0, _) => drop(self.files.remove(&path)),
                (1..=3, text) => {
                    self.renames.remove(path.as_str());
                    let text = random.edit(&text.unwrap_or_default(), "theirs");
                    self.files.insert(path, file(text));
                }
                (4..=5, Some(_)) => self.rename(random, &path),
                _ => {}
            }
        }
    }

    /// Moves a file to a free path, or splits it into two.
    fn rename(&mut self, random: &mut Random, from: &RelPath) {
        let mut free: Vec<RelPath> = PATHS.map(path).into();
        free.retain(|path| !self.files.contains_key(path));
        let Some(file) = self.files.get(from).cloned() else {
            return;
        };
        let number = if random.one_in(4) { 2 } else { 1 };
        let at = random.below(free.len().max(1));
        let to: Vec<RelPath> = free.into_iter().skip(at).take(number).collect();
        if to.is_empty() {
            return;
        }
        self.files.remove(from);
        for to in &to {
            self.renames.remove(to.as_str());
            self.files.insert(to.clone(), file.clone());
        }
        for targets in self.renames.values_mut() {
            if let Some(at) = targets.iter().position(|target| target == from) {
                targets.splice(at..=at, to.clone());
            }
        }
        self.renames.insert(from.as_str().to_owned(), to);
    }

    fn renames(&self) -> Vec<Rename<'_>> {
        let renames = self.renames.iter().map(|(from, to)| Rename {
            component: "c",
            from,
            to,
        });
        renames.collect()
    }
}

#[derive(Default)]
struct Project {
    base: Tree,
    moved: Moved,
    disk: BTreeMap<RelPath, String>,
}

impl Project {
    fn update(&mut self, templates: &Templates) -> Plan {
        let files = self.disk.iter();
        let ours: Disk = files
            .map(|(path, text)| (path.clone(), OnDisk::text(text)))
            .collect();
        let theirs = templates.files.clone();
        let base = self.base.clone();
        let mut trees = Trees::follow(base, ours, theirs, &self.moved, &templates.renames());
        let mut plan = trees.plan();
        let mut next = templates.files.clone();
        let mut moved = trees.moved();
        for step in &mut plan.steps {
            let is_marked = step.before.as_deref().is_some_and(merge::has_markers);
            if is_marked && !matches!(step.action, Action::Identical | Action::Delete) {
                step.leave_marked();
            }
            step.mark_conflict();
            let (template, base_path) = trees.record_paths(&step.path);
            let is_left = step.action == Action::Conflict;
            if is_left && (next.contains_key(template) || trees.is_split(step)) {
                next.remove(template);
                let before = self.base.get(base_path);
                next.extend(before.map(|file| (base_path.clone(), file.clone())));
                let place = moved.remove(template);
                moved.extend(place.map(|place| (base_path.clone(), place)));
            }
            if step.action == Action::Delete {
                self.disk.remove(&step.path);
            } else if let Some(file) = step.after.as_ref().filter(|_| step.action.writes()) {
                let is_there = self.disk.contains_key(&step.path);
                assert!(
                    step.from.is_none() || !is_there,
                    "{} is in the way",
                    step.path
                );
                step.from.as_ref().map(|from| self.disk.remove(from));
                self.disk.insert(step.path.clone(), file.text.clone());
            }
        }
        moved.retain(|path, _| next.contains_key(path));
        (self.base, self.moved) = (next, moved);
        plan
    }

    /// The users' actions between two updates.
    fn edit(&mut self, random: &mut Random, theirs: &Tree) {
        let paths: Vec<RelPath> = self.disk.keys().cloned().collect();
        for path in paths {
            let text = self.disk[&path].clone();
            match random.below(10) {
                0..=2 => drop(self.disk.insert(path, random.edit(&text, "mine"))),
                3 => drop(self.disk.insert(path, without_markers(&text))),
                4 => drop(self.disk.remove(&path)),
                5 => self.move_file(random, &path, theirs),
                _ => {}
            }
        }
        if random.one_in(4) {
            let path = path(PATHS[random.below(PATHS.len())]);
            let text = random.edit("", "mine");
            self.disk.entry(path).or_insert(text);
        }
    }

    /// Moves one of prodify's files to another path, which is recorded.
    fn move_file(&mut self, random: &mut Random, from: &RelPath, theirs: &Tree) {
        let to = path(OTHER_PATHS[random.below(OTHER_PATHS.len())]);
        let mut known = self.base.keys();
        let template = known.find(|path| current_path(path, &self.moved, theirs) == from);
        let template = template.cloned();
        if let Some(template) = template.filter(|_| !self.disk.contains_key(&to)) {
            let text = self.disk.remove(from);
            self.disk.extend(text.map(|text| (to.clone(), text)));
            self.moved.retain(|_, place| *place != to);
            self.moved.insert(template, to);
        }
    }
}

fn path(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

#[test]
fn random_moves_lose_no_edits() {
    let mut seen = BTreeMap::<(Action, bool), u32>::new();
    for seed in 0..HISTORIES {
        let random = &mut Random(seed);
        let mut templates = Templates::default();
        let mut project = Project::default();
        for update in 0..UPDATES {
            let case = format!("seed {seed}, update {update}");
            templates.change(random);
            project.edit(random, &templates.files);
            let (base, moved) = (project.base.clone(), project.moved.clone());
            let before = project.disk.clone();
            let plan = project.update(&templates);
            for step in &plan.steps {
                let times = seen.entry((step.action, step.from.is_some()));
                *times.or_default() += 1;
            }
            let user_lines_on = |disk: &BTreeMap<RelPath, String>| -> BTreeSet<String> {
                let lines = disk.values().flat_map(|text| user_lines(text));
                lines.map(str::to_owned).collect()
            };
            let (was, is) = (user_lines_on(&before), user_lines_on(&project.disk));
            assert!(was.is_subset(&is), "{case}: lost a line");
            for (path, old) in &base {
                let place = current_path(path, &moved, &templates.files);
                let one = templates.renames.get(path.as_str());
                let to = match (templates.files.get(path), one.map(Vec::as_slice)) {
                    (Some(_), _) => path,
                    (None, Some([to])) if !base.contains_key(to) => to,
                    _ => continue,
                };
                let to_place = if place == path { to } else { place };
                let is_free = to_place == place || !before.contains_key(to_place);
                let is = project.disk.get(to_place);
                match before.get(place) {
                    // If two files were merged into one, the other may have been there.
                    None if is_free => assert!(
                        is.is_none() || templates.renames.values().flatten().any(|it| it == to),
                        "{case}: {path} came back as {to_place}"
                    ),
                    Some(was) if *was == old.text && is_free => {
                        let is_as_written = is == templates.files.get(to).map(|file| &file.text);
                        assert!(
                            is_as_written
                                || templates.renames.values().flatten().any(|it| it == to),
                            "{case}: {path} is not as expected at {to_place}"
                        );
                    }
                    _ => {}
                }
            }
            let after = (
                project.disk.clone(),
                project.base.clone(),
                project.moved.clone(),
            );
            project.update(&templates);
            let again = (
                project.disk.clone(),
                project.base.clone(),
                project.moved.clone(),
            );
            assert_eq!(again, after, "{case}: a second run changed something");
        }
    }
    // The histories are only meaningful if everything happens in them.
    for (action, moves) in [
        (Action::Create, false),
        (Action::Update, false),
        (Action::Merge, false),
        (Action::Delete, false),
        (Action::Update, true),
        (Action::Merge, true),
        (Action::Rename, true),
        (Action::Mark, true),
        (Action::Conflict, false),
    ] {
        let times = seen.get(&(action, moves)).copied().unwrap_or_default();
        assert!(times > 40, "{action:?} {moves}: {times} of {seen:?}");
    }
}
