//! The verbs: each decides, then does.

mod add;
mod bins;
mod change;
mod check;
mod conflicts;
mod eject;
mod existing;
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
mod uncommitted;
mod update;
mod wizard;

use anyhow::Result;
use clap::CommandFactory as _;
use clap::builder::PossibleValuesParser;

use crate::catalog::Catalog;
use crate::cli::{Cli, Command, Format};
use crate::error::{Usage, did_you_mean};
use crate::report::Report;
use crate::shell::Shell;

/// Carries out what the command line says, with the components of a catalog.
///
/// # Errors
///
/// Whatever keeps it from being done; nothing is left half done.
pub fn run(catalog: &Catalog, line: &Cli, shell: &Shell) -> Result<Report> {
    let is_check = matches!(line.command, Command::Check(_));
    if line.output.format == Format::Github && !is_check {
        return Err(Usage::new("`--format github` is for `check` alone").into());
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
        Command::Completions { shell } => completions(catalog, *shell),
    }
}

fn show(catalog: &Catalog, name: &str) -> Result<Report> {
    if name == "project" {
        return Ok(Report::project(catalog));
    }
    let component = catalog.get(name).ok_or_else(|| {
        Usage::new(format!(
            "there is no component `{name}`{}",
            did_you_mean(name, catalog.names())
        ))
    })?;
    Ok(Report::show(catalog, component))
}

/// The completions that cargo brings for bash and zsh ask for those of the program that a command stands for; those of fish
/// have to be told.
const FISH: &str = r#"complete -c cargo -n "__fish_seen_subcommand_from prodify" -f -a "(complete -C (string replace -r '^\s*\S+(\s+\+\S+)?\s+prodify' cargo-prodify -- (commandline -cp)))"
"#;

fn completions(catalog: &Catalog, shell: clap_complete::Shell) -> Result<Report> {
    let names: Vec<String> = catalog.names().map(str::to_owned).collect();
    let values = || PossibleValuesParser::new(names.clone());
    let mut command = Cli::command()
        // Cargo's own completion looks for the program's name.
        .bin_name("cargo-prodify")
        .mut_subcommand("new", |new| {
            new.mut_arg("with", |arg| arg.value_parser(values()))
                .mut_arg("without", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("show", |show| {
            show.mut_arg("component", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("eject", |eject| {
            eject.mut_arg("component", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("add", |add| {
            add.mut_arg("components", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("remove", |remove| {
            remove.mut_arg("components", |arg| arg.value_parser(values()))
        });
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "cargo-prodify", &mut script);
    if shell == clap_complete::Shell::Fish {
        script.extend_from_slice(FISH.as_bytes());
    }
    Ok(Report::Script(String::from_utf8(script)?))
}
