//! The binaries that run in production: those listed in prodify.toml, and those that exist.

use std::collections::BTreeSet;

use anyhow::Result;
use cargo_metadata::{Package, Target};

use super::project::Project;
use crate::error::Usage;
use crate::facts::choice::{self, CrateSpec};
use crate::facts::inspection;
use crate::facts::program::ProgramKind;
use crate::provenance::ANSWERS;
use crate::select::Selection;

/// Checks that the binaries in prodify.toml still exist.
///
/// # Errors
///
/// [`Usage`] if one does not.
pub(super) fn check_exist(project: &Project) -> Result<()> {
    let bins: Vec<&str> = workspace_bins(project)
        .map(|(_, bin)| bin.name.as_str())
        .collect();
    match project.bins.iter().find(|bin| !bins.contains(&bin.as_str())) {
        Some(missing) => Err(Usage::new(format!(
            "in {ANSWERS}: `project.bins` names `{missing}`, but there is no such binary (there is {})",
            bins.join(", ")
        ))
        .into()),
        None => Ok(()),
    }
}

/// Notes on other binaries that may run in production too, if a component needs to know about them.
///
/// # Errors
///
/// If one cannot be inspected.
pub(super) fn note_others(project: &Project, selection: &Selection<'_>) -> Result<Vec<String>> {
    let components = selection.components.iter();
    let runs = components.filter_map(|component| component.existing.runs.as_ref());
    let runs: BTreeSet<_> = runs.flatten().map(ToString::to_string).collect();
    let known = match project.record.created_by_new()? {
        true => vec![project.name()?],
        false => project.bins.clone(),
    };
    if runs.is_empty() || known.is_empty() {
        return Ok(Vec::new());
    }
    let mut notes = Vec::new();
    let written = project.written_files()?;
    let below = |package: &Package| package.manifest_path.starts_with(&project.root);
    for (package, bin) in workspace_bins(project).filter(|(package, _)| below(package)) {
        let name = &bin.name;
        if known.contains(name) {
            continue;
        }
        let spec = CrateSpec {
            manifest_path: None,
            package: Some(package.name.to_string()),
            bin: Some(name.clone()),
            written: written.clone(),
        };
        let manifest = package.manifest_path.as_std_path();
        let metadata = &project.location.metadata;
        let found = inspection::inspect_in(metadata, manifest, &spec)?;
        let kind = found.program.kind.value;
        if kind != ProgramKind::Command && runs.contains(&kind.to_string()) {
            notes.push(format!(
                "`{name}` is {kind}, but the files written only run {}: if it runs in production, add it to `project.bins` in {ANSWERS}; otherwise, set `kind = \"command\"` in `[package.metadata.prodify.{name}]` in {}",
                known.join(" and "),
                found.package.manifest
            ));
        }
    }
    Ok(notes)
}

/// Every binary of the workspace, with its package.
fn workspace_bins(project: &Project) -> impl Iterator<Item = (&Package, &Target)> {
    let packages = project.location.metadata.workspace_packages();
    packages
        .into_iter()
        .flat_map(|package| choice::bins(package).map(move |bin| (package, bin)))
}
