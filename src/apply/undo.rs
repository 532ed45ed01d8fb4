//! The operations to undo if a later one fails.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::disk::Disk;

/// The operations so far.
pub(super) struct Undo<'w> {
    disk: Disk<'w>,
    dirs: Vec<PathBuf>,
    pub(super) trees: Vec<PathBuf>,
    pub(super) created: Vec<PathBuf>,
    /// The places where replaced files are kept, with their original places.
    pub(super) replaced: Vec<(PathBuf, PathBuf)>,
}

impl<'w> Undo<'w> {
    pub(super) fn new(disk: Disk<'w>) -> Self {
        Self {
            disk,
            dirs: Vec::new(),
            trees: Vec::new(),
            created: Vec::new(),
            replaced: Vec::new(),
        }
    }

    /// Creates a directory and its parents, remembering which ones are new.
    pub(super) fn create_dirs(&mut self, path: &Path) -> Result<()> {
        let missing: Vec<&Path> = path
            .ancestors()
            .take_while(|dir| !dir.as_os_str().is_empty() && !dir.exists())
            .collect();
        for dir in missing.into_iter().rev() {
            self.disk
                .create_dir(dir)
                .with_context(|| format!("creating the directory {}", dir.display()))?;
            self.dirs.push(dir.to_owned());
        }
        Ok(())
    }

    /// Undoes as much as the system allows: the error to report is the one that made this necessary.
    pub(super) fn roll_back(self) {
        for (old, target) in self.replaced.into_iter().rev() {
            let _ = self.disk.rename(&old, &target);
        }
        for file in self.created {
            let _ = self.disk.remove_file(&file);
        }
        for tree in self.trees {
            let _ = self.disk.remove_tree(&tree);
        }
        for dir in self.dirs.into_iter().rev() {
            let _ = self.disk.remove_dir(&dir);
        }
    }
}
