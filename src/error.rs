//! How a run ends, and the errors that decide it.

use std::fmt;
use std::process::ExitCode;

/// How a run ended; each has its own exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or nothing to do.
    Done,
    /// `check` found a difference.
    Different,
    /// The command line, or an answer, is not valid.
    Usage,
    /// Conflicts are left for the user to resolve.
    Conflict,
    /// Something failed; the tree is unchanged.
    Failed,
    /// Ctrl-C at a question.
    Interrupted,
}

impl Outcome {
    /// The outcome that an error leads to.
    pub fn from_error(error: &anyhow::Error) -> Self {
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
            Self::Different => 1,
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

/// A mistake in what the caller passed: the message says what is wrong, and what to pass instead.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    /// An error with this message: lower case, no full stop.
    pub fn new(message: impl Into<String>) -> Self {
        // A message may end with another one of several lines.
        Self(message.into().trim_end().to_owned())
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Ctrl-C, or a "no" when asked to confirm.
#[derive(Debug)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted; nothing was written")
    }
}

impl std::error::Error for Interrupted {}

/// The number of names to list before the rest is only counted.
const MAX_LISTED: usize = 6;

/// Names, as listed in a message; the first few, if there are many.
pub fn list_names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    let (first, more) = names.split_at(names.len().min(MAX_LISTED));
    let first = first.join(", ");
    match more.len() {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// `; did you mean …?` for the candidate nearest to `word`, or nothing if none is near.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    // clap uses the same threshold for its suggestions.
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| format!("; did you mean `{candidate}`?"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::list_names;

    #[test]
    fn long_lists_of_names_are_shortened() {
        let names: Vec<String> = (1..=200).map(|number| format!("m{number}")).collect();
        let first = |count: usize| list_names(names.iter().take(count).map(String::as_str));
        assert_eq!(first(2), "`m1`, `m2`");
        assert_eq!(first(6), "`m1`, `m2`, `m3`, `m4`, `m5`, `m6`");
        assert_eq!(
            first(200),
            "`m1`, `m2`, `m3`, `m4`, `m5`, `m6` and 194 more"
        );
    }
}
