//! Questions to the user besides those of the components.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, IsTerminal as _};

use anyhow::Result;
use cargo_metadata::{Package, Target};

use crate::catalog::{Catalog, Preset};
use crate::error::Interrupted;
use crate::names;
use crate::plan::Plan;
use crate::prompt::{Item, Prompt, Terminal};
use crate::select;
use crate::shell::{Shell, count};

/// The number of a component's files that are listed before the last question.
const MAX_LISTED: usize = 3;

/// The user's terminal, if there is one and questions are allowed.
///
/// # Errors
///
/// If the terminal cannot be set up.
pub(super) fn terminal(non_interactive: bool) -> Result<Option<Terminal>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "whether to ask is the one thing that the environment decides"
    )]
    let ci = env::var_os("CI").is_some_and(|ci| !ci.is_empty() && ci != "false");
    let asks = !non_interactive && !ci && io::stdin().is_terminal() && io::stderr().is_terminal();
    asks.then(Terminal::new).transpose()
}

/// Asks for the project's name.
///
/// # Errors
///
/// If the answer was interrupted.
pub(super) fn name(prompt: &mut dyn Prompt, default: &str) -> Result<String> {
    let validate = |typed: &str| names::check_package(typed).map_err(|why| format!("this {why}"));
    let default = default.to_lowercase().replace([' ', '.'], "-");
    let default = if names::check_package(&default).is_ok() {
        default
    } else {
        String::new()
    };
    prompt.text("Project name", &default, &validate)
}

/// Asks for a preset, and lets the user change its components.
///
/// # Errors
///
/// If an answer was interrupted.
pub(super) fn components(
    catalog: &Catalog,
    prompt: &mut dyn Prompt,
    usual: Preset,
) -> Result<BTreeSet<String>> {
    let sizes = Preset::ALL.map(|preset| {
        let included = select::preset(catalog, preset);
        (preset.to_string(), count(included.len(), "component"))
    });
    let sizes = sizes.each_ref().map(|(name, help)| Item { name, help });
    let default = Preset::ALL.iter().position(|preset| *preset == usual);
    let chosen = prompt.choose("How much to write", &sizes, default.unwrap_or_default())?;
    let included = select::preset(catalog, Preset::ALL.get(chosen).copied().unwrap_or(usual));

    let items: Vec<(Item<'_>, bool)> = catalog
        .components()
        .map(|component| {
            let item = Item {
                name: &component.name,
                help: &component.summary,
            };
            (item, included.contains(&component.name))
        })
        .collect();
    let chosen = prompt.choose_many("Components (space to toggle, enter to continue)", &items)?;
    let names = chosen.into_iter().filter_map(|index| items.get(index));
    Ok(names.map(|(item, _)| item.name.to_owned()).collect())
}

/// Asks which of several binaries run in production; asks nothing if there are none.
///
/// # Errors
///
/// If the answer was interrupted.
pub(super) fn bins(
    prompt: &mut dyn Prompt,
    candidates: &[(&Package, &Target)],
) -> Result<Vec<String>> {
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let items: Vec<(Item<'_>, bool)> = candidates
        .iter()
        .map(|(package, bin)| {
            let item = Item {
                name: &bin.name,
                help: &package.name,
            };
            (item, true)
        })
        .collect();
    let question = "What runs in production (space to toggle, enter to continue)";
    let chosen = prompt.choose_many(question, &items)?;
    let names = chosen.into_iter().filter_map(|index| items.get(index));
    Ok(names.map(|(item, _)| item.name.to_owned()).collect())
}

/// Shows what would be written, and asks for confirmation.
///
/// # Errors
///
/// [`Interrupted`] if the answer is no.
pub(super) fn confirm(
    prompt: &mut dyn Prompt,
    plan: &Plan,
    path: &str,
    shell: &Shell,
) -> Result<()> {
    let mut files: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for step in plan.steps.iter().filter(|step| step.action.writes()) {
        if let Some(file) = &step.after {
            files
                .entry(&file.component)
                .or_default()
                .push(step.path.as_str());
        }
    }
    let number = files.values().map(Vec::len).sum();
    let width = files
        .keys()
        .map(|component| component.len())
        .max()
        .unwrap_or_default();
    shell.say("");
    for (component, files) in files {
        let shown = files
            .iter()
            .take(MAX_LISTED)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let more = match files.len().saturating_sub(MAX_LISTED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        shell.say(format!("  {component:width$}  {shown}{more}"));
    }
    shell.say("");
    if prompt.confirm(&format!("Write {} to {path}?", count(number, "file")), true)? {
        Ok(())
    } else {
        Err(Interrupted.into())
    }
}
