//! The only printer. People read standard error, programs read standard output.

use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors alone.
    Quiet,
    /// What was done.
    #[default]
    Normal,
    /// And why.
    Verbose,
}

/// Where everything is printed.
#[derive(Debug)]
pub struct Shell {
    verbosity: Verbosity,
}

/// As cargo colours its own words.
const DONE: Style = AnsiColor::Green.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const FAINT: Style = Style::new().dimmed();

impl Shell {
    /// A shell that says so much.
    pub fn new(verbosity: Verbosity) -> Self {
        Self { verbosity }
    }

    /// How much is said.
    pub fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// A verb in cargo's column, and what it was done to.
    pub fn status(&self, verb: &str, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.say(format!("{DONE}{verb:>12}{DONE:#} {message}"));
        }
    }

    /// As [`Shell::status`], for what needs a look, however little is to be said.
    pub fn attention(&self, verb: &str, message: impl Display) {
        self.say(format!("{WARNING}{verb:>12}{WARNING:#} {message}"));
    }

    /// Something worth knowing.
    pub fn note(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            self.say(format!("{NOTE}note{NOTE:#}: {message}"));
        }
    }

    /// Something that only matters to who asked for it.
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

    /// A line that belongs to a question or a refusal, however little is to be said.
    pub fn say(&self, message: impl Display) {
        // Where standard error is gone there is nobody to tell.
        let _ = writeln!(anstream::stderr(), "{message}");
    }

    /// What was being done, to what, and what is wrong with it.
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

    /// What clap has to say, in its own words and colours.
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

    /// What was asked for.
    ///
    /// # Errors
    ///
    /// Where standard output does not take it; a reader that has read enough is none.
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
