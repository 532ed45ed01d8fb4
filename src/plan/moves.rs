//! Moved files: a new version writes them elsewhere, or the user has moved them.
//!
//! A plan compares the files at a path. So a moved file is put at its new path in all three trees, and after writing, its record
//! gets the template's path again.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Disk, OnDisk, Plan, Step, plan};
use crate::merge;
use crate::provenance::Moved;
use crate::tree::{Class, File, RelPath, Tree};

/// New paths of a file that an older version wrote elsewhere; several if it was split.
#[derive(Clone, Debug)]
pub struct Rename<'a> {
    /// The component that it belongs to.
    pub component: &'a str,
    /// Its old path.
    pub from: &'a str,
    /// Its new path or paths.
    pub to: &'a [RelPath],
}

/// The trees of a plan, and the moves in them.
#[derive(Debug, Default)]
pub struct Trees {
    /// What prodify last wrote.
    pub base: Tree,
    /// What is on disk.
    pub ours: Disk,
    /// The new version.
    pub theirs: Tree,
    /// Files that are not at their template's path or at their previous path, by their new path.
    tracks: BTreeMap<RelPath, Track>,
    /// Edited files that were split.
    split: BTreeSet<RelPath>,
    /// Files for which it is uncertain what was written.
    doubtful: BTreeSet<RelPath>,
    /// Files that an interrupted update had already written to their new paths, by the old ones.
    leftovers: BTreeSet<RelPath>,
}

/// A moved file.
#[derive(Debug)]
struct Track {
    /// Its template's path.
    template: RelPath,
    /// Its path in the base.
    base_path: RelPath,
    /// Its current path, if it is to be moved.
    from: Option<CurrentFile>,
}

/// The current path of a file to be moved.
#[derive(Debug)]
struct CurrentFile {
    path: RelPath,
    executable: bool,
}

/// Why a file with an edited base is left to the user.
const DOUBTFUL: &str = "differs, and its record was edited";

/// Why such a file stays although it is no longer wanted.
const STAYS: &str = "stays, since its record was edited";

/// Why an edited file that was split is left to the user.
const SPLIT: &str = "is split into several files now: move your edits to them, then delete it";

/// The current path of a file of the base: where the user moved it, if that is known and not a template's path.
pub fn current_path<'p>(path: &'p RelPath, moved: &'p Moved, theirs: &Tree) -> &'p RelPath {
    let place = moved.get(path);
    place
        .filter(|place| !theirs.contains_key(*place))
        .unwrap_or(path)
}

