//! A fact: a value, its certainty, and the evidence for it.

use std::fmt;

use serde::Serialize;

/// A fact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// How certain it is.
    pub certainty: Certainty,
    /// The evidence, the best first.
    pub evidence: Vec<Evidence>,
}

/// How certain a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// A rule of thumb.
    Guess,
    /// The sources say so in the usual form, but could override it elsewhere.
    Likely,
    /// From cargo, a manifest, the lock file or the file system.
    Certain,
}

/// A piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The place.
    #[serde(flatten)]
    pub place: Place,
    /// What it says.
    pub says: String,
}

/// The place of a piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In a file.
    File {
        /// Its path relative to the workspace root, with `/`; absolute if it is outside.
        file: String,
        /// The line, counted from one.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
    /// A field in the output of `cargo metadata`.
    Metadata {
        /// The field.
        metadata: String,
    },
    /// The output of a command.
    Command {
        /// The command.
        command: String,
    },
    /// On the command line.
    Argument {
        /// The flag and its value.
        argument: String,
    },
}

impl<T> Found<T> {
    /// A fact from a manifest, cargo or the file system.
    pub fn certain(value: T, evidence: Evidence) -> Self {
        Self::new(value, Certainty::Certain, vec![evidence])
    }

    /// A fact from the sources.
    pub fn likely(value: T, evidence: Evidence) -> Self {
        Self::new(value, Certainty::Likely, vec![evidence])
    }

    /// A fact with all of its evidence.
    pub fn new(value: T, certainty: Certainty, evidence: Vec<Evidence>) -> Self {
        Self {
            value,
            certainty,
            evidence,
        }
    }

    /// The same fact with a converted value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Found<U> {
        Found::new(map(self.value), self.certainty, self.evidence)
    }
}

impl Evidence {
    /// A line of a file.
    pub fn line(file: &str, line: usize, says: impl Into<String>) -> Self {
        Self::at(file, Some(line), says)
    }

    /// A file as a whole.
    pub fn file(file: &str, says: impl Into<String>) -> Self {
        Self::at(file, None, says)
    }

    /// A field in the output of `cargo metadata`.
    pub fn metadata(field: impl Into<String>, says: impl Into<String>) -> Self {
        let place = Place::Metadata {
            metadata: field.into(),
        };
        Self {
            place,
            says: says.into(),
        }
    }

    /// The line of Rust code: `src/main.rs:12`.
    pub fn source_line(&self) -> Option<String> {
        match &self.place {
            Place::File {
                file,
                line: Some(line),
            } if file.ends_with(".rs") => Some(format!("{file}:{line}")),
            _ => None,
        }
    }

    /// The output of a command.
    pub fn command(command: &str, says: impl Into<String>) -> Self {
        let place = Place::Command {
            command: command.to_owned(),
        };
        Self {
            place,
            says: says.into(),
        }
    }

    /// The path of the file, if the place is one.
    pub fn in_file(&self) -> Option<&str> {
        match &self.place {
            Place::File { file, .. } => Some(file),
            _ => None,
        }
    }

    /// A flag on the command line.
    pub fn argument(argument: String) -> Self {
        let place = Place::Argument { argument };
        Self {
            place,
            says: "specified".to_owned(),
        }
    }

    /// A file, or a line of it if known.
    pub fn at(file: &str, line: Option<usize>, says: impl Into<String>) -> Self {
        let place = Place::File {
            file: file.to_owned(),
            line,
        };
        Self {
            place,
            says: says.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File {
                file,
                line: Some(line),
            } => write!(f, "{file}:{line}"),
            Self::File { file, line: None } => f.write_str(file),
            Self::Command { command: words } | Self::Argument { argument: words } => {
                f.write_str(words)
            }
            Self::Metadata { metadata } => write!(f, "cargo metadata, {metadata}"),
        }
    }
}

/// A source line, shortened for display.
pub fn shortened(line: &str) -> String {
    const MAX_LENGTH: usize = 80;
    if line.chars().count() <= MAX_LENGTH {
        return line.to_owned();
    }
    let kept: String = line.chars().take(MAX_LENGTH - 1).collect();
    format!("{}…", kept.trim_end())
}
