//! The only printer. People read standard error, programs read standard output.

use std::fmt::Display;

use anstream::{eprint, eprintln, print};
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

    /// A verb in cargo's column, and what it was done to.
    pub fn status(&self, verb: &str, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            eprintln!("{DONE}{verb:>12}{DONE:#} {message}");
        }
    }

    /// As [`Shell::status`], for what needs a look.
    pub fn attention(&self, verb: &str, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            eprintln!("{WARNING}{verb:>12}{WARNING:#} {message}");
        }
    }

    /// Something worth knowing.
    pub fn note(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            eprintln!("{NOTE}note{NOTE:#}: {message}");
        }
    }

    /// Something that only matters to who asked for it.
    pub fn detail(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Verbose {
            eprintln!("{FAINT}{message}{FAINT:#}");
        }
    }

    /// A line without a verb.
    pub fn line(&self, message: impl Display) {
        if self.verbosity >= Verbosity::Normal {
            eprintln!("{message}");
        }
    }

    /// What was being done, to what, and what is wrong with it.
    pub fn error(&self, error: &anyhow::Error) {
        eprintln!("{ERROR}error{ERROR:#}: {error}");
        let mut causes = error.chain().skip(1).peekable();
        if causes.peek().is_some() {
            eprintln!("\nCaused by:");
        }
        for cause in causes {
            for line in cause.to_string().trim_end().lines() {
                eprintln!("    {line}");
            }
        }
    }

    /// What clap has to say, in its own words and colours.
    pub fn usage(&self, error: &clap::Error) {
        let text = error.render();
        if error.use_stderr() {
            eprint!("{}", text.ansi());
        } else {
            print!("{}", text.ansi());
        }
    }

    /// What was asked for.
    pub fn out(&self, text: impl Display) {
        print!("{text}");
    }
}

/// `1 file`, `2 files`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
