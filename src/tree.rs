//! Paths inside a project, and the files at them.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A path below a project's root, with `/` between its parts: never absolute, and never leading up.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct RelPath(String);

impl RelPath {
    /// Takes a path from a template directory or a base file.
    ///
    /// # Errors
    ///
    /// [`InvalidPath`] if the path is empty, absolute, goes up with `..`, has an empty part or a `.`, or contains a backslash, a
    /// colon or a control character, which are special on some systems.
    pub fn new(path: impl Into<String>) -> Result<Self, InvalidPath> {
        let path = path.into();
        let bad_char = |c: char| c.is_control() || matches!(c, '\\' | ':');
        let bad_part = |part: &str| matches!(part, "" | "." | "..");
        if path.chars().any(bad_char) || path.split('/').any(bad_part) {
            return Err(InvalidPath(path));
        }
        Ok(Self(path))
    }

    /// The same path below `directory`, itself below the root; an empty `directory` is the root.
    pub fn below(&self, directory: &str) -> Result<Self, InvalidPath> {
        match directory {
            "" => Ok(self.clone()),
            directory => Self::new(format!("{directory}/{self}")),
        }
    }

    /// The path on disk.
    pub fn in_root(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }

    /// The path as text, with `/` on every system.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind of file, by its extension: `toml`; the whole name if there is no extension.
    pub fn kind(&self) -> &str {
        self.name().rsplit('.').next().unwrap_or(&self.0)
    }

    /// The other path that Rust would use for the same module: `src/x/mod.rs` for `src/x.rs`, and vice versa. Having both is an
    /// error.
    pub fn same_module(&self) -> Option<Self> {
        if let Some(directory) = self.0.strip_suffix("/mod.rs") {
            return Some(Self(format!("{directory}.rs")));
        }
        let module = self.0.strip_suffix(".rs")?;
        let mut parts = module.rsplit('/');
        // A crate's root is not a module's file, and files beside it are not its submodules.
        let is_root = matches!(parts.next(), Some("main" | "lib" | "build"))
            || matches!(parts.next(), Some("bin" | "tests" | "examples" | "benches"));
        (!is_root).then(|| Self(format!("{module}/mod.rs")))
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A path that could leave the project.
#[derive(Debug)]
pub struct InvalidPath(String);

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a path inside the project",
            self.0.escape_debug()
        )
    }
}

impl std::error::Error for InvalidPath {}

/// Who owns a file after it has been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The user edits it, and updates are merged into it.
    #[default]
    Shared,
    /// The user's after the first write.
    Once,
    /// Always overwritten.
    Tool,
}

/// A file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// The text.
    pub text: String,
    /// Whether it is executable.
    pub executable: bool,
    /// Who owns it.
    pub class: Class,
    /// The component that it comes from.
    pub component: String,
}

impl File {
    /// Entries of a manifest, which belong to no single component.
    pub fn of_project(text: String) -> Self {
        let component = "project".to_owned();
        Self {
            text,
            executable: false,
            class: Class::Shared,
            component,
        }
    }

    /// A file that belongs to no component, such as the record of what was written.
    pub fn of_prodify(text: String, class: Class) -> Self {
        let component = "prodify".to_owned();
        Self {
            text,
            executable: false,
            class,
            component,
        }
    }
}

/// Files by path, in the order of their paths.
pub type Tree = BTreeMap<RelPath, File>;

#[cfg(test)]
mod tests {
    use super::RelPath;

    #[test]
    fn paths_cannot_leave_the_project() {
        for good in ["a", "a/b.c", ".github/workflows/ci.yml", "a..b", "…"] {
            assert!(RelPath::new(good).is_ok(), "{good}");
        }
        for bad in [
            "", "/a", "a//b", "a/", "..", "../a", "a/../b", "./a", "a\\b", "c:a", "a\nb", "\u{7f}",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn same_module_gives_the_other_path() {
        let other = |path: &str| {
            let other = RelPath::new(path).unwrap().same_module();
            other.map(|path| path.to_string())
        };
        assert_eq!(other("src/x.rs").as_deref(), Some("src/x/mod.rs"));
        assert_eq!(other("a/src/x/mod.rs").as_deref(), Some("a/src/x.rs"));
        for none in ["src/main.rs", "src/bin/x.rs", "tests/x.rs", "x.toml"] {
            assert_eq!(other(none), None, "{none}");
        }
    }
}
