//! The verbs: each first decides, then acts.

mod add;
mod bins;
mod change;
mod check;
mod command_line;
mod command_line_answers;
mod completions;
mod conflicts;
mod eject;
mod eligibility;
mod existing;
mod inspect;
mod markers;
mod moves;
mod new;
mod overlay;
mod project;
mod records;
mod remove;
mod requirements;
mod restore;
mod target;
mod uncommitted;
mod undecided;
mod update;
mod update_plan;
mod wizard;

use anyhow::Result;

use crate::catalog::Catalog;
use crate::cli::{Cli, Command, Format};
use crate::error::Usage;
use crate::report::Report;
use crate::select;
use crate::shell::Shell;

/// Carries out the command line, with the components of a catalog.
///
/// # Errors
///
/// If anything prevents it; no change is left half done.
pub fn run(catalog: &Catalog, line: &Cli, shell: &Shell) -> Result<Report> {
    let is_check = matches!(line.command, Command::Check(_));
    if line.output.format == Format::Github && !is_check {
        return Err(Usage::new("`--format github` is only for `check`").into());
    }
    let overlaid = overlay::load(catalog, line)?;
    let catalog = overlaid.as_ref().unwrap_or(catalog);
    match &line.command {
        Command::New(arguments) => new::run(catalog, arguments, shell),
        Command::Add(arguments) => add::run(catalog, arguments, shell),
        Command::Remove(arguments) => remove::run(catalog, arguments, shell),
        Command::Update(arguments) => update::run(catalog, arguments, shell),
        Command::Check(arguments) => check::run(catalog, arguments, shell),
        Command::Inspect(arguments) => inspect::run(arguments),
        Command::List => Ok(Report::list(catalog)),
        Command::Show { component } => show(catalog, component),
        Command::Eject(arguments) => eject::run(catalog, arguments, line.templates.as_deref()),
        Command::Completions { shell } => completions::run(catalog, *shell),
    }
}

/// What `show` accepts besides component names: the questions that are asked for every project.
const PROJECT: &str = "project";

fn show(catalog: &Catalog, name: &str) -> Result<Report> {
    if name == PROJECT {
        return Ok(Report::project(catalog));
    }
    Ok(Report::show(catalog, select::find(catalog, name)?))
}
