//! The only writer. A run that fails leaves the tree as it was; one that is killed leaves each file old or new, and the
//! same run again finishes the work.
//!
//! A directory that does not exist yet is written beside its place and moved there in one rename. In one that does, every
//! text is first written to `.prodify/staging`, where a full disk or a missing permission shows before anything is touched, and
//! then each is renamed into its place; what a rename replaces is kept until the last one is done.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the one module that writes"
)]

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::plan::{Action, Plan, Step};
use crate::provenance;
use crate::threads;
use crate::tree::{File, RelPath};

/// Where texts wait to be renamed into their places.
const STAGING: &str = ".prodify/staging";

/// Carries out a plan below `root`; what stands in `originals` is kept beside its replacement as `NAME.orig`.
///
/// # Errors
///
/// Says what was being done to which path. Everything is then as it was before.
pub fn apply(root: &Path, plan: &Plan, originals: &[RelPath]) -> Result<()> {
    let mut steps: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .collect();
    // A run that was killed must not look like one that was done, so the record of what was written comes last; and cargo must
    // be able to read the workspace for the next run, so a manifest comes after what it speaks of.
    steps.sort_by_cached_key(|step| {
        let is_manifest = step.path.name() == "Cargo.toml";
        let depth = step.path.as_str().matches('/').count();
        (
            provenance::is_record(&step.path),
            is_manifest,
            Reverse(depth),
        )
    });
    match fs::symlink_metadata(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_root(root, &steps),
        Err(error) => Err(error).with_context(|| format!("looking at {}", root.display())),
        Ok(_) => edit_root(root, &steps, originals),
    }
}

fn create_root(root: &Path, steps: &[&Step]) -> Result<()> {
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else {
        bail!("{} has no name", root.display());
    };
    let mut undo = Undo::default();
    let mut staging_name = OsString::from(".");
    staging_name.push(name);
    staging_name.push(".prodify-staging");
    let staging = parent.join(staging_name);
    let result = (|| {
        undo.create_dirs(parent)?;
        // Left by a run that was killed; nobody else gives a directory this name.
        remove_dir(&staging)?;
        undo.create_dirs(&staging)?;
        undo.trees.push(staging.clone());
        let paths = steps.iter().map(|step| step.path.in_root(&staging));
        let dirs: BTreeSet<_> = paths
            .filter_map(|path| Some(path.parent()?.to_owned()))
            .collect();
        for dir in dirs {
            fs::create_dir_all(&dir)
                .with_context(|| format!("creating the directory {}", dir.display()))?;
        }
        threads::try_map(steps, |step| {
            let Some(file) = &step.after else {
                return Ok(());
            };
            write(&step.path.in_root(&staging), file)
                .with_context(|| format!("writing {}", step.path.in_root(root).display()))
        })?;
        fs::rename(&staging, root).with_context(|| format!("creating {}", root.display()))
    })();
    if result.is_err() {
        undo.run();
    }
    result
}

fn edit_root(root: &Path, steps: &[&Step], originals: &[RelPath]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    let staging = RelPath::new(STAGING)?;
    stays_inside(root, &staging)?;
    for step in steps {
        stays_inside(root, &step.path)?;
    }
    let staging = staging.in_root(root);
    let mut undo = Undo::default();
    let result = (|| {
        remove_dir(&staging)?;
        undo.create_dirs(&staging)?;
        for (index, step) in steps.iter().enumerate() {
            if let Some(file) = &step.after {
                write(&staging.join(format!("{index}.new")), file)
                    .with_context(|| format!("writing {}", step.path.in_root(root).display()))?;
            }
        }
        for (index, step) in steps.iter().enumerate() {
            let kept = originals.contains(&step.path);
            put(root, &staging, index, step, kept, &mut undo).with_context(|| {
                format!("putting {} in its place", step.path.in_root(root).display())
            })?;
        }
        Ok(())
    })();
    if result.is_err() {
        undo.run();
    }
    // What is left of the staging directory is in nobody's way: the next run removes it.
    let _ = fs::remove_dir_all(&staging);
    let _ = fs::remove_dir(root.join(".prodify"));
    result
}

/// Renames one file into its place, after what is there was put aside.
fn put(
    root: &Path,
    staging: &Path,
    index: usize,
    step: &Step,
    keep_original: bool,
    undo: &mut Undo,
) -> Result<()> {
    let target = step.path.in_root(root);
    let new = staging.join(format!("{index}.new"));
    let old = staging.join(format!("{index}.old"));
    if step.action == Action::Create {
        undo.create_dirs(target.parent().unwrap_or(root))?;
        // A link fails where a rename would replace what came in between.
        fs::hard_link(&new, &target).or_else(|error| {
            if target.exists() {
                Err(error)
            } else {
                fs::rename(&new, &target)
            }
        })?;
        undo.created.push(target);
        return Ok(());
    }
    if keep_original {
        let original = free_name(&target);
        fs::copy(&target, &original)?;
        undo.created.push(original);
    }
    if step.action == Action::Delete {
        fs::rename(&target, &old)?;
    } else {
        fs::copy(&target, &old)?;
        fs::set_permissions(&new, fs::metadata(&target)?.permissions())?;
        // Of a file that is replaced, one of the two contents has to survive a power cut.
        fs::File::open(&new)?.sync_all()?;
        fs::rename(&new, &target)?;
    }
    undo.replaced.push((old, target));
    Ok(())
}

/// `NAME.orig`, or the first `NAME.orig.N` that is free.
fn free_name(path: &Path) -> PathBuf {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let numbered = (2..).map(|number| with(&format!(".orig.{number}")));
    std::iter::once(with(".orig"))
        .chain(numbered)
        .find(|name| fs::symlink_metadata(name).is_err())
        .unwrap_or_else(|| with(".orig"))
}

/// Whether every directory on the way to a path is a real one: a link could lead out of the project.
fn stays_inside(root: &Path, path: &RelPath) -> Result<()> {
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

fn write(path: &Path, file: &File) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if file.executable {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o777);
    }
    options.open(path)?.write_all(file.text.as_bytes())
}

fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error)
            .with_context(|| format!("removing {}, left by an earlier run", path.display())),
        _ => Ok(()),
    }
}

/// What has to be taken back if a later step fails.
#[derive(Default)]
struct Undo {
    dirs: Vec<PathBuf>,
    trees: Vec<PathBuf>,
    created: Vec<PathBuf>,
    replaced: Vec<(PathBuf, PathBuf)>,
}

impl Undo {
    /// Creates a directory and those above it, remembering which were not there.
    fn create_dirs(&mut self, path: &Path) -> Result<()> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        for dir in missing.into_iter().rev() {
            fs::create_dir(dir)
                .with_context(|| format!("creating the directory {}", dir.display()))?;
            self.dirs.push(dir.to_owned());
        }
        Ok(())
    }

    /// Takes back as much as the system lets it: the error that is reported is the one that made this necessary.
    fn run(self) {
        for (old, target) in self.replaced.into_iter().rev() {
            let _ = fs::rename(old, target);
        }
        for file in self.created {
            let _ = fs::remove_file(file);
        }
        for tree in self.trees {
            let _ = fs::remove_dir_all(tree);
        }
        for dir in self.dirs.into_iter().rev() {
            let _ = fs::remove_dir(dir);
        }
    }
}
