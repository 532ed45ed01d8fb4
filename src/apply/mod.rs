//! The only module that writes. A run that fails leaves the tree as it was; one that is killed leaves each file either old or
//! new, and repeating it finishes the work.
//!
//! A new directory is written next to its place and moved there in a single rename. In an existing one, all texts are first
//! written to `.prodify/staging`, so that a full disk or a missing permission shows before anything is changed, and then each is
//! renamed into place; replaced files are kept until the last rename is done.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one module that writes"
)]

mod disk;
mod lock;
mod undo;

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

pub use disk::Watch;
pub use lock::Lock;

use self::disk::Disk;
use self::undo::Undo;
use crate::plan::{Action, Plan, Step};
use crate::provenance::{self, STAGING};
use crate::threads;
use crate::tree::RelPath;

/// Carries out a plan in `root`, which the caller has locked if it exists already; a file in `originals` is kept beside its
/// replacement as `NAME.orig`.
///
/// # Errors
///
/// Names the operation that failed and its path. Everything is then as it was before.
pub fn apply(root: &Path, plan: &Plan, originals: &[RelPath]) -> Result<()> {
    apply_watched(root, plan, originals, &|_| Ok(()))
}

/// Like [`apply`], with a watch on each operation on the disk.
///
/// # Errors
///
/// As [`apply`].
pub fn apply_watched(
    root: &Path,
    plan: &Plan,
    originals: &[RelPath],
    watch: &Watch<'_>,
) -> Result<()> {
    let mut steps: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .collect();
    // A killed run must not look complete, so the record of what was written comes last; and cargo must be able to read the
    // workspace in the next run, so a manifest comes after the files that it names.
    steps.sort_by_cached_key(|step| {
        let is_manifest = step.path.name() == "Cargo.toml";
        let depth = step.path.as_str().matches('/').count();
        (
            provenance::is_record(&step.path),
            is_manifest,
            Reverse(depth),
        )
    });
    let disk = Disk { watch };
    match fs::symlink_metadata(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_root(root, &steps, disk),
        Err(error) => Err(error).with_context(|| format!("looking at {}", root.display())),
        Ok(_) => edit_root(root, &steps, originals, disk),
    }
}

fn create_root(root: &Path, steps: &[&Step], disk: Disk<'_>) -> Result<()> {
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else {
        bail!("{} has no name", root.display());
    };
    let mut undo = Undo::new(disk);
    let mut staging_name = OsString::from(".");
    staging_name.push(name);
    staging_name.push(".prodify-staging");
    let staging = parent.join(staging_name);
    let result = (|| {
        undo.create_dirs(parent)?;
        // Another run may be about to create the same project; one that creates another one next to it is soon done.
        let _lock = Lock::acquire_waiting(parent)?;
        // Left by a killed run; no other program uses this name.
        remove_leftover(&staging, disk)?;
        undo.create_dirs(&staging)?;
        undo.trees.push(staging.clone());
        let paths = steps.iter().map(|step| step.path.in_root(&staging));
        let dirs: BTreeSet<_> = paths
            .filter_map(|path| Some(path.parent()?.to_owned()))
            .collect();
        for dir in dirs {
            undo.create_dirs(&dir)?;
        }
        threads::try_map(steps, |step| {
            let Some(file) = &step.after else {
                return Ok(());
            };
            disk.write(&step.path.in_root(&staging), file)
                .with_context(|| format!("writing {}", step.path.in_root(root).display()))
        })?;
        disk.rename(&staging, root)
            .with_context(|| format!("creating {}", root.display()))
    })();
    if result.is_err() {
        undo.roll_back();
    }
    result
}

fn edit_root(root: &Path, steps: &[&Step], originals: &[RelPath], disk: Disk<'_>) -> Result<()> {
    let staging = RelPath::new(STAGING)?;
    // A run may have been killed with only this left to do.
    if steps.is_empty() && !staging.in_root(root).exists() {
        return Ok(());
    }
    check_inside(root, &staging)?;
    for step in steps {
        for path in [Some(&step.path), step.from.as_ref()].into_iter().flatten() {
            check_inside(root, path)?;
            check_replaceable(root, path)?;
        }
    }
    let mut edit = Edit {
        root,
        staging: staging.in_root(root),
        disk,
        undo: Undo::new(disk),
    };
    let result = edit.run(steps, originals);
    if result.is_err() {
        edit.undo.roll_back();
    }
    // What is left of the staging directory does no harm: the next run removes it.
    let _ = disk.remove_tree(&edit.staging);
    let _ = disk.remove_dir(&root.join(".prodify"));
    if result.is_ok() {
        remove_emptied(root, steps, disk);
    }
    result
}

/// The edit of an existing directory.
struct Edit<'a> {
    root: &'a Path,
    staging: PathBuf,
    disk: Disk<'a>,
    undo: Undo<'a>,
}

