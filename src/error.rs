//! How a run ends, and the errors that decide it.

use std::fmt;
use std::process::ExitCode;

/// How a run ended; each has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or nothing to do.
    Done,
    /// The command line, or an answer, cannot be taken.
    Usage,
    /// Files are in the way; nothing was written.
    Conflict,
    /// Something failed; the tree is as it was.
    Failed,
    /// Ctrl-C at a question.
    Interrupted,
}

impl Outcome {
    /// The outcome that an error stands for.
    pub fn of(error: &anyhow::Error) -> Self {
        if error.is::<Usage>() {
            Self::Usage
        } else if error.is::<Interrupted>() {
            Self::Interrupted
        } else {
            Self::Failed
        }
    }

    /// The exit code, as a shell sees it.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 2,
            Self::Conflict => 3,
            Self::Failed => 101,
            // 128 + SIGINT, as a shell reports a program that Ctrl-C ended.
            Self::Interrupted => 130,
        }
    }
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome.code())
    }
}

/// What the caller said cannot be taken: the message says what, and what to say instead.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    /// An error with this message: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Ctrl-C, or a "no" to the confirmation's question whether to go on.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; nothing was written")
    }
}

impl std::error::Error for Interrupted {}

/// `; did you mean …?` for the candidate nearest to `word`, or nothing where none is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    // The threshold is the one that clap uses for its own suggestions.
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}
