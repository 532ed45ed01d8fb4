//! Files that are not where they were: a version has them elsewhere now, or the user does.
//!
//! A plan compares what lies at a path with what lay at that path. So what moved is put at the path that it has from now on in all
//! three trees, and what is written afterwards goes back to the path that its template has.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Disk, OnDisk, Plan, Step, plan};
use crate::merge;
use crate::provenance::Moved;
use crate::tree::{Class, File, RelPath, Tree};

/// Where a version has a file that an older one had elsewhere; several places, where it was split.
#[derive(Clone, Debug)]
pub struct Rename<'a> {
    /// The component that it is of.
    pub component: &'a str,
    /// Where it was.
    pub from: &'a str,
    /// Where it is.
    pub to: &'a [RelPath],
}

/// The trees of a plan, and what moved in them.
#[derive(Debug, Default)]
pub struct Trees {
    /// What prodify last wrote.
    pub base: Tree,
    /// What is on disk.
    pub ours: Disk,
    /// What is to be.
    pub theirs: Tree,
    /// What is somewhere else than its template or than it was, by the path that it has from now on.
    tracks: BTreeMap<RelPath, Track>,
    /// Edited files that were split.
    split: BTreeSet<RelPath>,
    /// Files of which it is not certain what was written there.
    doubtful: BTreeSet<RelPath>,
    /// Files that an update had written to their new places when it was stopped, by the old ones.
    left: BTreeSet<RelPath>,
}

/// A file that is somewhere else.
#[derive(Debug)]
struct Track {
    /// The path that its template has.
    template: RelPath,
    /// The path under which the base has it.
    known_as: RelPath,
    /// Where it lies so far, if it has to be moved.
    from: Option<From>,
}

/// Where a file lies that has to be moved.
#[derive(Debug)]
struct From {
    path: RelPath,
    executable: bool,
}

/// Why a file is left to the user whose base was edited.
const DOUBTFUL: &str = "differs, and its record was edited";

/// Why such a file stays that is no longer wanted.
const STAYS: &str = "stays, since its record was edited";

/// Why an edited file that was split is left to the user.
const SPLIT: &str = "is in several files now: take your edits over to them, then delete it";

/// The path that a file of the base has now: where the user put it, as far as that is known and no template's place.
pub fn place<'p>(path: &'p RelPath, moved: &'p Moved, theirs: &Tree) -> &'p RelPath {
    let place = moved.get(path);
    place
        .filter(|place| !theirs.contains_key(*place))
        .unwrap_or(path)
}