impl Edit<'_> {
    fn run(&mut self, steps: &[&Step], originals: &[RelPath]) -> Result<()> {
        remove_leftover(&self.staging, self.disk)?;
        self.undo.create_dirs(&self.staging)?;
        for (index, step) in steps.iter().enumerate() {
            if let Some(file) = &step.after {
                let path = self.staged(index, "new");
                self.disk.write(&path, file).with_context(|| {
                    format!("writing {}", step.path.in_root(self.root).display())
                })?;
            }
        }
        // The record comes last, and says where everything is: before it is written, moved files must be gone from their old
        // paths, and before that, everything must be in its new place.
        let is_record = |step: &&Step| provenance::is_record(&step.path);
        let records = steps.iter().position(is_record).unwrap_or(steps.len());
        let (files, records) = steps.split_at(records);
        self.put_all(0, files, originals)?;
        for (index, step) in files.iter().enumerate() {
            if let Some(from) = &step.from {
                self.remove_moved(index, from, originals.contains(&step.path))
                    .with_context(|| format!("moving {}", from.in_root(self.root).display()))?;
            }
        }
        self.put_all(files.len(), records, originals)
    }

    /// Puts files in place; the first has this index.
    fn put_all(&mut self, first: usize, steps: &[&Step], originals: &[RelPath]) -> Result<()> {
        for (index, step) in steps.iter().enumerate() {
            let is_kept = step.from.is_none() && originals.contains(&step.path);
            self.put_in_place(first + index, step, is_kept)
                .with_context(|| {
                    let path = step.path.in_root(self.root);
                    format!("moving {} into place", path.display())
                })?;
        }
        Ok(())
    }

    /// Removes a moved file from its old path.
    fn remove_moved(&mut self, index: usize, from: &RelPath, keeps_original: bool) -> Result<()> {
        let (target, old) = (from.in_root(self.root), self.staged(index, "from"));
        if keeps_original {
            self.keep_original(index, &target)?;
        }
        self.disk.rename(&target, &old)?;
        self.undo.replaced.push((old, target));
        Ok(())
    }

    fn staged(&self, index: usize, kind: &str) -> PathBuf {
        self.staging.join(format!("{index}.{kind}"))
    }

    /// Renames one file into place, after moving the present one away.
    fn put_in_place(&mut self, index: usize, step: &Step, keeps_original: bool) -> Result<()> {
        let (disk, target) = (self.disk, step.path.in_root(self.root));
        let (new, old) = (self.staged(index, "new"), self.staged(index, "old"));
        if step.action == Action::Create || step.from.is_some() {
            self.undo
                .create_dirs(target.parent().unwrap_or(self.root))?;
            disk.rename_no_replace(&new, &target)?;
            self.undo.created.push(target);
            return Ok(());
        }
        if keeps_original {
            self.keep_original(index, &target)?;
        }
        if step.action == Action::Delete {
            disk.rename(&target, &old)?;
        } else {
            disk.copy(&target, &old)?;
            let permissions = fs::metadata(&target)?.permissions();
            disk.set_permissions(&new, disk::with_executable(permissions, step.executable))?;
            // When a file is replaced, one of the two contents must survive a power cut.
            disk.sync(&new)?;
            disk.rename(&new, &target)?;
        }
        self.undo.replaced.push((old, target));
        Ok(())
    }

    /// Copies a file to its backup, which a killed run may have done already.
    fn keep_original(&mut self, index: usize, target: &Path) -> Result<()> {
        let text = fs::read(target)?;
        let Some(place) = backup_path(target, &text) else {
            return Ok(());
        };
        let copy = self.staged(index, "orig");
        self.disk.copy(target, &copy)?;
        self.disk.rename_no_replace(&copy, &place)?;
        self.undo.created.push(place);
        Ok(())
    }
}

/// `NAME.orig`, or the first free `NAME.orig.N`; none if one of them has this content already.
fn backup_path(path: &Path, text: &[u8]) -> Option<PathBuf> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let numbered = (2..).map(|number| with(&format!(".orig.{number}")));
    for place in std::iter::once(with(".orig")).chain(numbered) {
        match fs::symlink_metadata(&place) {
            Err(_) => return Some(place),
            Ok(found) if found.is_file() && fs::read(&place).is_ok_and(|it| it == text) => {
                return None;
            }
            Ok(_) => {}
        }
    }
    None
}

/// Removes directories in which only deleted files were; if that fails, they do no harm.
fn remove_emptied(root: &Path, steps: &[&Step], disk: Disk<'_>) {
    let deleted = steps.iter().filter(|step| step.action == Action::Delete);
    let deleted = deleted.map(|step| &step.path);
    for path in deleted.chain(steps.iter().filter_map(|step| step.from.as_ref())) {
        let place = path.in_root(root);
        let above = place.ancestors().skip(1);
        for directory in above.take_while(|directory| *directory != root) {
            if disk.remove_dir(directory).is_err() {
                break;
            }
        }
    }
}

/// Checks that every directory on a path is a real one: a link could lead out of the project.
fn check_inside(root: &Path, path: &RelPath) -> Result<()> {
    let mut place = root.to_owned();
    for part in path.as_str().split('/') {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("looking at {}", place.display()));
            }
            Ok(metadata) if metadata.is_symlink() => bail!(
                "{} is a symbolic link, which could lead out of the project: replace it with what it points to",
                place.display()
            ),
            Ok(metadata) if !metadata.is_dir() && place != path.in_root(root) => bail!(
                "{} is in the way: {path} needs a directory there",
                place.display()
            ),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// A read-only file is not replaced either, although a rename could.
fn check_replaceable(root: &Path, path: &RelPath) -> Result<()> {
    let place = path.in_root(root);
    match fs::symlink_metadata(&place) {
        Ok(found) if found.is_file() && found.permissions().readonly() => bail!(
            "{} is read-only: make it writable first, if it should be changed",
            place.display()
        ),
        _ => Ok(()),
    }
}

/// Removes the remains of a killed run.
fn remove_leftover(path: &Path, disk: Disk<'_>) -> Result<()> {
    disk.remove_tree(path)
        .with_context(|| format!("removing {}, left by an earlier run", path.display()))
}
