//! The change to an existing crate: all of its files, and all entries in its Cargo.toml.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};

use super::project::{MANIFEST, Project, is_package};
use super::{moves, overlay, records};
use crate::catalog::{EntryValue, Warning};
use crate::draft::Draft;
use crate::error::Usage;
use crate::facts::disk;
use crate::facts::mentions::{self, Mention};
use crate::manifest::{self, Existing, Merged, Sides};
use crate::plan::{Action, OnDisk, Plan, Resolution, Step, Trees};
use crate::provenance::{ANSWERS, AnswersFile, Moved};
use crate::select::Selection;
use crate::tree::{Class, File, RelPath, Tree};

/// A change to a crate, complete to the last byte.
pub(super) struct Change {
    pub(super) plan: Plan,
    /// The project's name.
    pub(super) name: String,
    /// The components that it has afterwards.
    pub(super) components: Vec<String>,
    /// Notes for the user.
    pub(super) notes: Vec<String>,
    /// The conflicts left to the user.
    pub(super) undecided: Undecided,
}

impl Change {
    /// Plans the change from the crate as it is to the drafted components; `resolve` may resolve conflicts before the record of
    /// what was written is made.
    ///
    /// # Errors
    ///
    /// [`Usage`] if the package itself would be removed; otherwise if a file cannot be read, or if `resolve` fails.
    pub(super) fn plan(
        project: &Project,
        selection: &Selection<'_>,
        draft: Draft,
        resolve: impl FnOnce(&mut Plan) -> Result<Undecided>,
    ) -> Result<Self> {
        let placeholders = draft.placeholders();
        let mut theirs = draft.tree;
        let fragment = theirs.remove(MANIFEST).map(|file| file.text);
        let fragment = fragment.unwrap_or_default();
        refuse_package_removal(project, &fragment)?;
        let mut base = project.record.base.files.clone();
        base.remove(MANIFEST);
        let mut standing_notes: Vec<String> = placeholders.into_iter().chain(draft.notes).collect();
        standing_notes.extend(leave_out(project, selection, &mut theirs));

        let written = theirs.clone();
        let (mut trees, mut notes) = moves::follow(project, selection, base, theirs)?;
        notes.extend(draft.pins.reconcile_trees(&mut trees));
        let mut plan = trees.plan();
        keep_edits(&mut plan, &trees);
        let undecided = resolve(&mut plan)?;
        let (mut next_base, moved) = next_base(project, &plan, &trees, written, &undecided);
        if let Some((step, merged)) = merge_manifest(project, selection, &fragment)? {
            standing_notes.extend(merged.yours);
            standing_notes.extend(warnings(project, selection, &merged.text)?);
            notes.extend(merged.left);
            plan.extend([step]);
            if !merged.owned.is_empty() {
                next_base.insert(RelPath::new(MANIFEST)?, File::of_project(merged.owned));
            }
        }
        let stays = |name: &String| selection.names().any(|other| other == name);
        // These were shown when the component was added, so they are nothing new when one is removed.
        if project.components().iter().all(stays) {
            notes.extend(standing_notes);
        }

        let name = project.name()?;
        let components = components(project, selection);
        let templates = match &draft.templates {
            Some(directory) => Some(overlay::relative_path(&project.root, directory)?),
            None => project.record.answers_file.templates.clone(),
        };
        let answers_file = AnswersFile {
            version: None,
            name: Some(name.clone()),
            bins: draft.bins,
            components: Some(components.clone()),
            templates,
            answers: draft.answers,
        };
        plan.extend(records::plan(project, &plan, answers_file, (&next_base, &moved))?.steps);
        Ok(Self {
            plan,
            name,
            components,
            notes,
            undecided,
        })
    }
}

/// Unchanged files that are left to the user: their base stays the same.
pub(super) type Undecided = BTreeSet<RelPath>;

/// The components afterwards: in the order of the user's list, if it has the same ones.
fn components(project: &Project, selection: &Selection<'_>) -> Vec<String> {
    let present: BTreeSet<&str> = project.components().iter().map(String::as_str).collect();
    if selection.names().collect::<BTreeSet<_>>() == present {
        return project.components().to_vec();
    }
    selection.names().map(str::to_owned).collect()
}

/// In a project created by `new`, the package itself is prodify's, and cannot be removed.
fn refuse_package_removal(project: &Project, fragment: &str) -> Result<()> {
    if project.record.created_by_new()? && !is_package(fragment)? {
        let root = project.root.display();
        return Err(Usage::new(match project.components().is_empty() {
            true => format!(
                "{} lists no components, and without any there would be no package: restore it from version control",
                project.root.join(ANSWERS).display()
            ),
            false => format!(
                "this would remove the package itself: if you mean that, delete the directory {root}"
            ),
        })
        .into());
    }
    Ok(())
}

/// Leaves out files for which the crate has its own equivalents; returns notes on them.
fn leave_out(project: &Project, selection: &Selection<'_>, theirs: &mut Tree) -> Vec<String> {
    let mut notes = Vec::new();
    let rules = selection
        .components
        .iter()
        .flat_map(|component| &component.existing.files);
    for (path, others) in rules {
        let own = others.iter().find(|other| {
            let is_there = project.root.join(other).is_file();
            is_there && !project.record.base.files.contains_key(other.as_str())
        });
        if let Some(own) = own
            && theirs.remove(path.as_str()).is_some()
        {
            notes.push(format!("left out {path}, since {own} exists"));
        }
    }
    notes
}