impl Trees {
    /// Follows what the user moved (`moved`, by the paths of the base) and what the version did.
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
            let place = place(path, moved, &trees.theirs).clone();
            if trees.theirs.contains_key(path) || !trees.rename(path, &place, renames) {
                trees.track(place, path, path, None);
            }
        }
        let tracked: Vec<(RelPath, RelPath)> = trees
            .tracks
            .iter()
            .map(|(place, track)| (place.clone(), track.known_as.clone()))
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

    /// Follows the file that the base has at `path` to where the version has it; tells whether it could.
    fn rename(&mut self, path: &RelPath, place: &RelPath, renames: &[Rename<'_>]) -> bool {
        let Some(old) = self.base.get(path) else {
            return false;
        };
        let mut all = renames.iter();
        let targets = all.find_map(|rename| rename.targets(path, old, &self.theirs));
        let targets = targets.unwrap_or_default();
        // Where two files became one, it is the first of them.
        let is_taken = |to: &RelPath| self.tracks.values().any(|track| track.template == *to);
        let is_new = |to: &RelPath| !self.base.contains_key(to) && !is_taken(to);
        let text = |path: &RelPath| self.ours.get(path).and_then(OnDisk::as_text);
        let is_free = |path: &RelPath| !self.ours.contains_key(path);
        match &targets[..] {
            [to] if !is_new(to) => false,
            // What the user moved themselves stays there.
            [to] if place != path => {
                self.track(place.clone(), to, path, None);
                true
            }
            [to] => {
                let new = &self.theirs[to].text;
                let (follows, is_left) = match (text(path), text(to)) {
                    (None, None) => (is_free(path) && is_free(to), false),
                    (Some(_), None) => (is_free(to), false),
                    (None, Some(there)) => {
                        let is_it = there == new || merge::is_similar(&old.text, there);
                        (is_free(path) && is_it, false)
                    }
                    (Some(ours), Some(there)) => {
                        let is_done = self.is_done(path, ours, to, there);
                        (is_done, is_done)
                    }
                };
                let from = match self.ours.get(path) {
                    Some(OnDisk::Text { executable, .. }) if !is_left => Some(From {
                        path: path.clone(),
                        executable: executable.unwrap_or(old.executable),
                    }),
                    _ => None,
                };
                if is_left {
                    self.left.insert(path.clone());
                }
                if follows {
                    self.track(to.clone(), to, path, from);
                }
                follows
            }
            [] => false,
            several if is_free(place) => {
                // Of what the user deleted as a whole, no piece comes back.
                let pieces = several.iter().filter(|to| is_free(to) && is_new(to));
                let pieces: Vec<RelPath> = pieces.cloned().collect();
                for to in pieces {
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

    /// Whether what would be written is there already: an update was stopped between that and the end of the old file.
    fn is_done(&self, path: &RelPath, ours: &str, to: &RelPath, there: &str) -> bool {
        let at = |file: &File| Tree::from([(to.clone(), file.clone())]);
        let disk = Disk::from([(to.clone(), OnDisk::text(ours))]);
        let mut plan = plan(&at(&self.base[path]), disk, at(&self.theirs[to]));
        plan.steps.iter_mut().any(|step| {
            step.mark();
            let text = step.after.as_ref().map(|file| &*file.text);
            text.or(step.before.as_deref()) == Some(there)
        })
    }

    fn track(
        &mut self,
        place: RelPath,
        template: &RelPath,
        known_as: &RelPath,
        from: Option<From>,
    ) {
        if place != *template || template != known_as {
            let track = Track {
                template: template.clone(),
                known_as: known_as.clone(),
                from,
            };
            self.tracks.insert(place, track);
        }
    }

    /// The paths at which something is to be where nothing is and nothing was, nor at the other path of the same module.
    pub fn news(&self) -> impl Iterator<Item = &RelPath> {
        let is_known =
            |path: &RelPath| self.base.contains_key(path) || self.ours.contains_key(path);
        self.theirs.keys().filter(move |path| {
            let other = path.same_module();
            !is_known(path) && other.is_none_or(|other| !self.base.contains_key(&other))
        })
    }

    /// Takes what the base says of a file for uncertain, wherever that is now.
    pub fn doubt(&mut self, path: &RelPath) {
        let tracks = self.tracks.iter();
        let places = tracks.filter(|(_, track)| track.known_as == *path);
        let places = places.map(|(place, _)| place.clone());
        self.doubtful.extend(places.chain([path.clone()]));
    }

    /// Makes the plan, and says of each step from where to where it leads.
    pub fn plan(&mut self) -> Plan {
        let mut ours = std::mem::take(&mut self.ours);
        let left: Vec<Step> = std::mem::take(&mut self.left)
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
                step.come_from(&from.path, from.executable);
            }
            let theirs = self.theirs.get(&step.path);
            if self.doubtful.contains(&step.path) {
                step.leave_doubtful(theirs);
            }
            // Until its edits are taken over, and it is deleted.
            let is_left = matches!(step.action, Action::Conflict) && step.after.is_none();
            if is_left && self.split.contains(&step.path) {
                step.why = Some(SPLIT);
            }
        }
        plan.extend(left);
        plan
    }

    /// Whether a step is about an edited file that was split.
    pub fn is_split(&self, step: &Step) -> bool {
        self.split.contains(&step.path)
    }

    /// What is remembered of a file that is left to the user: the path of its template, and that under which it was known.
    pub fn known_as<'t>(&'t self, step: &'t RelPath) -> (&'t RelPath, &'t RelPath) {
        let lies = |(place, track): &(&RelPath, &Track)| {
            *place == step || track.from.as_ref().is_some_and(|from| from.path == *step)
        };
        let track = self.tracks.iter().find(lies);
        track.map_or((step, step), |(_, track)| {
            (&track.template, &track.known_as)
        })
    }

    /// Where the user has what is written at another path than its template's.
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
    /// Of what may be an edit of the user's and what is one, nothing can be told apart: only they can.
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
    /// Where a version has what the base has at that path, where it is a single place.
    pub fn target(path: &RelPath, file: &File, theirs: &Tree, all: &[Self]) -> Option<RelPath> {
        let mut found = all
            .iter()
            .find_map(|rename| rename.targets(path, file, theirs))?;
        found.pop().filter(|_| found.is_empty())
    }

    /// Where a file of the base went: from a directory of a service's own into the same one.
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
    fn a_service_has_its_file_in_its_own_directory_still() {
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
        // It may have been another component's before, but not in a directory that only has the same names in it.
        assert_eq!(target("Dockerfile", "d").as_deref(), Some(all[0]));
        for other in ["my.Dockerfile", "worker/Dockerfile", "Dockerfile/x"] {
            assert_eq!(target(other, "c"), None, "{other}");
        }
        assert_eq!(target("api/Dockerfile", "d"), None);
    }
}
