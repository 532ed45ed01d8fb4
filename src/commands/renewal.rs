//! The common part of `update` and `check`: a project as this version and the answers would have it.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::{Change, Undecided};
use super::existing;
use super::marked::Markers;
use super::records::Record;
use super::site::Site;
use super::{along, bins, fits};
use crate::answers::{self, Given};
use crate::catalog::{Catalog, Component, Scope};
use crate::draft::Draft;
use crate::error::{Usage, told};
use crate::merge::{self, Merged, Side};
use crate::plan::{Action, Plan, Resolution, Step};
use crate::prompt::Prompt;
use crate::provenance::ANSWERS;
use crate::render::{NextStep, Wiring};
use crate::select::{self, Request, Selection};
use crate::shell::Shell;

/// The inputs of an update.
pub(super) struct Renewal<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) site: &'a Site,
    pub(super) given: Given,
    pub(super) decided: Decided<'a>,
    pub(super) shell: &'a Shell,
}

/// Conflicts that the user has resolved on the command line, by path.
#[derive(Clone, Copy, Default)]
pub(super) struct Decided<'a> {
    pub(super) ours: &'a [String],
    pub(super) theirs: &'a [String],
}

/// The result.
pub(super) struct Renewed {
    pub(super) change: Change,
    /// The lines for the crate's own sources that new components need.
    pub(super) wire: Vec<Wiring>,
    /// Commands to run for them.
    pub(super) next: Vec<NextStep>,
}

impl Renewal<'_> {
    /// Plans the update.
    ///
    /// # Errors
    ///
    /// If prodify.toml asks for something that this version does not have or cannot do; if a path given as resolved is not in
    /// conflict; otherwise if a file cannot be read.
    pub(super) fn plan(self, prompt: Option<&mut dyn Prompt>) -> Result<Renewed> {
        let Self {
            catalog,
            site,
            given,
            decided,
            shell,
        } = self;
        let given = given.with_record(catalog, &site.record.answered)?;
        let selection = selection(catalog, site)?;
        bins::are_there(site)?;
        let mut draft = match selection.components.is_empty() {
            true => Draft::default(),
            false => existing::draft(catalog, site, &selection, &given, prompt, shell)?,
        };
        let is_new = |name: &str| {
            let component = catalog.get(name);
            component.is_some_and(|component| is_new(component, site))
        };
        let mut next = std::mem::take(&mut draft.next);
        next.retain(|step| step.component.as_deref().is_some_and(is_new));
        let mut wire = std::mem::take(&mut draft.wire);
        wire.retain(|wiring| is_new(&wiring.component));
        let mut change = Change::plan(site, &selection, draft, |plan| decided.settle(plan, site))?;
        change.notes.extend(come_along(site, &selection)?);
        change.notes.extend(bins::others(site, &selection)?);
        let dropped = answers::dropped(catalog, &site.record.answered);
        if !dropped.is_empty() {
            change.notes.push(format!(
                "in {ANSWERS}: {} is no longer asked, and is removed",
                told(dropped)
            ));
        }
        Ok(Renewed { change, wire, next })
    }
}

/// The components that prodify.toml lists, with those that they require.
fn selection<'c>(catalog: &'c Catalog, site: &Site) -> Result<Selection<'c>> {
    let named = site.components();
    let place = |error: anyhow::Error| Usage::new(format!("in {ANSWERS}: {error:#}"));
    let gone = named.iter().find(|name| catalog.get(name).is_none());
    if let Some(gone) = gone.filter(|_| site.record.answered.is_older()) {
        return Err(Usage::new(format!(
            "in {ANSWERS}: this version no longer has a component `{gone}`: remove it from `components`, and its files are removed too, except those that you edited"
        ))
        .into());
    }
    let components = select::all_known(catalog, named).map_err(place)?;
    if components.is_empty() {
        return Ok(Selection::default());
    }
    let home = site.home()?;
    for component in components {
        if is_new(component, site) {
            fits::check(component, site, home).map_err(place)?;
        }
    }
    let request = Request {
        home,
        start: named.iter().cloned().collect(),
        ..Request::default()
    };
    select::select(catalog, &request, Scope::Repository).map_err(|error| place(error).into())
}

/// Notes on components that are only there because others require them: removing them from prodify.toml would have no effect.
fn come_along(site: &Site, selection: &Selection<'_>) -> Result<Vec<String>> {
    let along = along::unnamed(selection, site.home()?, site.components());
    let note = |(name, by): (&str, String)| {
        format!(
            "in {ANSWERS}: `{name}` is added too, required by {by}: to leave it out, remove that from `components` too"
        )
    };
    Ok(along.into_iter().map(note).collect())
}