impl Trees {
    /// Follows the user's moves (`moved`, by the paths in the base) and those of the version.
    pub fn follow(
        base: Tree,
        ours: Disk,
        theirs: Tree,
        moved: &Moved,
        renames: &[Rename<'_>],
    ) -> Self {
        let mut trees = Self {
            base,
            ours,
            theirs,
            ..Self::default()
        };
        let known: Vec<RelPath> = trees.base.keys().cloned().collect();
        for path in &known {
            let place = current_path(path, moved, &trees.theirs).clone();
            if trees.theirs.contains_key(path) || !trees.follow_rename(path, &place, renames) {
                trees.track(place, path, path, None);
            }
        }
        let tracked: Vec<(RelPath, RelPath)> = trees
            .tracks
            .iter()
            .map(|(place, track)| (place.clone(), track.base_path.clone()))
            .collect();
        let moved_from: BTreeMap<RelPath, File> = tracked
            .iter()
            .filter_map(|(_, path)| Some((path.clone(), trees.base.remove(path)?)))
            .collect();
        for (place, path) in tracked {
            trees
                .base
                .extend(moved_from.get(&path).map(|file| (place, file.clone())));
        }
        for (place, track) in &trees.tracks {
            let file = trees.theirs.remove(&track.template);
            trees.theirs.extend(file.map(|file| (place.clone(), file)));
            if let Some(from) = &track.from {
                let file = trees.ours.remove(&from.path);
                trees.ours.extend(file.map(|file| (place.clone(), file)));
            }
        }
        trees
    }

    /// Follows the file at `path` in the base to its new path in this version; returns whether it could.
    fn follow_rename(&mut self, path: &RelPath, place: &RelPath, renames: &[Rename<'_>]) -> bool {
        let Some(old) = self.base.get(path) else {
            return false;
        };
        let mut all = renames.iter();
        let targets = all.find_map(|rename| rename.targets(path, old, &self.theirs));
        let targets = targets.unwrap_or_default();
        // If two files became one, that one comes from the first.
        let is_taken = |to: &RelPath| self.tracks.values().any(|track| track.template == *to);
        let is_new = |to: &RelPath| !self.base.contains_key(to) && !is_taken(to);
        let text = |path: &RelPath| self.ours.get(path).and_then(OnDisk::as_text);
        let is_free = |path: &RelPath| !self.ours.contains_key(path);
        match &targets[..] {
            [to] if !is_new(to) => false,
            // A file that the user moved stays there.
            [to] if place != path => {
                self.track(place.clone(), to, path, None);
                true
            }
            [to] => {
                let new = &self.theirs[to].text;
                let (follows, is_left) = match (text(path), text(to)) {
                    (None, None) => (is_free(path) && is_free(to), false),
                    (Some(_), None) => (is_free(to), false),
                    (None, Some(on_disk)) => {
                        let is_same_file = on_disk == new || merge::is_similar(&old.text, on_disk);
                        (is_free(path) && is_same_file, false)
                    }
                    (Some(ours), Some(on_disk)) => {
                        let is_already_moved = self.is_already_moved(path, ours, to, on_disk);
                        (is_already_moved, is_already_moved)
                    }
                };
                let from = match self.ours.get(path) {
                    Some(OnDisk::Text { executable, .. }) if !is_left => Some(CurrentFile {
                        path: path.clone(),
                        executable: executable.unwrap_or(old.executable),
                    }),
                    _ => None,
                };
                if is_left {
                    self.leftovers.insert(path.clone());
                }
                if follows {
                    self.track(to.clone(), to, path, from);
                }
                follows
            }
            [] => false,
            several if is_free(place) => {
                // If the user deleted a file that was then split, no part of it comes back.
                let parts = several.iter().filter(|to| is_free(to) && is_new(to));
                let parts: Vec<RelPath> = parts.cloned().collect();
                for to in parts {
                    self.track(to.clone(), &to, path, None);
                }
                true
            }
            _ => {
                self.split.insert(place.clone());
                false
            }
        }
    }

    /// Whether the new file is there already: an update was interrupted before it removed the old file.
    fn is_already_moved(&self, path: &RelPath, ours: &str, to: &RelPath, on_disk: &str) -> bool {
        let at = |file: &File| Tree::from([(to.clone(), file.clone())]);
        let disk = Disk::from([(to.clone(), OnDisk::text(ours))]);
        let mut plan = plan(&at(&self.base[path]), disk, at(&self.theirs[to]));
        plan.steps.iter_mut().any(|step| {
            step.mark_conflict();
            let text = step.after.as_ref().map(|file| &*file.text);
            text.or(step.before.as_deref()) == Some(on_disk)
        })
    }

    fn track(
        &mut self,
        place: RelPath,
        template: &RelPath,
        base_path: &RelPath,
        from: Option<CurrentFile>,
    ) {
        if place != *template || template != base_path {
            let track = Track {
                template: template.clone(),
                base_path: base_path.clone(),
                from,
            };
            self.tracks.insert(place, track);
        }
    }

    /// The paths of new files where nothing is and nothing was, not even at the other path of the same module.
    pub fn new_paths(&self) -> impl Iterator<Item = &RelPath> {
        let is_known =
            |path: &RelPath| self.base.contains_key(path) || self.ours.contains_key(path);
        self.theirs.keys().filter(move |path| {
            let other = path.same_module();
            !is_known(path) && other.is_none_or(|other| !self.base.contains_key(&other))
        })
    }

    /// Marks the base of a file as uncertain, wherever the file is now.
    pub fn mark_doubtful(&mut self, path: &RelPath) {
        let tracks = self.tracks.iter();
        let places = tracks.filter(|(_, track)| track.base_path == *path);
        let places = places.map(|(place, _)| place.clone());
        self.doubtful.extend(places.chain([path.clone()]));
    }

    /// Makes the plan, with the old and new path of each step.
    pub fn plan(&mut self) -> Plan {
        let mut ours = std::mem::take(&mut self.ours);
        let leftovers: Vec<Step> = std::mem::take(&mut self.leftovers)
            .into_iter()
            .map(|path| Step {
                before: ours.remove(&path).and_then(OnDisk::into_text),
                ..Step::new(path, Action::Delete, None)
            })
            .collect();
        let mut plan = plan(&self.base, ours, self.theirs.clone());
        for step in &mut plan.steps {
            if let Some(from) = self
                .tracks
                .get(&step.path)
                .and_then(|track| track.from.as_ref())
            {
                step.set_moved_from(&from.path, from.executable);
            }
            let theirs = self.theirs.get(&step.path);
            if self.doubtful.contains(&step.path) {
                step.leave_doubtful(theirs);
            }
            // Until its edits are moved over, and it is deleted.
            let is_left = matches!(step.action, Action::Conflict) && step.after.is_none();
            if is_left && self.split.contains(&step.path) {
                step.why = Some(SPLIT);
            }
        }
        plan.extend(leftovers);
        plan
    }

    /// Whether a step is about an edited file that was split.
    pub fn is_split(&self, step: &Step) -> bool {
        self.split.contains(&step.path)
    }

    /// The record of a file that is left to the user: its template's path, and its path in the base.
    pub fn record_paths<'t>(&'t self, step: &'t RelPath) -> (&'t RelPath, &'t RelPath) {
        let is_at = |(place, track): &(&RelPath, &Track)| {
            *place == step || track.from.as_ref().is_some_and(|from| from.path == *step)
        };
        let track = self.tracks.iter().find(is_at);
        track.map_or((step, step), |(_, track)| {
            (&track.template, &track.base_path)
        })
    }

    /// The user's paths of files that are not at their template's path.
    pub fn moved(&self) -> Moved {
        let elsewhere = self
            .tracks
            .iter()
            .filter(|(place, track)| **place != track.template);
        elsewhere
            .map(|(place, track)| (track.template.clone(), place.clone()))
            .collect()
    }
}

impl Step {
    /// With an uncertain base, edits cannot be told from what was written: only the user can.
    fn leave_doubtful(&mut self, theirs: Option<&File>) {
        let is_there = self.before.is_some() && self.action != Action::Identical;
        if !is_there || theirs.is_some_and(|file| file.class != Class::Shared) {
            return;
        }
        (self.action, self.why) = match theirs {
            Some(_) => (Action::Conflict, Some(DOUBTFUL)),
            None => (Action::Skip, Some(STAYS)),
        };
        let is_crlf = self.before.as_deref().is_some_and(merge::is_crlf);
        self.after = theirs.cloned();
        if let Some(file) = self.after.as_mut().filter(|_| is_crlf) {
            file.text = merge::to_crlf(&merge::to_lf(&file.text));
        }
        self.marked = None;
    }
}

impl Rename<'_> {
    /// The new path in this version of a file in the base, if there is exactly one.
    pub fn target(path: &RelPath, file: &File, theirs: &Tree, all: &[Self]) -> Option<RelPath> {
        let mut found = all
            .iter()
            .find_map(|rename| rename.targets(path, file, theirs))?;
        found.pop().filter(|_| found.is_empty())
    }

