//! Moved files: found on disk, and followed.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use anyhow::Result;

use super::project::Project;
use crate::facts::disk;
use crate::merge;
use crate::plan::{self, Disk, Rename, Trees};
use crate::provenance::{BASE, Moved};
use crate::select::Selection;
use crate::tree::{Class, File, RelPath, Tree};

/// The trees of a plan, with every file at its new path; and notes on those that moved.
///
/// # Errors
///
/// If a file exists but cannot be read.
pub(super) fn follow(
    project: &Project,
    selection: &Selection<'_>,
    base: Tree,
    theirs: Tree,
) -> Result<(Trees, Vec<String>)> {
    let record = &project.record;
    let mut moved = record.base.moved.clone();
    let paths = base.keys().chain(theirs.keys()).chain(moved.values());
    let mut ours = disk::read(&project.root, paths)?;
    // A file that may be entirely the user's stays where it is.
    let stays = |rename: &Rename<'_>| {
        let mut doubtful = record.base.doubtful.iter();
        doubtful.any(|path| path.as_str().ends_with(rename.from) && ours.contains_key(path))
    };
    let renames: Vec<Rename<'_>> = renames(selection).filter(|it| !stays(it)).collect();
    // A file that was moved back is where it was written.
    moved.retain(|path, place| ours.contains_key(place) || !ours.contains_key(path));
    let missing = missing_files(&base, &ours, &theirs, &moved, &renames);
    let mut notes = Vec::new();
    let (found, unread) = find_moved(project, missing, &base, &theirs, &moved);
    notes.extend(unread);
    for (path, place) in found {
        ours.extend(disk::read(&project.root, [&place])?);
        notes.push(format!(
            "{path} was moved to {place}, and is kept up to date there"
        ));
        moved.insert(path, place);
    }
    let mut trees = Trees::follow(base, ours, theirs, &moved, &renames);
    let modules = disk::modules(&project.root, trees.new_paths());
    trees.ours.extend(modules);
    for path in &record.base.doubtful {
        trees.mark_doubtful(path);
    }
    let doubtful: Vec<&str> = record.base.doubtful.iter().map(RelPath::as_str).collect();
    if !doubtful.is_empty() {
        notes.push(format!(
            "{BASE} was edited: what it says about {} may be wrong",
            doubtful.join(", ")
        ));
    }
    Ok((trees, notes))
}

fn renames<'a>(selection: &'a Selection<'_>) -> impl Iterator<Item = Rename<'a>> {
    let components = selection.components.iter();
    components.flat_map(|component| {
        let renames = component.renames.iter();
        renames.map(|(from, to)| Rename {
            component: &component.name,
            from,
            to: to.paths(),
        })
    })
}

/// Missing files that would change: only those are worth a search.
fn missing_files<'b>(
    base: &'b Tree,
    ours: &Disk,
    theirs: &Tree,
    moved: &Moved,
    renames: &[Rename<'_>],
) -> Vec<(&'b RelPath, &'b File)> {
    let is_missing = |(path, old): &(&RelPath, &File)| {
        let renamed = || Rename::target(path, old, theirs, renames);
        let target = match theirs.contains_key(*path) {
            true => Some((*path).clone()),
            false => renamed(),
        };
        let Some(target) = target else { return false };
        let new = &theirs[&target];
        let has_changed = new.text != old.text && new.class == Class::Shared;
        let place = plan::current_path(path, moved, theirs);
        has_changed && !ours.contains_key(place) && !ours.contains_key(&target)
    };
    base.iter().filter(is_missing).collect()
}

/// Finds each of these files by its text; if two candidates are equally similar, neither is chosen. Also returns a note on
/// directories that could not be searched.
fn find_moved(
    project: &Project,
    missing: Vec<(&RelPath, &File)>,
    base: &Tree,
    theirs: &Tree,
    moved: &Moved,
) -> (Vec<(RelPath, RelPath)>, Option<String>) {
    let mut found: Vec<(RelPath, RelPath)> = Vec::new();
    if missing.is_empty() {
        return (found, None);
    }
    let known = base.keys().chain(theirs.keys()).chain(moved.values());
    let known: BTreeSet<&RelPath> = known.collect();
    let kinds: BTreeSet<&str> = missing.iter().map(|(path, _)| path.kind()).collect();
    let is_wanted = |path: &RelPath| kinds.contains(path.kind()) && !known.contains(path);
    let (candidates, unread) = disk::texts(&project.root, is_wanted);
    for (path, old) in missing {
        let is_free = |place: &RelPath| found.iter().all(|(_, taken)| taken != place);
        let of_its_kind = candidates
            .iter()
            .filter(|(place, _)| place.kind() == path.kind() && is_free(place));
        let mut similar: Vec<_> = of_its_kind
            .filter(|(_, text)| merge::is_similar(&old.text, text))
            .map(|(place, text)| {
                let share = merge::similarity(&old.text, text);
                ((share, place.name() == path.name()), place)
            })
            .collect();
        similar.sort_by_key(|(likeness, _)| Reverse(*likeness));
        match &similar[..] {
            // With two equally similar candidates, it could be either.
            [(one, _), (other, _), ..] if one == other => {}
            [(_, place), ..] => found.push((path.clone(), (*place).clone())),
            [] => {}
        }
    }
    (found, unread)
}
