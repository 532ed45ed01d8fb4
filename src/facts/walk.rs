//! Walks through a directory's files, except for generated ones.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, Result};
use walkdir::{DirEntry, WalkDir};

use super::toml::display_path;
use crate::error::list_names;

/// Texts in directories, by path, and what could not be read.
#[derive(Debug, Default)]
pub struct Texts {
    /// The files that were wanted and are UTF-8.
    pub texts: BTreeMap<PathBuf, String>,
    /// Directories that could not be listed, and wanted files that could not be read: often those of a database.
    pub unread: BTreeSet<PathBuf>,
}

impl Texts {
    /// Reads the wanted files in a directory, in addition to those that were read before. Links are not followed, and the output
    /// of builds, package managers and git is left out.
    pub fn read(&mut self, directory: &Path, is_wanted: impl Fn(&Path) -> bool) {
        let entries = WalkDir::new(directory).sort_by_file_name().into_iter();
        for entry in entries.filter_entry(|entry| !is_generated(entry)) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.unread.extend(error.path().map(Path::to_owned));
                    continue;
                }
            };
            let path = entry.path();
            if !entry.file_type().is_file() || self.texts.contains_key(path) || !is_wanted(path) {
                continue;
            }
            match fs::read(path).map(String::from_utf8) {
                Ok(text) => self
                    .texts
                    .extend(text.ok().map(|text| (path.to_owned(), text))),
                Err(_) => drop(self.unread.insert(path.to_owned())),
            }
        }
    }

    /// A note on what could not be read, with paths relative to `root`.
    pub fn note(&self, root: &Path) -> Option<String> {
        let names: Vec<String> = self
            .unread
            .iter()
            .map(|path| display_path(path, root))
            .collect();
        let names = names.iter().map(String::as_str);
        (names.len() > 0).then(|| {
            format!(
                "not searched, since it cannot be read: {}",
                list_names(names)
            )
        })
    }
}

/// The error that stops a walk in `root`, without repetition.
///
/// # Errors
///
/// Always.
pub fn walk_error<T>(error: walkdir::Error, root: &Path) -> Result<T> {
    let place = error.path().unwrap_or(root).display().to_string();
    // A walk that follows no links only fails because of the system, whose message it repeats.
    let why = error.io_error().and_then(io::Error::raw_os_error);
    let why = why.map_or_else(|| io::Error::other(error), io::Error::from_raw_os_error);
    Err(why).with_context(|| format!("listing {place}"))
}

/// Whether a directory below the first contains generated files.
fn is_generated(entry: &DirEntry) -> bool {
    if !entry.file_type().is_dir() || entry.depth() == 0 {
        return false;
    }
    let name = entry.file_name().to_string_lossy();
    matches!(&*name, ".git" | ".prodify" | "node_modules" | "target")
        || entry.path().join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::disallowed_methods,
        reason = "the tests make what they walk through"
    )]

    use std::fs;
    use std::path::Path;

    use super::Texts;

    fn write(root: &Path, path: &str, text: &str) {
        let place = root.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    #[test]
    fn skips_generated_directories_and_binary_files() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "src/a.rs",
            "src/a.txt",
            "target/b.rs",
            "web/node_modules/c.rs",
            ".git/d.rs",
            "cache/CACHEDIR.TAG",
            "cache/e.rs",
        ] {
            write(dir.path(), path, "text");
        }
        fs::write(dir.path().join("src/f.rs"), b"\xff").unwrap();
        let mut found = Texts::default();
        found.read(dir.path(), |path| {
            path.extension().is_some_and(|it| it == "rs")
        });
        let paths: Vec<_> = found.texts.keys().collect();
        assert_eq!(paths, [&dir.path().join("src/a.rs")]);
        assert_eq!(found.note(dir.path()), None);
    }

    /// For root, no file is unreadable; but a path can be too long to open for any user.
    #[test]
    #[cfg(target_os = "linux")]
    fn notes_unreadable_paths_and_reads_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "src/a.rs", "text");
        let half = vec!["d".repeat(200); 12].join("/");
        for place in ["data", "more"] {
            fs::create_dir_all(dir.path().join(place).join(&half)).unwrap();
        }
        let deepest = dir.path().join("data").join(&half).join("more");
        fs::rename(dir.path().join("more"), deepest).unwrap();
        let mut found = Texts::default();
        found.read(dir.path(), |_| true);
        assert_eq!(found.texts.len(), 1);
        assert_eq!(found.unread.len(), 1);
        let note = found.note(dir.path()).unwrap();
        assert!(
            note.starts_with("not searched, since it cannot be read: `data/"),
            "{note}"
        );
    }
}
