//! Searches the sources of a crate for words.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::Metadata;

use super::package::is_library;
use super::walk::Texts;

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

/// The Rust files in the directories of the main files of a workspace's libraries and binaries, and below. Other files in a
/// package do not run in production, and may be anything: a database's data directory, or a web frontend with all its
/// dependencies.
pub fn read_sources(metadata: &Metadata) -> Texts {
    let packages = metadata.workspace_packages();
    let targets = packages.iter().flat_map(|package| &package.targets);
    let built = targets.filter(|target| target.is_bin() || is_library(target));
    let directories: BTreeSet<&Path> = built
        .filter_map(|target| target.src_path.as_std_path().parent())
        .collect();
    let is_rust = |path: &Path| path.extension().is_some_and(|extension| extension == "rs");
    let mut sources = Texts::default();
    for directory in directories {
        sources.read(directory, is_rust);
    }
    sources
}

/// The first occurrences of the words in each file, except in comment lines.
pub fn find(sources: &Texts, words: &[String]) -> Vec<Mention> {
    let texts = sources.texts.iter();
    let mentions = texts.filter_map(|(path, text)| {
        first_mention(text, words).map(|(line, word)| Mention {
            path: path.clone(),
            line,
            word,
        })
    });
    mentions.collect()
}

fn first_mention(text: &str, words: &[String]) -> Option<(usize, String)> {
    let lines = text.lines().enumerate();
    let mut code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.find_map(|(index, line)| {
        let word = words.iter().find(|word| line.contains(word.as_str()))?;
        Some((index + 1, word.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::first_mention;

    #[test]
    fn finds_words_in_code_but_not_in_comments() {
        let words = ["catch_unwind".to_owned()];
        let code = "// catch_unwind\nfn f() {\n    std::panic::catch_unwind(g);\n}\n";
        assert_eq!(first_mention(code, &words), Some((3, words[0].clone())));
        assert_eq!(
            first_mention("/// See `catch_unwind`.\nfn f() {}\n", &words),
            None
        );
    }
}
