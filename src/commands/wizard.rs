//! What `new` asks a person beyond the components' own questions.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, IsTerminal as _};

use anyhow::Result;

use crate::catalog::{Catalog, Preset};
use crate::cli;
use crate::error::Interrupted;
use crate::names;
use crate::prompt::{Prompt, Terminal};
use crate::report::Written;
use crate::select;
use crate::shell::count;

/// The person at the terminal, where there is one and they may be asked.
///
/// # Errors
///
/// Where the terminal cannot be taken over.
pub(super) fn terminal(answers: &cli::Answers) -> Result<Option<Terminal>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "whether to ask is the one thing that the environment decides"
    )]
    let ci = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
    let asks =
        !answers.non_interactive && !ci && io::stdin().is_terminal() && io::stderr().is_terminal();
    asks.then(Terminal::new).transpose()
}

/// Asks for the project's name.
///
/// # Errors
///
/// Where the answer was interrupted.
pub(super) fn name(prompt: &mut dyn Prompt, default: &str) -> Result<String> {
    let validate = |typed: &str| names::package(typed).map_err(|why| format!("this {why}"));
    let default = default.to_lowercase().replace([' ', '.'], "-");
    let default = if names::package(&default).is_ok() {
        default
    } else {
        String::new()
    };
    prompt.text("Project name", &default, &validate)
}

/// Asks for a preset, and lets its components be changed.
///
/// # Errors
///
/// Where the answer was interrupted.
pub(super) fn components(
    catalog: &Catalog,
    prompt: &mut dyn Prompt,
    usual: Preset,
) -> Result<BTreeSet<String>> {
    let sizes: Vec<String> = Preset::ALL
        .iter()
        .map(|preset| {
            format!(
                "{preset}: {}",
                count(select::preset(catalog, *preset).len(), "component")
            )
        })
        .collect();
    let usual = Preset::ALL
        .iter()
        .position(|preset| *preset == usual)
        .unwrap_or_default();
    let preset = Preset::ALL
        .get(prompt.choose("How much to write", &sizes, usual)?)
        .copied()
        .unwrap_or(Preset::Full);
    let held = select::preset(catalog, preset);
    let width = catalog.names().map(str::len).max().unwrap_or_default();
    let items: Vec<(String, bool)> = catalog
        .components()
        .map(|component| {
            (
                format!("{:width$}  {}", component.name, component.summary),
                held.contains(&component.name),
            )
        })
        .collect();
    let chosen = prompt.choose_many("Components (space to change, enter to go on)", &items)?;
    let names: Vec<&str> = catalog.names().collect();
    Ok(chosen
        .into_iter()
        .filter_map(|index| names.get(index))
        .map(|&name| name.to_owned())
        .collect())
}

/// Shows what would be written and asks whether to.
///
/// # Errors
///
/// [`Interrupted`] for a no.
pub(super) fn confirm(prompt: &mut dyn Prompt, written: &Written) -> Result<()> {
    let files = count(
        written
            .files
            .iter()
            .filter(|file| file.action.writes())
            .count(),
        "file",
    );
    let question = format!(
        "Write {files} to {} ({})",
        written.path,
        written.components.join(", ")
    );
    if prompt.confirm(&question, true)? {
        Ok(())
    } else {
        Err(Interrupted.into())
    }
}
