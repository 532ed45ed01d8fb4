//! `cargo prodify remove`: removes what a component wrote, and keeps what was edited since.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::Change;
use super::existing::{self, Run};
use super::site::{Purpose, Site};
use super::{along, left, replaced, wizard};
use crate::answers::{Answers, Given};
use crate::catalog::{Catalog, Component, Scope};
use crate::cli::Remove;
use crate::draft::Draft;
use crate::error::Usage;
use crate::provenance::ANSWERS;
use crate::report::Report;
use crate::select::{self, Request, Selection};
use crate::shell::Shell;

/// Removes components.
///
/// # Errors
///
/// [`Usage`] if one is not there, or is required by another; otherwise if anything prevents removing them. Nothing is written
/// then.
pub(super) fn run(catalog: &Catalog, arguments: &Remove, shell: &Shell) -> Result<Report> {
    let mut terminal = wizard::terminal(arguments.non_interactive)?;
    let asked = select::all_known(catalog, &arguments.components)?;
    let purpose = Purpose::of(&arguments.writing.preview);
    let site = Site::find(&arguments.subject, &asked, purpose)?;
    for component in &asked {
        is_there(component, &site)?;
    }

    let selection = without(catalog, &site, &arguments.components)?;
    let given = Given::new(catalog, &[], Answers::new())?;
    let given = given.with_record(catalog, &site.record.answered)?;
    let draft = if selection.components.is_empty() {
        Draft::default()
    } else {
        existing::draft(catalog, &site, &selection, &given, None, shell)?
    };
    let is_decided = arguments.writing.keep || arguments.writing.overwrite;
    let mut change = Change::plan(&site, &selection, draft, |plan| {
        Ok(match is_decided {
            true => left::marked(&site, plan),
            false => left::undecided(&site, plan),
        })
    })?;
    change.notes.extend(along::left(
        catalog,
        &selection,
        site.home()?,
        &arguments.components,
        &arguments.subject,
    ));
    let next = replaced::ways_back(&site, &change.plan);
    let run = Run {
        command: "remove",
        writing: &arguments.writing,
        allow_dirty: arguments.allow_dirty,
        terminal: terminal.as_mut(),
        // It was named explicitly, and removes only what can be added again.
        confirms: false,
        wire: Vec::new(),
        next,
        shell,
    };
    run.carry_out(&site, change)
}

fn is_there(component: &Component, site: &Site) -> Result<()> {
    let there = site.components();
    // A killed run may have got as far as the record, and left remains to clean up.
    if there.contains(&component.name) || site.record.interrupted {
        return Ok(());
    }
    let (name, shown) = (&component.name, &site.shown);
    let why = if there.is_empty() {
        format!("nothing was added there: it has no {ANSWERS}")
    } else {
        format!("its {ANSWERS} has {}", there.join(", "))
    };
    Err(Usage::new(format!("`{name}` is not in {shown}: {why}")).into())
}

/// The remaining components.
fn without<'c>(catalog: &'c Catalog, site: &Site, gone: &[String]) -> Result<Selection<'c>> {
    let there: BTreeSet<String> = site.components().iter().cloned().collect();
    if there.iter().all(|component| gone.contains(component)) {
        return Ok(Selection::default());
    }
    let request = Request {
        home: site.home()?,
        start: there,
        with: Vec::new(),
        without: gone.to_vec(),
    };
    select::select(catalog, &request, Scope::Repository)
}
