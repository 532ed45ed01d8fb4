//! Every pair of components, and each of the two without the other.

use anyhow::{Context as _, Result};
use cargo_prodify::catalog::{Catalog, Preset};
use cargo_prodify::select;

use crate::build;
use crate::dashboards;
use crate::project::Project;
use crate::selections::covering_selections;
use crate::validators;

#[test]
#[ignore = "slow: tests/run generated"]
fn every_pair_of_components_compiles_and_passes_its_tests() -> Result<()> {
    let catalog = Catalog::embedded()?;
    for (index, selection) in covering_selections(&catalog, 2).into_iter().enumerate() {
        // Without it, no crate is written.
        if !selection.contains(&"service") {
            continue;
        }
        let checked = check(&format!("pairs_{index}"), &flags(&catalog, &selection));
        checked.with_context(|| format!("a project of {}", selection.join(", ")))?;
    }
    Ok(())
}

/// The formatting of a line with the name must not depend on the name's length.
#[test]
#[ignore = "slow: tests/run generated"]
fn code_is_formatted_for_any_length_of_name() -> Result<()> {
    let longest = "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-012345678";
    for name in ["q", longest] {
        let project = Project::new("name", &format!("--preset full --name {name}"))?;
        build::is_formatted(&project)?;
        build::passes_clippy(&project)?;
    }
    Ok(())
}

fn check(case: &str, arguments: &str) -> Result<()> {
    let project = Project::new(case, arguments)?;
    validators::compose(&project)?;
    validators::compose_schema(&project)?;
    validators::dclint(&project)?;
    dashboards::match_grafana_schema(&project)?;
    dashboards::have_valid_loki_queries(&project)?;
    build::is_formatted(&project)?;
    build::passes_clippy(&project)?;
    build::passes_its_tests(&project)
}

/// The arguments that make `new` write exactly these components.
fn flags(catalog: &Catalog, selection: &[&str]) -> String {
    let unwanted = select::preset(catalog, Preset::Minimal)
        .into_iter()
        .filter(|name| !selection.contains(&name.as_str()));
    let unwanted: Vec<String> = unwanted.map(|name| format!(" --without {name}")).collect();
    let wanted = selection.join(",");
    format!("--preset minimal --with {wanted}{}", unwanted.concat())
}