/// Whether nothing of a component was written so far, judging by its files.
fn is_new(component: &Component, site: &Site) -> bool {
    let mut written = site.record.base.files.values();
    !written.any(|file| file.component == component.name) && !component.templates.is_empty()
}

/// A conflict that the user has resolved.
struct Said<'a> {
    flag: &'static str,
    /// As typed.
    path: &'a str,
    side: Side,
}

impl Decided<'_> {
    /// Resolves the conflicts that the user has decided, marks those between two edits of a text, and returns the files that are
    /// left unchanged.
    fn settle(self, plan: &mut Plan, site: &Site) -> Result<Undecided> {
        let record = &site.record;
        let markers = Markers::of(site, plan);
        let mut undecided = Undecided::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for step in &mut plan.steps {
            let is_marked = markers.are_in(step);
            if !is_marked && step.action != Action::Conflict {
                continue;
            }
            let said = self.says(step)?;
            named.extend(said.as_ref().map(|said| said.path));
            // Whether new lines are left for another run.
            let is_left = match said {
                Some(said) if is_marked => {
                    let meets = step.action == Action::Conflict;
                    said.unmark(step)?;
                    meets
                }
                Some(said) => {
                    said.decide(step)?;
                    false
                }
                None if is_marked => {
                    // Its new lines are between the markers already, so they need not be merged again.
                    let is_done = record.interrupted && is_marked_with(step, record);
                    step.leave_marked();
                    !is_done
                }
                None => {
                    step.mark();
                    step.action == Action::Conflict
                }
            };
            if is_left {
                undecided.insert(step.path.clone());
            }
        }
        for (flag, paths) in [("ours", self.ours), ("theirs", self.theirs)] {
            if let Some(path) = paths.iter().find(|path| !named.contains(path.as_str())) {
                return Err(Usage::new(format!(
                    "`--{flag} {path}`: there is no conflict in a file of that name"
                ))
                .into());
            }
        }
        Ok(undecided)
    }

    /// The user's decision on a step's conflict, if there is one.
    fn says(&self, step: &Step) -> Result<Option<Said<'_>>> {
        let paths = [Some(&step.path), step.from.as_ref()];
        let names = |path: &&String| {
            let path = path.strip_prefix("./").unwrap_or(path);
            paths.iter().flatten().any(|it| it.as_str() == path)
        };
        let (ours, theirs) = (self.ours.iter().find(names), self.theirs.iter().find(names));
        let (flag, path, side) = match (ours, theirs) {
            (None, None) => return Ok(None),
            (Some(path), Some(_)) => {
                let said = format!("`{path}` is given to both --ours and --theirs");
                return Err(Usage::new(said).into());
            }
            (Some(path), None) => ("ours", path, Side::Ours),
            (None, Some(path)) => ("theirs", path, Side::Theirs),
        };
        Ok(Some(Said { flag, path, side }))
    }
}

impl Said<'_> {
    /// Resolves a conflict of this run.
    fn decide(&self, step: &mut Step) -> Result<()> {
        let why = step.why.unwrap_or_default();
        step.resolve(match self.side {
            Side::Ours => Resolution::Keep,
            Side::Theirs => Resolution::Overwrite,
        });
        match step.action {
            Action::Conflict => Err(self.refused(why)),
            _ => Ok(()),
        }
    }

    /// Resolves the conflicts of an earlier run, whose markers are still in the file.
    fn unmark(&self, step: &mut Step) -> Result<()> {
        match step.unmark(self.side) {
            true => Ok(()),
            false => Err(self.refused(
                "contains conflict markers that were edited: resolve what is left of them",
            )),
        }
    }

    fn refused(&self, why: &str) -> anyhow::Error {
        let Self { flag, path, .. } = self;
        Usage::new(format!("`--{flag} {path}`: {path} {why}")).into()
    }
}

/// Whether the markers are those of the very conflict that is about to be marked, because merging our side of them yields the
/// same markers. A killed run may have got that far.
fn is_marked_with(step: &Step, record: &Record) -> bool {
    let (Some(before), Some(after)) = (&step.before, &step.after) else {
        return false;
    };
    let marked = merge::to_lf(before);
    let base = record.base.files.get(&step.path);
    let again = base.zip(merge::side_of(&marked, Side::Ours));
    let again =
        again.map(|(base, ours)| merge::three_way(&base.text, &ours, &merge::to_lf(&after.text)));
    again == Some(Merged::Marked(marked))
}
