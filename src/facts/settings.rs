//! Ports in configuration files: TOML, YAML and `.env`, read line by line, which suffices to find a table and its key.
//!
//! The files, tables and keys are data, in `settings.toml` beside this file.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::evidence::{Certainty, Evidence, Found};
use super::toml::display_path;

/// The data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    files: Vec<String>,
    tables: Vec<String>,
    keys: Vec<String>,
    directories: Vec<String>,
    endings: Vec<String>,
    libraries: Vec<String>,
}

impl Settings {
    /// The embedded data.
    ///
    /// # Errors
    ///
    /// If it is malformed, which a test rules out.
    pub fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("settings.toml"))
            .context("reading the table of settings")
    }

    /// The port in the first of the files in these directories that has one.
    pub fn port(&self, directories: &[&Path], top: &Path) -> Option<Found<u16>> {
        directories.iter().find_map(|directory| {
            let files = self.files.iter().map(|name| directory.join(name));
            files.into_iter().find_map(|path| {
                // A file that is not text has no port that could be read.
                let text = fs::read_to_string(&path).ok()?;
                let (line, port) = self.port_in(&text)?;
                let says = text.lines().nth(line - 1).unwrap_or_default().trim();
                let evidence = Evidence::line(&display_path(&path, top), line, says);
                Some(Found::new(port, Certainty::Likely, vec![evidence]))
            })
        })
    }

    /// The configuration directory, if it exists and a dependency reads such a directory.
    pub fn directory(&self, package: &Path, takes: impl Fn(&str) -> bool) -> Option<Found<String>> {
        let reads = self.libraries.iter().find(|library| takes(library))?;
        let mut directories = self.directories.iter();
        let directory =
            directories.find(|directory| self.has_settings(&package.join(directory)))?;
        let evidence = Evidence::file(directory, format!("exists, and {reads} is a dependency"));
        Some(Found::new(
            directory.clone(),
            Certainty::Guess,
            vec![evidence],
        ))
    }

    /// Whether a directory exists and has a settings file.
    fn has_settings(&self, directory: &Path) -> bool {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths = entries.map(|entry| entry.path());
        paths.any(|path| {
            let ending = path.extension().and_then(|ending| ending.to_str());
            ending.is_some_and(|ending| self.endings.iter().any(|known| known == ending))
        })
    }

    /// The line and the port.
    fn port_in(&self, text: &str) -> Option<(usize, u16)> {
        let mut table = String::new();
        for (index, line) in text.lines().enumerate() {
            let word = line.trim();
            let indented = line.starts_with([' ', '\t']);
            if let Some(header) = word
                .strip_prefix('[')
                .and_then(|word| word.strip_suffix(']'))
            {
                table = header.to_owned();
            } else if let Some(header) = word.strip_suffix(':').filter(|_| !indented) {
                table = header.to_owned();
            }
            let Some((key, value)) = word.split_once([':', '=']) else {
                continue;
            };
            // In YAML, unindented keys are not in a table.
            let top = !indented && line.contains(':') && !line.contains('=');
            let within = if top { "" } else { &table };
            let key = key.trim().to_lowercase();
            let value = value.split('#').next().unwrap_or_default();
            let value = value.trim().trim_matches(['"', '\'']);
            if self.keys.contains(&key)
                && self.tables.iter().any(|known| known == within)
                // `0.0.0.0:80` as well as `80`
                && let Ok(port) = value.rsplit(':').next().unwrap_or(value).parse()
            {
                return Some((index + 1, port));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn directories_of_settings_files_are_configuration_directories() {
        let settings = Settings::embedded().unwrap();
        for file in &settings.files {
            if let Some((directory, _)) = file.split_once('/') {
                assert!(
                    settings.directories.iter().any(|it| it == directory),
                    "{file}"
                );
            }
        }
    }

    #[test]
    fn reads_ports_only_from_tables_about_listening() {
        let settings = Settings::embedded().unwrap();
        for (text, port) in [
            (
                "[database]\nport = 5432\n[server]\nport = 8081 # here\n",
                Some((4, 8081)),
            ),
            (
                "database:\n  port: 5432\nserver:\n  port: 5150\n",
                Some((4, 5150)),
            ),
            ("port: '80'\n", Some((1, 80))),
            ("PORT=3000\n", Some((1, 3000))),
            ("[default]\nport = 8000", Some((2, 8000))),
            ("[server]\naddress = '[::]:80'\n", Some((2, 80))),
            ("[server]\naddress = '0.0.0.0'\n", None),
            ("[database]\nport = 5432\n", None),
            ("transport = 1\nport = \"{{ get_env }}\"\n", None),
        ] {
            assert_eq!(settings.port_in(text), port, "{text}");
        }
    }
}
