//! `cargo prodify completions`: shell completions, including the names of the components.

use std::fmt::Write as _;

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use clap::{Command, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::PROJECT;
use crate::catalog::Catalog;
use crate::cli::Cli;
use crate::report::Report;

/// The program's name, by which shells and cargo's own completions find its completions.
const NAME: &str = "cargo-prodify";

/// The name with which the bash script is generated: a dash in it breaks the script after every subcommand
/// (<https://github.com/clap-rs/clap/issues/6421>).
const BASH_NAME: &str = "cargo_prodify";

/// Makes bash complete the program by its real name, and each name in a comma-separated list.
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

/// Cargo's completions for bash and zsh defer to those of a subcommand's program; those for fish have to be told.
const FISH: &str = r#"complete -c cargo -n "__fish_seen_subcommand_from prodify" -f -a "(complete -C (string replace -r '^\s*\S+(\s+\+\S+)?\s+prodify' cargo-prodify -- (commandline -cp)))"
"#;

/// The script for a shell.
///
/// # Errors
///
/// If the generated script is not UTF-8.
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

/// Positional arguments after each subcommand: for fish, clap only generates flags.
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

/// The command line, with the components as the possible values of component arguments.
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
