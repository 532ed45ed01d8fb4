//! `cargo prodify completions`: what a shell needs to complete a command line, with the names of the components that there are.

use std::fmt::Write as _;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::PROJECT;
use crate::catalog::Catalog;
use crate::cli::Cli;
use crate::report::Report;

/// The program's name, by which a shell, and cargo's own completions, look for what completes it.
const NAME: &str = "cargo-prodify";

/// The name that the script for bash is generated with: one with a dash breaks it after every subcommand
/// (<https://github.com/clap-rs/clap/issues/6421>).
const BASH_NAME: &str = "cargo_prodify";

/// Has bash complete the program by its real name, and each name of a list between commas for itself.
const BASH: &str = r#"
_cargo_prodify_lists() {
    local rest="$2"
    case "$3" in
        --with | --without) rest="${2##*,}" ;;
    esac
    _cargo_prodify "$1" "$rest" "$3"
    COMPREPLY=("${COMPREPLY[@]/#/${2%"$rest"}}")
}

complete -r cargo_prodify
complete -F _cargo_prodify_lists -o nosort -o bashdefault -o default cargo-prodify 2> /dev/null ||
    complete -F _cargo_prodify_lists -o bashdefault -o default cargo-prodify
"#;

/// The completions that cargo brings for bash and zsh ask for those of the program that a command stands for; those of fish
/// have to be told.
const FISH: &str = r#"complete -c cargo -n "__fish_seen_subcommand_from prodify" -f -a "(complete -C (string replace -r '^\s*\S+(\s+\+\S+)?\s+prodify' cargo-prodify -- (commandline -cp)))"
"#;

/// The script for a shell.
///
/// # Errors
///
/// Where what was generated is no text.
pub(super) fn run(catalog: &Catalog, shell: Shell) -> Result<Report> {
    let mut command = command(catalog);
    let (name, own) = match shell {
        Shell::Bash => (BASH_NAME, BASH.to_owned()),
        Shell::Fish => (NAME, fish_arguments(&command) + FISH),
        _ => (NAME, String::new()),
    };
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    script.extend_from_slice(own.as_bytes());
    Ok(Report::Script(String::from_utf8(script)?))
}

/// What can stand after each subcommand without a flag: for fish, clap writes flags alone.
fn fish_arguments(command: &Command) -> String {
    let mut lines = String::new();
    for subcommand in command.get_subcommands() {
        let arguments = subcommand.get_positionals();
        let values = arguments.flat_map(clap::Arg::get_possible_values);
        let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
        if !values.is_empty() {
            let (name, values) = (subcommand.get_name(), values.join(" "));
            let _ = writeln!(
                lines,
                r#"complete -c {NAME} -n "__fish_cargo_prodify_using_subcommand {name}" -f -a "{values}""#
            );
        }
    }
    lines
}

/// The command line, where a component is one of those that there are.
fn command(catalog: &Catalog) -> Command {
    let names: Vec<String> = catalog.names().map(str::to_owned).collect();
    let values = || PossibleValuesParser::new(names.clone());
    let shown = || PossibleValuesParser::new(names.iter().cloned().chain([PROJECT.to_owned()]));
    Cli::command()
        .mut_subcommand("new", |new| {
            new.mut_arg("with", |arg| arg.value_parser(values()))
                .mut_arg("without", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("show", |show| {
            show.mut_arg("component", |arg| arg.value_parser(shown()))
        })
        .mut_subcommand("eject", |eject| {
            eject.mut_arg("component", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("add", |add| {
            add.mut_arg("components", |arg| arg.value_parser(values()))
        })
        .mut_subcommand("remove", |remove| {
            remove.mut_arg("components", |arg| arg.value_parser(values()))
        })
}
