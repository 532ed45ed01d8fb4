//! `cargo prodify` scaffolds production services.
//!
//! Answers and templates make a tree; three trees make a plan; only [`apply`] touches the disk.
//!
//! | tree | contents |
//! | --- | --- |
//! | base | what prodify last wrote, from `.prodify/base.txtar` |
//! | ours | what is on disk now |
//! | theirs | what the answers render to with this version |
//!
//! A verb in [`commands`] first decides, then acts: it reads the [`catalog`], gathers the [`facts`], resolves a selection
//! ([`select`]), collects the [`answers`], renders ([`render`]) and plans ([`plan`]); then it asks its last question, and from
//! then on writes without asking.
//!
//! [`commands`] adds to an existing crate in the same way. Its `Cargo.toml` is the user's, and is merged entry by entry
//! ([`manifest`]) before the plan is made. `update` plans for the current answers and templates, and `check` makes the same plan
//! and stops; neither counts a version that was bumped in the project as a difference ([`pins`]).
//!
//! A directory with the user's own templates is read in one place, [`commands`], and overlaid on the [`catalog`]; nothing after
//! that tells them apart.
//!
//! # Invariants
//!
//! - `select`, `render`, `tree`, `plan`, `merge`, `manifest`, `names`, `pins` and `provenance` access no file system, environment, clock or terminal.
//! - Rust code names no component: whatever differs by component is data in `templates/`.
//! - `apply` only receives a [`tree::RelPath`], which cannot leave the project.
//! - Only [`shell`] prints. Only `main` exits.
//!
//! `clippy.toml` and the tests in `tests/` enforce them.

pub mod answers;
pub mod apply;
pub mod catalog;
pub mod cli;
pub mod commands;
pub mod draft;
pub mod error;
pub mod facts;
pub mod manifest;
pub mod merge;
pub mod names;
pub mod pins;
pub mod plan;
pub mod prompt;
pub mod provenance;
pub mod render;
pub mod report;
pub mod select;
pub mod shell;
pub mod threads;
pub mod tree;
pub mod vcs;
mod versions;

use std::ffi::OsString;

use anyhow::Context as _;
use clap::Parser as _;

use crate::catalog::Catalog;
use crate::cli::{Cli, Format};
use crate::error::Outcome;
use crate::shell::{Shell, Verbosity};

/// Runs the program with these arguments, including its own name, and returns how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    // Cargo runs `cargo-prodify prodify …`; the word may be left out by hand.
    if arguments.get(1).is_some_and(|first| first == "prodify") {
        arguments.remove(1);
    }
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, &arguments),
    };
    set_colors(cli.output.color);
    let format = cli.output.format;
    let shell = Shell::new(
        match (
            cli.output.quiet || format == Format::Json,
            cli.output.verbose,
        ) {
            (true, _) => Verbosity::Quiet,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Normal,
        },
    );
    let ran = Catalog::embedded().and_then(|catalog| {
        let report = commands::run(&catalog, &cli, &shell)?;
        report
            .print(&shell, format)
            .context("writing to standard output")?;
        Ok(report.outcome())
    });
    ran.unwrap_or_else(|error| {
        let outcome = Outcome::from_error(&error);
        match format {
            Format::Text => shell.error(&error),
            Format::Json => drop(shell.out(report::error_json(&error, outcome))),
            Format::Github => {
                shell.error(&error);
                drop(shell.out(report::error_annotation(&error)));
            }
        }
        outcome
    })
}

/// Prints an error of clap's, or the help or version that was asked for.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Outcome {
    let shell = Shell::new(Verbosity::Normal);
    if !error.use_stderr() {
        return shell
            .usage(error)
            .map_or(Outcome::Failed, |()| Outcome::Done);
    }
    // The command line could not be parsed, so look for the JSON format among its words.
    let json = arguments.iter().any(|word| word == "--format=json")
        || arguments
            .windows(2)
            .any(|words| words[0] == "--format" && words[1] == "json");
    let printed = if json {
        let text = error.render().to_string();
        shell.out(report::error_json(
            &error::Usage::new(in_one_line(&text)).into(),
            Outcome::Usage,
        ))
    } else {
        shell.usage(error)
    };
    printed.map_or(Outcome::Failed, |()| Outcome::Usage)
}

/// An error of clap's and its tips in one line, without the usage that every error ends with.
fn in_one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let is_message = |part: &&str| !part.starts_with("Usage:") && !part.starts_with("For more");
    let parts: Vec<String> = text
        .split("\n\n")
        .take_while(is_message)
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    parts.join("; ")
}

/// Sets the colours of all output.
fn set_colors(choice: clap::ColorChoice) {
    let (ours, of_questions) = match choice {
        clap::ColorChoice::Auto => (anstream::ColorChoice::Auto, None),
        clap::ColorChoice::Always => (anstream::ColorChoice::Always, Some(true)),
        clap::ColorChoice::Never => (anstream::ColorChoice::Never, Some(false)),
    };
    ours.write_global();
    if let Some(enabled) = of_questions {
        dialoguer::console::set_colors_enabled_stderr(enabled);
    }
}