    /// The new paths of a file of the base: in a service's directory, they are in the same directory.
    fn targets(&self, path: &RelPath, file: &File, theirs: &Tree) -> Option<Vec<RelPath>> {
        let above = path.as_str().strip_suffix(self.from)?;
        let directory = match above.strip_suffix('/') {
            Some(directory) if file.component == self.component => directory,
            _ if above.is_empty() => "",
            _ => return None,
        };
        let to = self.to.iter().filter_map(|to| to.below(directory).ok());
        let to: Vec<RelPath> = to.filter(|to| theirs.contains_key(to)).collect();
        (!to.is_empty()).then_some(to)
    }
}

#[cfg(test)]
mod tests {
    use super::Rename;
    use crate::tree::{Class, File, RelPath, Tree};

    fn path(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    fn file(component: &str) -> File {
        File {
            text: "x".to_owned(),
            executable: false,
            class: Class::Shared,
            component: component.to_owned(),
        }
    }

    #[test]
    fn renames_stay_within_a_services_directory() {
        let to = [path("deploy/Dockerfile")];
        let renames = [Rename {
            component: "c",
            from: "Dockerfile",
            to: &to,
        }];
        let all = ["deploy/Dockerfile", "api/deploy/Dockerfile"];
        let theirs: Tree = all.map(|it| (path(it), file("c"))).into();
        let target = |from: &str, component: &str| {
            let found = Rename::target(&path(from), &file(component), &theirs, &renames);
            found.map(|to| to.to_string())
        };
        assert_eq!(target("Dockerfile", "c").as_deref(), Some(all[0]));
        assert_eq!(target("api/Dockerfile", "c").as_deref(), Some(all[1]));
        // It may have belonged to another component before, but not in a directory that only has the same names in it.
        assert_eq!(target("Dockerfile", "d").as_deref(), Some(all[0]));
        for other in ["my.Dockerfile", "worker/Dockerfile", "Dockerfile/x"] {
            assert_eq!(target(other, "c"), None, "{other}");
        }
        assert_eq!(target("api/Dockerfile", "d"), None);
    }
}
