//! Reads what is on disk where a project is to be written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, Path};

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

use super::walk::{self, Texts};
use crate::plan::{Disk, OnDisk};
use crate::provenance::STAGING;
use crate::tree::RelPath;

/// Reads what is at each of `paths` in `root`.
///
/// # Errors
///
/// If something exists but cannot be read.
pub fn read<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RelPath>) -> Result<Disk> {
    let mut disk = Disk::new();
    // A new project has no directory yet: a single check of that saves several for each of its hundreds of paths.
    if fs::symlink_metadata(root).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(disk);
    }
    for path in paths {
        let place = path.in_root(root);
        if is_behind_link(root, path) {
            disk.insert(
                path.clone(),
                OnDisk::Other("would be behind a symbolic link"),
            );
            continue;
        }
        let found = match fs::symlink_metadata(&place) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match differs_in_case(root, path) {
                    true => OnDisk::Other("exists in different case"),
                    false => continue,
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                OnDisk::Other("would be below a file")
            }
            Err(error) => {
                return Err(error).with_context(|| format!("looking at {}", place.display()));
            }
            Ok(metadata) if metadata.is_dir() => OnDisk::Other("is a directory"),
            Ok(metadata) if metadata.is_symlink() => OnDisk::Other("is a symbolic link"),
            Ok(metadata) if !metadata.is_file() => OnDisk::Other("is not a regular file"),
            Ok(metadata) => {
                let bytes =
                    fs::read(&place).with_context(|| format!("reading {}", place.display()))?;
                let executable = is_executable(&metadata);
                String::from_utf8(bytes).map_or(OnDisk::Other("is not UTF-8 text"), |text| {
                    OnDisk::Text { text, executable }
                })
            }
        };
        disk.insert(path.clone(), found);
    }
    Ok(disk)
}

/// Those of `paths` whose modules exist in other files, so that they cannot be written.
pub fn modules<'a>(root: &Path, paths: impl IntoIterator<Item = &'a RelPath>) -> Disk {
    let taken = |path: &RelPath| {
        let other = path.same_module()?;
        let why = match other.name() {
            "mod.rs" => "its module already exists, in a `mod.rs`",
            _ => "its module already exists, in a file beside this directory",
        };
        let exists = other.in_root(root).is_file();
        exists.then(|| (path.clone(), OnDisk::Other(why)))
    };
    paths.into_iter().filter_map(taken).collect()
}

/// Whether a file is executable, on systems that distinguish that.
fn is_executable(metadata: &fs::Metadata) -> Option<bool> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        Some(metadata.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        None
    }
}

/// Whether a killed run left its staging directory here.
pub fn was_interrupted(root: &Path) -> bool {
    root.join(STAGING).exists()
}

/// Whether a directory on a path is a link, which could lead out of the project.
fn is_behind_link(root: &Path, path: &RelPath) -> bool {
    let ends = path
        .as_str()
        .match_indices('/')
        .map(|(end, _)| &path.as_str()[..end]);
    let links = |directory: &str| {
        fs::symlink_metadata(root.join(directory)).is_ok_and(|found| found.is_symlink())
    };
    ends.into_iter().any(links)
}

/// Whether something on a path differs from it only in case: on many systems, the names would be the same.
fn differs_in_case(root: &Path, path: &RelPath) -> bool {
    let mut directory = root.to_owned();
    for part in path.as_str().split('/') {
        let place = directory.join(part);
        if place.symlink_metadata().is_err() {
            let lower = part.to_lowercase();
            let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
            let mut names = entries.map(|entry| entry.file_name());
            return names.any(|name| name.to_string_lossy().to_lowercase() == lower);
        }
        directory = place;
    }
    false
}

/// The texts in `root` at the wanted paths, without the output of builds and package managers; and a note on what could not be
/// searched.
pub fn texts(
    root: &Path,
    is_wanted: impl Fn(&RelPath) -> bool,
) -> (BTreeMap<RelPath, String>, Option<String>) {
    let below = |path: &Path| {
        let below = path.strip_prefix(root).ok()?.to_string_lossy();
        RelPath::new(below.replace(MAIN_SEPARATOR, "/")).ok()
    };
    let mut found = Texts::default();
    found.read(root, |path| {
        below(path).is_some_and(|path| is_wanted(&path))
    });
    let note = found.note(root);
    let texts = found.texts.into_iter();
    let texts = texts.filter_map(|(path, text)| Some((below(&path)?, text)));
    (texts.collect(), note)
}

/// What is in `root` but not among `paths`: files, and directories without any of them. Git's own directory does not count, nor
/// do the remains of a killed run.
///
/// # Errors
///
/// If a directory cannot be listed.
pub fn unrelated_files<'a>(
    root: &Path,
    paths: impl IntoIterator<Item = &'a RelPath>,
) -> Result<Vec<RelPath>> {
    let mut known = BTreeSet::new();
    let mut directories = BTreeSet::from([".prodify".to_owned()]);
    for path in paths {
        known.insert(path.as_str());
        directories.extend(
            path.as_str()
                .match_indices('/')
                .map(|(at, _)| path.as_str()[..at].to_owned()),
        );
    }
    let mut unrelated = Vec::new();
    let mut entries = WalkDir::new(root)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter();
    while let Some(entry) = entries.next() {
        let entry = entry.or_else(|error| walk::walk_error(error, root))?;
        let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let name = path.to_string_lossy().replace(MAIN_SEPARATOR, "/");
        if entry.file_type().is_dir() && directories.contains(&name) {
            continue;
        }
        if entry.file_type().is_dir() {
            entries.skip_current_dir();
        }
        if known.contains(name.as_str()) || matches!(name.as_str(), ".git" | STAGING) {
            continue;
        }
        // For display only: names that a project's path cannot contain are shown with underscores.
        let shown = name.replace(|c: char| c.is_control() || matches!(c, '\\' | ':'), "_");
        unrelated.extend(RelPath::new(shown));
    }
    Ok(unrelated)
}