/// Edited files that are no longer wanted stay: anything else would lose the edits.
fn keep_edits(plan: &mut Plan, trees: &Trees) {
    let edited = plan.steps.iter_mut().filter(|step| {
        step.action == Action::Conflict && step.after.is_none() && !trees.is_split(step)
    });
    for step in edited {
        step.resolve(Resolution::Keep);
        step.why = Some("contains edits of yours, and stays");
    }
}

/// The edit of Cargo.toml, if a component has or had entries in it.
fn merge_manifest(
    project: &Project,
    selection: &Selection<'_>,
    fragment: &str,
) -> Result<Option<(Step, Merged)>> {
    if fragment.is_empty() && project.record.entries().is_empty() {
        return Ok(None);
    }
    let path = RelPath::new(MANIFEST)?;
    let place = path.in_root(&project.root);
    let ours = match disk::read(&project.root, [&path])?.remove(&path) {
        Some(OnDisk::Text { text, .. }) => text,
        Some(OnDisk::Other(why)) => bail!(
            "{} {why}: put a text file there, so that entries can be added to it",
            place.display()
        ),
        None => bail!("{} no longer exists", place.display()),
    };
    let existing = Existing {
        base: project.record.entries(),
        own: &ours,
        workspace: &project
            .workspace_manifest()?
            .unwrap_or_else(|| ours.clone()),
    };
    let fragment = manifest::fit(fragment, existing)
        .with_context(|| format!("adding to {}", place.display()))?;
    let rules = selection
        .components
        .iter()
        .flat_map(|component| &component.existing.entries);
    let yields: BTreeMap<_, _> = rules
        .map(|(entry, to)| (entry.clone(), to.clone()))
        .collect();
    let sides = Sides {
        base: project.record.entries(),
        ours: &ours,
        theirs: &fragment,
        yields: &yields,
        interrupted: project.record.interrupted,
    };
    let merged = manifest::merge(&sides).with_context(|| format!("editing {}", place.display()))?;
    let (action, why) = if merged.text == ours {
        (Action::Identical, None)
    } else {
        let without = "without its entries; the rest stays as it is";
        let with = "with its entries; the rest stays as it is";
        (
            Action::Update,
            Some(if fragment.is_empty() { without } else { with }),
        )
    };
    let after =
        (action == Action::Update).then(|| File::of_prodify(merged.text.clone(), Class::Shared));
    let step = Step {
        before: Some(ours),
        after,
        ..Step::new(path, action, why)
    };
    Ok(Some((step, merged)))
}

/// The base for the next update: what was written, except what the user already had.
fn next_base(
    project: &Project,
    plan: &Plan,
    trees: &Trees,
    mut theirs: Tree,
    undecided: &Undecided,
) -> (Tree, Moved) {
    let base = &project.record.base;
    let identical = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Identical);
    for step in identical {
        let (template, base_path) = trees.record_paths(&step.path);
        if !(base.files.contains_key(base_path) || project.record.interrupted) {
            theirs.remove(template);
        }
    }
    let mut moved = trees.moved();
    for path in undecided {
        let (template, base_path) = trees.record_paths(path);
        theirs.remove(template);
        // An uncertain record does not become certain by being written again.
        let before = base.files.get(base_path);
        let before = before.filter(|_| !base.doubtful.contains(base_path));
        theirs.extend(before.map(|file| (base_path.clone(), file.clone())));
        let place = moved.remove(template);
        moved.extend(place.map(|place| (base_path.clone(), place)));
    }
    moved.retain(|path, _| theirs.contains_key(path));
    (theirs, moved)
}

/// Warnings about code in the sources that the manifest breaks.
fn warnings(project: &Project, selection: &Selection<'_>, manifest: &str) -> Result<Vec<String>> {
    let components = selection.components.iter();
    let all = components.flat_map(|component| &component.existing.warnings);
    let mut relevant = Vec::new();
    for warning in all {
        let is_relevant = match &warning.entry {
            Some(EntryValue { key, is }) => manifest::value(manifest, key)?.as_ref() == Some(is),
            None => true,
        };
        relevant.extend(is_relevant.then_some(warning));
    }
    if relevant.is_empty() {
        return Ok(Vec::new());
    }
    let sources = mentions::read_sources(&project.location.metadata);
    let mut mentions: Vec<String> = sources.note(&project.root).into_iter().collect();
    for Warning { words, why, .. } in relevant {
        for Mention { path, line, word } in mentions::find(&sources, words) {
            let path = path.strip_prefix(&project.root).unwrap_or(&path);
            let path = path.display().to_string();
            // Files written by prodify are not the crate's own code.
            if !project.record.base.files.contains_key(&*path) {
                mentions.push(format!("{path}:{line}: `{word}` {why}"));
            }
        }
    }
    mentions.sort();
    mentions.dedup();
    Ok(mentions)
}
