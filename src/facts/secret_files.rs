//! Files of secrets, recognized by name: they are excluded from the build context, and therefore from images.
//!
//! The names are data, in `secret_files.toml` beside this file.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use super::toml::display_path;

/// The names of files of secrets.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SecretFiles {
    /// Those in any directory.
    pub anywhere: Names,
    /// Those in the workspace root.
    pub top: Names,
}

/// Names of files.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Full names.
    pub names: Vec<String>,
    /// Prefixes.
    pub beginnings: Vec<String>,
    /// Suffixes.
    pub endings: Vec<String>,
}

impl SecretFiles {
    /// The embedded names.
    ///
    /// # Errors
    ///
    /// If the data is malformed, which a test rules out.
    pub fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("secret_files.toml"))
            .context("reading the table of files that hold secrets")
    }

    /// Whether the file at a path relative to the workspace is one of them.
    pub fn contains(&self, place: &str) -> bool {
        let (directory, name) = place.rsplit_once('/').unwrap_or(("", place));
        self.anywhere.contains(name) || directory.is_empty() && self.top.contains(name)
    }

    /// Whether there is nothing else at a path relative to the workspace, so that nothing could be copied into an image.
    pub fn covers(&self, place: &str, top: &Path) -> bool {
        let below = WalkDir::new(top.join(place)).into_iter().flatten();
        let mut files = below.filter(|entry| !entry.file_type().is_dir());
        files.all(|file| self.contains(&display_path(file.path(), top)))
    }
}

impl Names {
    fn contains(&self, name: &str) -> bool {
        let begins = |beginning: &String| name.starts_with(beginning);
        let ends = |ending: &String| name.ends_with(ending);
        self.names.iter().any(|known| known == name)
            || self.beginnings.iter().any(begins)
            || self.endings.iter().any(ends)
    }
}

#[cfg(test)]
mod tests {
    use super::SecretFiles;

    #[test]
    fn recognizes_secret_files_by_name() {
        let secrets = SecretFiles::embedded().unwrap();
        for place in [
            ".env",
            "api/.env.local",
            "certs/server.key",
            "ca.pem",
            "production.env",
            "a/b/id_rsa",
        ] {
            assert!(secrets.contains(place), "{place}");
        }
        for place in [
            "static",
            "config/default.toml",
            "key",
            "a/production.env",
            "a/identity.txt",
        ] {
            assert!(!secrets.contains(place), "{place}");
        }
    }
}
