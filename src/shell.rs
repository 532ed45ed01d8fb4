//! All output goes through here: messages for people to standard error, results for programs to standard output.

use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

/// How much is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Only errors.
    Quiet,
    /// What was done.
    #[default]
    Normal,
    /// Also why.
    Verbose,
}

/// Prints all output.
#[derive(Debug)]
pub struct Shell {
    verbosity: Verbosity,
}

/// The colours that cargo uses for the same words.
const DONE: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

impl Shell {
    /// A shell with this verbosity.
    pub fn new(verbosity: Verbosity) -> Self {
        Self { verbosity }
    }

    /// How much is printed.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// A verb, right-aligned as in cargo's output, and what it was done to.
    pub fn status(&self, verb: &str, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.say(format!("{DONE}{verb:>12}{DONE:#} {message}"));
        }
    }

    /// Like [`Shell::status`], for what needs the user's attention, whatever the verbosity.
    pub fn attention(&self, verb: &str, message: impl Display) {
        self.say(format!("{WARNING}{verb:>12}{WARNING:#} {message}"));
    }

    /// Something worth knowing.
    pub fn note(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.say(format!("{NOTE}note{NOTE:#}: {message}"));
        }
    }

    /// A line for verbose output only.
    pub fn detail(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            self.say(format!("{FAINT}{message}{FAINT:#}"));
        }
    }

    /// A line without a verb.
    pub fn line(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.say(message);
        }
    }

    /// A line that belongs to a question or a refusal, whatever the verbosity.
    pub fn say(&self, message: impl Display) {
        // If standard error is closed, there is no other place to report it.
        let _ = writeln!(anstream::stderr(), "{message}");
    }

    /// An error with its causes.
    pub fn error(&self, error: &anyhow::Error) {
        self.say(format!("{ERROR}error{ERROR:#}: {error}"));
        let mut causes = error.chain().skip(1).peekable();
        if causes.peek().is_some() {
            self.say("\nCaused by:");
        }
        for cause in causes {
            for line in cause.to_string().trim_end().lines() {
                self.say(format!("    {line}"));
            }
        }
    }

    /// An error or text of clap's, in clap's own words and colours.
    ///
    /// # Errors
    ///
    /// As [`Shell::out`], for help and the version.
    pub fn usage(&self, error: &clap::Error) -> io::Result<()> {
        let text = error.render();
        if !error.use_stderr() {
            return self.out(text.ansi());
        }
        let _ = write!(anstream::stderr(), "{}", text.ansi());
        Ok(())
    }

    /// The output that was asked for.
    ///
    /// # Errors
    ///
    /// If writing to standard output fails; a closed pipe is no error.
    pub fn out(&self, text: impl Display) -> io::Result<()> {
        let mut out = anstream::stdout();
        match write!(out, "{text}").and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    }
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
