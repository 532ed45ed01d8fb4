//! A fact: a value, how sure it is, and where it is known from.

use std::fmt;

use serde::Serialize;

/// What was found out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found<T> {
    /// What it is.
    pub value: T,
    /// How sure that is.
    pub certainty: Certainty,
    /// What it is known from, the best first.
    pub evidence: Vec<Evidence>,
}

/// How sure a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Certainty {
    /// A rule of thumb.
    Guess,
    /// The sources say so in the usual form, which something else in them may still overrule.
    Likely,
    /// Cargo, a manifest, the lock file or the file system says so.
    Certain,
}

/// What says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// Where.
    #[serde(flatten)]
    pub place: Place,
    /// In which words.
    pub says: String,
}

/// Where something is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// In a file.
    File {
        /// Its path below the top of the workspace, with `/`; absolute where it lies outside.
        file: String,
        /// The line, counted from one.
        #[serde(skip_serializing_if = "Option::is_none")]
        line: Option<usize>,
    },
    /// In a field of what `cargo metadata` prints.
    Metadata {
        /// The field.
        metadata: String,
    },
    /// In what a command answers.
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
    /// What a manifest, cargo or the file system says.
    pub fn certain(value: T, evidence: Evidence) -> Self {
        Self::new(value, Certainty::Certain, vec![evidence])
    }

    /// What the sources show.
    pub fn likely(value: T, evidence: Evidence) -> Self {
        Self::new(value, Certainty::Likely, vec![evidence])
    }

    /// What is known from all of this.
    pub fn new(value: T, certainty: Certainty, evidence: Vec<Evidence>) -> Self {
        Self {
            value,
            certainty,
            evidence,
        }
    }

    /// The same of another value.
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

    /// A field of what `cargo metadata` prints.
    pub fn metadata(field: impl Into<String>, says: impl Into<String>) -> Self {
        let place = Place::Metadata {
            metadata: field.into(),
        };
        Self {
            place,
            says: says.into(),
        }
    }

    /// The line of Rust that says so: `src/main.rs:12`.
    pub fn source_line(&self) -> Option<String> {
        match &self.place {
            Place::File {
                file,
                line: Some(line),
            } if file.ends_with(".rs") => Some(format!("{file}:{line}")),
            _ => None,
        }
    }

    /// What a command answers.
    pub fn command(command: &str, says: impl Into<String>) -> Self {
        let place = Place::Command {
            command: command.to_owned(),
        };
        Self {
            place,
            says: says.into(),
        }
    }

    /// The path of the file that says so, where one does.
    pub fn in_file(&self) -> Option<&str> {
        match &self.place {
            Place::File { file, .. } => Some(file),
            _ => None,
        }
    }

    /// A flag of the command line.
    pub fn argument(argument: String) -> Self {
        let place = Place::Argument { argument };
        Self {
            place,
            says: "asked for".to_owned(),
        }
    }

    /// A file, or a line of it where that is known.
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

/// A line as evidence shows it: a long one is cut.
pub fn shortened(line: &str) -> String {
    const LONGEST: usize = 80;
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let kept: String = line.chars().take(LONGEST - 1).collect();
    format!("{}…", kept.trim_end())
}
