//! What the sources of a crate say.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use walkdir::WalkDir;

/// A word in a source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The file.
    pub path: PathBuf,
    /// The number of the line, from 1.
    pub line: usize,
    /// The word.
    pub word: String,
}

/// Where the words stand first in each of the Rust files below `directory`, but not in lines that are comments.
///
/// What a build writes is left out, and so are hidden directories and whatever is no UTF-8.
///
/// # Errors
///
/// Where a directory or a file cannot be read.
pub fn mentions(directory: &Path, words: &[String]) -> Result<Vec<Mention>> {
    let entries = WalkDir::new(directory).sort_by_file_name().into_iter();
    let entries = entries.filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(name.starts_with('.') || name == "target")
    });
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("listing {}", directory.display()))?;
        let path = entry.path();
        let is_rust = path.extension().is_some_and(|extension| extension == "rs");
        if !is_rust || !entry.file_type().is_file() {
            continue;
        }
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let text = String::from_utf8(bytes).unwrap_or_default();
        found.extend(first(&text, words).map(|(line, word)| Mention {
            path: path.to_owned(),
            line,
            word,
        }));
    }
    Ok(found)
}

fn first(text: &str, words: &[String]) -> Option<(usize, String)> {
    let lines = text.lines().enumerate();
    let mut code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.find_map(|(index, line)| {
        let word = words.iter().find(|word| line.contains(word.as_str()))?;
        Some((index + 1, word.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn a_word_is_found_in_code_and_not_in_comments() {
        let words = ["catch_unwind".to_owned()];
        let code = "// catch_unwind\nfn f() {\n    std::panic::catch_unwind(g);\n}\n";
        assert_eq!(first(code, &words), Some((3, words[0].clone())));
        assert_eq!(first("/// See `catch_unwind`.\nfn f() {}\n", &words), None);
    }
}
