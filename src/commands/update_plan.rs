//! The common part of `update` and `check`: plans the project as this version and the current answers would have it.

use std::collections::BTreeSet;

use anyhow::Result;

use super::change::{Change, Undecided};
use super::existing;
use super::markers::Markers;
use super::project::Project;
use super::records::Record;
use super::{bins, eligibility, requirements};
use crate::answers::{self, GivenAnswers};
use crate::catalog::{Catalog, Component, Scope};
use crate::draft::Draft;
use crate::error::{Usage, list_names};
use crate::merge::{self, Merged, Side};
use crate::plan::{Action, Plan, Resolution, Step};
use crate::prompt::Prompt;
use crate::provenance::ANSWERS;
use crate::render::{NextStep, Wiring};
use crate::select::{self, Request, Selection};
use crate::shell::Shell;

/// The inputs of an update.
pub(super) struct UpdateRequest<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) project: &'a Project,
    pub(super) given: GivenAnswers,
    pub(super) resolutions: Resolutions<'a>,
    pub(super) shell: &'a Shell,
}

/// Conflicts that the user has resolved on the command line, by path.
#[derive(Clone, Copy, Default)]
pub(super) struct Resolutions<'a> {
    pub(super) ours: &'a [String],
    pub(super) theirs: &'a [String],
}

/// The result.
pub(super) struct PlannedUpdate {
    pub(super) change: Change,
    /// The lines for the crate's own sources that new components need.
    pub(super) wire: Vec<Wiring>,
    /// Commands to run for them.
    pub(super) next: Vec<NextStep>,
}

impl UpdateRequest<'_> {
    /// Plans the update.
    ///
    /// # Errors
    ///
    /// If prodify.toml asks for something that this version does not have or cannot do; if a path given as resolved is not in
    /// conflict; otherwise if a file cannot be read.
    pub(super) fn plan(self, prompt: Option<&mut dyn Prompt>) -> Result<PlannedUpdate> {
        let Self {
            catalog,
            project,
            given,
            resolutions,
            shell,
        } = self;
        let given = given.with_record(catalog, &project.record.answers_file)?;
        let selection = selection(catalog, project)?;
        bins::check_exist(project)?;
        let mut draft = match selection.components.is_empty() {
            true => Draft::default(),
            false => existing::draft(catalog, project, &selection, &given, prompt, shell)?,
        };
        let is_new = |name: &str| {
            let component = catalog.get(name);
            component.is_some_and(|component| is_new(component, project))
        };
        let mut next = std::mem::take(&mut draft.next);
        next.retain(|step| step.component.as_deref().is_some_and(is_new));
        let mut wire = std::mem::take(&mut draft.wire);
        wire.retain(|wiring| is_new(&wiring.component));
        let mut change = Change::plan(project, &selection, draft, |plan| {
            resolutions.apply(plan, project)
        })?;
        change.notes.extend(implied_notes(project, &selection)?);
        change.notes.extend(bins::note_others(project, &selection)?);
        let dropped = answers::dropped(catalog, &project.record.answers_file);
        if !dropped.is_empty() {
            change.notes.push(format!(
                "in {ANSWERS}: {} is no longer asked, and is removed",
                list_names(dropped)
            ));
        }
        Ok(PlannedUpdate { change, wire, next })
    }
}

/// The components that prodify.toml lists, with those that they require.
fn selection<'c>(catalog: &'c Catalog, project: &Project) -> Result<Selection<'c>> {
    let named = project.components();
    let place = |error: anyhow::Error| Usage::new(format!("in {ANSWERS}: {error:#}"));
    let missing = named.iter().find(|name| catalog.get(name).is_none());
    if let Some(missing) = missing.filter(|_| project.record.answers_file.is_older()) {
        return Err(Usage::new(format!(
            "in {ANSWERS}: this version no longer has a component `{missing}`: remove it from `components`, and its files are removed too, except those that you edited"
        ))
        .into());
    }
    let components = select::find_all(catalog, named).map_err(place)?;
    if components.is_empty() {
        return Ok(Selection::default());
    }
    let kind = project.kind()?;
    for component in components {
        if is_new(component, project) {
            eligibility::check(component, project, kind).map_err(place)?;
        }
    }
    let request = Request {
        kind,
        start: named.iter().cloned().collect(),
        ..Request::default()
    };
    select::select(catalog, &request, Scope::Repository).map_err(|error| place(error).into())
}

