//! TOML files as evidence: each entry with its line.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use toml_edit::{Document, Item, TableLike};

use super::evidence::{Evidence, shortened};

/// A TOML file.
#[derive(Debug)]
pub struct TomlFile {
    /// Its path on disk.
    pub path: PathBuf,
    /// Its path as shown in evidence.
    pub display_path: String,
    document: Document<String>,
}

impl TomlFile {
    /// Reads a file; none if it does not exist.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not TOML.
    pub fn read(path: &Path, top: &Path) -> Result<Option<Self>> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        // A byte order mark is not part of the text, and not valid TOML.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        let document =
            Document::parse(text).with_context(|| format!("reading {}", path.display()))?;
        Ok(Some(Self {
            path: path.to_owned(),
            display_path: display_path(path, top),
            document,
        }))
    }

    /// The entry at a path of keys.
    pub fn get(&self, path: &[&str]) -> Option<&Item> {
        path.iter()
            .try_fold(self.document.as_item(), |item, key| item.get(key))
    }

    /// The table at a path of keys.
    pub fn table(&self, path: &[&str]) -> Option<&dyn TableLike> {
        self.get(path)?.as_table_like()
    }

    /// The text at a path of keys.
    pub fn str(&self, path: &[&str]) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// The line of the entry at a path of keys, as evidence.
    pub fn evidence(&self, path: &[&str]) -> Option<Evidence> {
        let (last, above) = path.split_last()?;
        let key = self.table(above)?.key(last)?;
        // An implicit table, such as `a` in `[a.b]`, has no position of its own.
        let start = key.span()?.start;
        let line = self.document.raw()[..start].matches('\n').count() + 1;
        let words = self.document.raw().lines().nth(line - 1)?.trim();
        Some(Evidence::line(&self.display_path, line, shortened(words)))
    }

    /// Like [`TomlFile::evidence`], or else the file.
    pub fn evidence_or_file(&self, path: &[&str]) -> Evidence {
        self.evidence(path)
            .unwrap_or_else(|| Evidence::file(&self.display_path, path.join(".")))
    }

    /// The line of an item.
    pub fn line_of(&self, item: &Item) -> Option<usize> {
        let start = item.span()?.start;
        Some(self.document.raw()[..start].matches('\n').count() + 1)
    }
}

/// The texts of a list, or a single text instead of one.
pub fn texts(item: Option<&Item>) -> Vec<String> {
    match item.map(|item| (item.as_str(), item.as_array())) {
        Some((Some(text), _)) => vec![text.to_owned()],
        Some((_, Some(array))) => array
            .iter()
            .filter_map(|value| value.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

/// A path as shown in evidence: relative to the workspace root with `/`, or absolute.
pub fn display_path(path: &Path, top: &Path) -> String {
    let display_path = path.strip_prefix(top).unwrap_or(path).to_string_lossy();
    if display_path.is_empty() {
        ".".to_owned()
    } else {
        display_path.replace(std::path::MAIN_SEPARATOR, "/")
    }
}
