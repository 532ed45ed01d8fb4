//! prodify's records of a directory, `prodify.toml` and the base: read before a change, and written with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context as _, Result, bail};

use super::project::{MANIFEST, Project, is_package};
use crate::error::Usage;
use crate::facts::disk;
use crate::manifest::{self, Sides};
use crate::plan::{self, OnDisk, Plan};
use crate::provenance::{self, ANSWERS, AnswersFile, BASE, Base, Moved};
use crate::tree::{Class, File, RelPath, Tree};

/// prodify's records of a directory.
#[derive(Default)]
pub(super) struct Record {
    /// The text of `prodify.toml`, if there is one.
    pub(super) text: Option<String>,
    /// Its contents.
    pub(super) answers_file: AnswersFile,
    /// What was last written.
    pub(super) base: Base,
    /// Whether the last run was killed.
    pub(super) interrupted: bool,
}

impl Record {
    /// Reads the records; empty for a crate that has none.
    ///
    /// # Errors
    ///
    /// [`Usage`] if prodify.toml is not valid; otherwise if one of the two is missing, was edited or cannot be read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let (text, base) = (read_text(root, ANSWERS)?, read_text(root, BASE)?);
        let interrupted = disk::was_interrupted(root);
        if text.is_some() != base.is_some() && !interrupted {
            let (missing, present) = match text {
                Some(_) => (BASE, ANSWERS),
                None => (ANSWERS, BASE),
            };
            bail!(
                "{} is missing, without which {present} is incomplete: restore it from version control",
                root.join(missing).display()
            );
        }
        let answers_file = text.as_deref().map(provenance::read_answers).transpose();
        let answers_file = answers_file.map_err(|error| {
            let path = root.join(ANSWERS);
            Usage::new(format!("reading {}: {error:#}", path.display()))
        })?;
        if let Some(newer) = answers_file.as_ref().and_then(AnswersFile::newer_version) {
            let (path, own) = (root.join(ANSWERS), env!("CARGO_PKG_VERSION"));
            return Err(Usage::new(format!(
                "{} was last written by cargo prodify {newer}, and this is the older {own}: run `cargo install --locked cargo-prodify --version {newer}`",
                path.display()
            ))
            .into());
        }
        let base = base.as_deref().map(provenance::read_base).transpose();
        let base = base.with_context(|| {
            let path = root.join(BASE);
            format!(
                "reading {}, which was edited: restore it from version control",
                path.display()
            )
        })?;
        let base = base.unwrap_or_default();
        // It could not be told who wrote the other entries, nor even whether the package existed before.
        if base.doubtful.contains(MANIFEST) {
            bail!(
                "{} was edited, and no longer says reliably which entries of {MANIFEST} are from cargo prodify: restore it from version control",
                root.join(BASE).display()
            );
        }
        Ok(Self {
            text,
            answers_file: answers_file.unwrap_or_default(),
            base,
            interrupted,
        })
    }

    /// The paths of files that were added to an existing crate; none if `new` created it.
    ///
    /// # Errors
    ///
    /// As [`Record::created_by_new`].
    pub(super) fn added_files(&self, root: &Path) -> Result<impl Iterator<Item = PathBuf>> {
        let is_new = self.created_by_new()?;
        let moved = &self.base.moved;
        let files = self.base.files.keys().filter(move |_| !is_new);
        Ok(files.map(move |path| moved.get(path).unwrap_or(path).in_root(root)))
    }

    /// What is wrong with the base, if anything; an update repairs it.
    fn damage(&self) -> Option<&'static str> {
        match &self.base {
            base if base.conflicting => Some("contains git's conflict markers"),
            base if !base.doubtful.is_empty() => Some("was edited"),
            _ => None,
        }
    }

    /// Whether `new` created the package, in which case all of it is prodify's, including its name.
    pub(super) fn created_by_new(&self) -> Result<bool> {
        is_package(self.entries())
    }

    /// prodify's entries in Cargo.toml.
    pub(super) fn entries(&self) -> &str {
        self.base
            .files
            .get(MANIFEST)
            .map_or("", |file| file.text.as_str())
    }
}

/// The steps for both records, in addition to those of `plan`; they are deleted with the last component.
///
/// # Errors
///
/// If one cannot be read, or if prodify.toml is written in a way that cannot be edited.
pub(super) fn plan(
    project: &Project,
    plan: &Plan,
    mut answers_file: AnswersFile,
    (files, moved): (&Tree, &Moved),
) -> Result<Plan> {
    let previous = AnswersFile {
        name: answers_file.name.clone(),
        ..project.record.answers_file.clone()
    };
    let as_before = AnswersFile {
        version: previous.version.clone(),
        ..answers_file.clone()
    };
    // The version is only recorded if it changes something; otherwise it leaves no trace.
    if as_before == previous && !plan.changes() {
        answers_file = as_before;
    }
    let mut records = Tree::new();
    if answers_file.components.iter().flatten().next().is_some() {
        let answers = merge_answers(project, &previous, &answers_file)?;
        let base = provenance::write_base(files, moved);
        for (path, text) in [(ANSWERS, answers), (BASE, base)] {
            records.insert(RelPath::new(path)?, File::of_prodify(text, Class::Tool));
        }
    }
    let mut plan = plan_records(project, records)?;
    let of_base = plan
        .steps
        .iter_mut()
        .find(|step| step.path.as_str() == BASE);
    if let Some(step) = of_base {
        step.why = project.record.damage();
    }
    Ok(plan)
}

/// The answers, merged into the user's file: comments and order are kept.
fn merge_answers(
    project: &Project,
    previous: &AnswersFile,
    answers_file: &AnswersFile,
) -> Result<String> {
    let new = provenance::write_answers(answers_file);
    let Some(ours) = &project.record.text else {
        return Ok(new);
    };
    let sides = Sides {
        base: &provenance::write_answers(previous),
        ours,
        theirs: &new,
        yields: &BTreeMap::new(),
        interrupted: false,
    };
    let merged = manifest::merge(&sides);
    Ok(merged.with_context(|| format!("editing {ANSWERS}"))?.text)
}

fn plan_records(project: &Project, records: Tree) -> Result<Plan> {
    let paths = [RelPath::new(ANSWERS)?, RelPath::new(BASE)?];
    let ours = disk::read(&project.root, &paths)?;
    let before = ours.iter().filter_map(|(path, found)| match found {
        OnDisk::Text { text, .. } => {
            Some((path.clone(), File::of_prodify(text.clone(), Class::Tool)))
        }
        OnDisk::Other(_) => None,
    });
    let before = before.collect();
    let plan = plan::plan(&before, ours, records);
    // If the record of files cannot be written, they must not be either.
    if let Some(step) = plan.conflicts().next() {
        let (place, why) = (
            step.path.in_root(&project.root),
            step.why.unwrap_or_default(),
        );
        bail!("{} {why}: put a regular file there", place.display());
    }
    Ok(plan)
}

/// The text of one of prodify's own files; `None` if there is none.
pub(super) fn read_text(root: &Path, path: &str) -> Result<Option<String>> {
    let place = RelPath::new(path)?.in_root(root);
    match fs::read_to_string(&place) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", place.display())),
    }
}