/// Notes on components that are only there because others require them: removing them from prodify.toml would have no effect.
fn implied_notes(project: &Project, selection: &Selection<'_>) -> Result<Vec<String>> {
    let implied = requirements::implied(selection, project.kind()?, project.components());
    let note = |(name, by): (&str, String)| {
        format!(
            "in {ANSWERS}: `{name}` is added too, required by {by}: to leave it out, remove that from `components` too"
        )
    };
    Ok(implied.into_iter().map(note).collect())
}

/// Whether nothing of a component was written so far, judging by its files.
fn is_new(component: &Component, project: &Project) -> bool {
    let mut written = project.record.base.files.values();
    !written.any(|file| file.component == component.name) && !component.templates.is_empty()
}

/// A conflict that the user has resolved.
struct SideChoice<'a> {
    flag: &'static str,
    /// As typed.
    path: &'a str,
    side: Side,
}

impl Resolutions<'_> {
    /// Resolves the conflicts that the user has decided, marks those between two edits of a text, and returns the files that are
    /// left unchanged.
    fn apply(self, plan: &mut Plan, project: &Project) -> Result<Undecided> {
        let record = &project.record;
        let markers = Markers::find(project, plan);
        let mut undecided = Undecided::new();
        let mut named: BTreeSet<&str> = BTreeSet::new();
        for step in &mut plan.steps {
            let is_marked = markers.are_in(step);
            if !is_marked && step.action != Action::Conflict {
                continue;
            }
            let choice = self.choice_for(step)?;
            named.extend(choice.as_ref().map(|choice| choice.path));
            // Whether new lines are left for another run.
            let is_left = match choice {
                Some(choice) if is_marked => {
                    let has_new_conflict = step.action == Action::Conflict;
                    choice.resolve_markers(step)?;
                    has_new_conflict
                }
                Some(choice) => {
                    choice.resolve(step)?;
                    false
                }
                None if is_marked => {
                    // Its new lines are between the markers already, so they need not be merged again.
                    let is_done = record.interrupted && is_marked_with(step, record);
                    step.leave_marked();
                    !is_done
                }
                None => {
                    step.mark_conflict();
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
    fn choice_for(&self, step: &Step) -> Result<Option<SideChoice<'_>>> {
        let paths = [Some(&step.path), step.from.as_ref()];
        let names = |path: &&String| {
            let path = path.strip_prefix("./").unwrap_or(path);
            paths.iter().flatten().any(|it| it.as_str() == path)
        };
        let (ours, theirs) = (self.ours.iter().find(names), self.theirs.iter().find(names));
        let (flag, path, side) = match (ours, theirs) {
            (None, None) => return Ok(None),
            (Some(path), Some(_)) => {
                let message = format!("`{path}` is given to both --ours and --theirs");
                return Err(Usage::new(message).into());
            }
            (Some(path), None) => ("ours", path, Side::Ours),
            (None, Some(path)) => ("theirs", path, Side::Theirs),
        };
        Ok(Some(SideChoice { flag, path, side }))
    }
}

impl SideChoice<'_> {
    /// Resolves a conflict of this run.
    fn resolve(&self, step: &mut Step) -> Result<()> {
        let why = step.why.unwrap_or_default();
        step.resolve(match self.side {
            Side::Ours => Resolution::Keep,
            Side::Theirs => Resolution::Overwrite,
        });
        match step.action {
            Action::Conflict => Err(self.refusal(why)),
            _ => Ok(()),
        }
    }

    /// Resolves the conflicts of an earlier run, whose markers are still in the file.
    fn resolve_markers(&self, step: &mut Step) -> Result<()> {
        match step.resolve_markers(self.side) {
            true => Ok(()),
            false => Err(self.refusal(
                "contains conflict markers that were edited: resolve what is left of them",
            )),
        }
    }

    fn refusal(&self, why: &str) -> anyhow::Error {
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
