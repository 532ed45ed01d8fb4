//! `cargo prodify` scaffolds production services.
//!
//! Answers and templates make a tree; three trees make a plan; only [`apply`] touches the disk.
//!
//! | tree | what it holds |
//! | --- | --- |
//! | base | what prodify last wrote, from `.prodify/base.txtar` |
//! | ours | what is on disk now |
//! | theirs | what the answers render to with this version |
//!
//! A verb in [`commands`] decides first and does afterwards: it reads the [`catalog`], finds the [`facts`], resolves a
//! selection ([`select`]), collects the [`answers`], renders ([`render`]) and plans ([`plan`]); then it asks its last question,
//! and from there on writes without another one.
//!
//! To a crate that exists, [`commands`] adds the same way. Its `Cargo.toml` is the user's, and is merged entry by entry
//! ([`manifest`]) before the plan is made. `update` plans with what is asked for now, and `check` makes that plan and stops; a
//! version that somebody else moved on is no difference to either ([`pins`]).
//!
//! A directory of the user's own templates is read in one place, [`commands`], and laid over the [`catalog`]; whatever comes after knows
//! no difference.
//!
//! # Invariants
//!
//! - `select`, `render`, `tree`, `plan`, `merge`, `manifest`, `names`, `pins` and `provenance` see no file system, environment, clock or terminal.
//! - No component is named in Rust code: what differs by component is data in `templates/`.
//! - What reaches `apply` is a [`tree::RelPath`], which cannot leave the project.
//! - Only [`shell`] prints. Only `main` exits.
//!
//! `clippy.toml` and the tests under `tests/` keep them.

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

/// Runs the program with these arguments, the first of which is its own name, and says how it ended.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    // Cargo calls `cargo-prodify prodify …`; a person may leave the word out.
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
        let outcome = Outcome::of(&error);
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

/// What clap refuses, or was asked for: help and the version.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Outcome {
    let shell = Shell::new(Verbosity::Normal);
    if !error.use_stderr() {
        return shell
            .usage(error)
            .map_or(Outcome::Failed, |()| Outcome::Done);
    }
    // The command line could not be read, so whether it asks for JSON is read off its words.
    let json = arguments.iter().any(|word| word == "--format=json")
        || arguments
            .windows(2)
            .any(|words| words[0] == "--format" && words[1] == "json");
    let said = if json {
        let text = error.render().to_string();
        shell.out(report::error_json(
            &error::Usage::new(in_one_line(&text)).into(),
            Outcome::Usage,
        ))
    } else {
        shell.usage(error)
    };
    said.map_or(Outcome::Failed, |()| Outcome::Usage)
}

/// An error of clap's and its tips, one after the other, without what is the same for each.
fn in_one_line(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let is_of_this = |said: &&str| !said.starts_with("Usage:") && !said.starts_with("For more");
    let said: Vec<String> = text
        .split("\n\n")
        .take_while(is_of_this)
        .map(|said| said.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    said.join("; ")
}

/// Sets the colours of everything that is printed.
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
