//! The verbs: each first decides, then acts.

mod add;
mod along;
mod answers_file;
mod bins;
mod change;
mod check;
mod completions;
mod conflicts;
mod eject;
mod existing;
mod fits;
mod inspect;
mod left;
mod marked;
mod moved;
mod new;
mod own;
mod place;
mod records;
mod remove;
mod renewal;
mod replaced;
mod site;
mod typed;
mod uncommitted;
mod update;
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
    let own = own::catalog(catalog, line)?;
    let catalog = own.as_ref().unwrap_or(catalog);
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
    Ok(Report::show(catalog, select::known(catalog, name)?))
}
