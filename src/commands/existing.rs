//! The common part of `add` and `remove`: drafting for an existing crate, and carrying out a change to it.

use anyhow::Result;

use super::change::Change;
use super::project::Project;
use super::records::Record;
use super::{conflicts, overlay, uncommitted, undecided, wizard};
use crate::answers::GivenAnswers;
use crate::apply::apply;
use crate::catalog::Catalog;
use crate::cli::Writing;
use crate::draft::{self, Draft, Subject};
use crate::error::Usage;
use crate::facts::choice::bins;
use crate::facts::inspection::Inspection;
use crate::facts::program::ProgramKind;
use crate::facts::{Facts, Service};
use crate::prompt::{Prompt, Terminal};
use crate::render::{NextStep, Wiring};
use crate::report::{Ending, FileReport, Report, Written};
use crate::select::Selection;
use crate::shell::Shell;

/// Drafts the files of a selection for the crate, based on its own manifests.
///
/// # Errors
///
/// As [`draft::draft`].
pub(super) fn draft(
    catalog: &Catalog,
    project: &Project,
    selection: &Selection<'_>,
    given: &GivenAnswers,
    mut prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<Draft> {
    overlay::check_loaded(project, catalog)?;
    let name = project.name()?;
    let mut notes = Vec::new();
    let mut named = Vec::new();
    let existing = if project.record.created_by_new()? {
        None
    } else {
        // `as_deref_mut` would borrow for as long as the trait object lives.
        let prompt = prompt
            .as_mut()
            .map(|prompt| &mut **prompt as &mut dyn Prompt);
        let services = services(project, selection, prompt)?;
        for service in &services {
            notes.extend(service.problems.iter().map(ToString::to_string));
            named.push(service.package.bin.value.clone());
        }
        notes.sort();
        notes.dedup();
        let mut existing = project.existing_crate(catalog.toolchain()?, &services)?;
        existing.facts = with_packages(catalog, project, existing.facts)?;
        Some(existing)
    };
    let subject = Subject {
        name: &name,
        existing: existing.as_ref(),
    };
    let draft = draft::draft(catalog, &subject, selection, given, prompt, shell)?;
    Ok(Draft {
        bins: named,
        notes,
        ..draft
    })
}

/// Adds the facts from components in the workspace's packages that are not changed now.
fn with_packages(catalog: &Catalog, project: &Project, mut facts: Facts) -> Result<Facts> {
    for package in &project.location.packages {
        let is_theirs = |service: &Service| !service.here && service.package == package.name;
        if facts.services.iter().any(is_theirs) {
            let answers_file = Record::read(&package.directory)?.answers_file;
            let names = answers_file.components.iter().flatten();
            let components: Vec<_> = names.filter_map(|name| catalog.get(name)).collect();
            facts = facts.with_components(is_theirs, &components, &answers_file.answers)?;
        }
    }
    Ok(facts)
}

/// Inspects the services, if a component needs to know what runs in production.
fn services(
    project: &Project,
    selection: &Selection<'_>,
    prompt: Option<&mut dyn Prompt>,
) -> Result<Vec<Inspection>> {
    let components = selection.components.iter();
    let service_components = components
        .filter_map(|component| Some((&component.name, component.existing.runs.as_ref()?)));
    let service_components: Vec<_> = service_components.collect();
    let Some((first, _)) = service_components.first() else {
        return Ok(Vec::new());
    };
    let packages = project.location.metadata.workspace_packages();
    if packages
        .iter()
        .all(|package| bins(package).next().is_none())
    {
        return Err(Usage::new(format!(
            "`{first}` is for programs that run in production, but no package in {} has a binary",
            project.display_path
        ))
        .into());
    }
    let services = project.inspect(prompt)?;
    for service in &services {
        let (bin, kind) = (&service.package.bin.value, service.program.kind.value);
        let manifest = &service.package.manifest;
        let table = "`[package.metadata.prodify]`";
        let refusing = service_components
            .iter()
            .find(|(_, kinds)| !kinds.contains(&kind));
        if let Some((component, _)) = refusing {
            return Err(Usage::new(format!(
                "`{component}` does not support `{bin}`, {kind}: name another binary with --bin or, if this one keeps running, set `kind = \"worker\"` in {table} of {manifest}"
            ))
            .into());
        }
        if kind == ProgramKind::Server && service.listening.port.is_none() {
            return Err(Usage::new(format!(
                "the sources of `{bin}` do not show which port it listens on: set it in {table} of {manifest}, such as `port = 8080`"
            ))
            .into());
        }
    }
    Ok(services)
}

/// How to carry out a change.
pub(super) struct Run<'a> {
    /// The verb.
    pub(super) command: &'static str,
    pub(super) writing: &'a Writing,
    /// Whether to merge into uncommitted edits.
    pub(super) allow_dirty: bool,
    pub(super) terminal: Option<&'a mut Terminal>,
    /// Whether to ask before the first write.
    pub(super) confirms: bool,
    /// The lines for the crate's own sources.
    pub(super) wire: Vec<Wiring>,
    /// Commands to run next.
    pub(super) next: Vec<NextStep>,
    pub(super) shell: &'a Shell,
}

impl Run<'_> {
    /// Asks about files in the way, writes, and reports what was done.
    ///
    /// # Errors
    ///
    /// If anything prevents it; nothing is written then.
    pub(super) fn carry_out(mut self, project: &Project, mut change: Change) -> Result<Report> {
        let prompt = self
            .terminal
            .as_mut()
            .map(|terminal| &mut **terminal as &mut dyn Prompt);
        conflicts::resolve(&mut change.plan, self.writing, prompt, self.shell)?;
        let outcome = conflicts::ending(&change.plan, self.writing);
        if outcome == Ending::Done && !self.allow_dirty {
            uncommitted::refuse_merged(project, &change.plan)?;
        }
        change.notes.extend(undecided::note(&change.undecided));
        let confirms = self.confirms && outcome == Ending::Done;
        if let Some(terminal) = self.terminal.filter(|_| confirms) {
            wizard::confirm(terminal, &change.plan, &project.display_path, self.shell)?;
        }
        // Even with nothing left to write, a killed run may have left remains to clean up.
        let is_dry = self.writing.preview.is_dry();
        if !is_dry && outcome != Ending::Conflict {
            let originals = conflicts::originals(&project.root, &change.plan);
            apply(&project.root, &change.plan, &originals)?;
        }
        Ok(Report::Written(Box::new(Written {
            command: self.command,
            outcome,
            is_dry,
            name: change.name,
            path: project.display_path.clone(),
            components: change.components,
            files: FileReport::from_plan(&change.plan, self.writing.preview.diff),
            notes: change.notes,
            wire: self.wire,
            next: self.next,
            again: None,
        })))
    }
}
