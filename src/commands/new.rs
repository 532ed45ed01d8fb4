//! `cargo prodify new`: a new production service.

use anyhow::{Context as _, Result};

use super::command_line::shell_word;
use super::command_line_answers::CommandLineAnswers;
use super::project::Purpose;
use super::target::{Placement, Target};
use super::{conflicts, overlay, wizard};
use crate::apply::{Lock, apply};
use crate::catalog::{Catalog, Preset};
use crate::cli::{New, Vcs};
use crate::draft::{self, Draft, Subject};
use crate::error::Usage;
use crate::facts::disk;
use crate::facts::surroundings::{Membership, Workspace};
use crate::plan::{self, Action, Plan, Step};
use crate::prompt::Prompt;
use crate::provenance::{self, AnswersFile, Moved};
use crate::render::{NextStep, membership};
use crate::report::{Ending, FileReport, Report, Written};
use crate::select::{self, Request, Selection};
use crate::shell::Shell;
use crate::tree::{Class, File, RelPath, Tree};
use crate::vcs::{self, InitOutcome};

/// The preset that is used by default.
const PRESET: Preset = Preset::Standard;

/// Creates a new project.
///
/// # Errors
///
/// If anything prevents it; nothing is written then.
pub(super) fn run(catalog: &Catalog, arguments: &New, shell: &Shell) -> Result<Report> {
    let mut terminal = wizard::terminal(arguments.answers.non_interactive)?;
    let mut wizard = terminal
        .as_mut()
        .filter(|_| !arguments.answers.defaults)
        .map(|terminal| terminal as &mut dyn Prompt);

    // A mistake in a flag is reported before the first question rather than after the last.
    let mut given = CommandLineAnswers::read(catalog, &arguments.answers)?;
    for name in arguments.with.iter().chain(&arguments.without) {
        select::find(catalog, name)?;
    }
    let target = Target::choose(arguments, wizard.as_deref_mut())?;
    let components = given.file.components.take();
    let given = given.for_project(catalog, &target.name)?;
    let (place, _lock) = lock_placement(&target, arguments)?;
    let request = request(
        catalog,
        arguments,
        components.as_deref(),
        wizard.as_deref_mut(),
    )?;
    let selection = select::select_new(catalog, &request, place.widest)?;
    let draft = draft::draft(
        catalog,
        &Subject::new(&target.name),
        &selection,
        &given,
        wizard,
        shell,
    )?;

    let mut project = NewProject::plan(&target, &place, &selection, draft)?;
    let prompt = terminal
        .as_mut()
        .map(|terminal| terminal as &mut dyn Prompt);
    conflicts::resolve(&mut project.plan, &arguments.writing, prompt, shell)?;
    let mut written = project.report(arguments, &target, &place, &selection);
    if written.is_dry || written.outcome == Ending::Conflict {
        return Ok(Report::Written(Box::new(written)));
    }
    let confirms = written.outcome == Ending::Done && !arguments.answers.defaults;
    if let Some(terminal) = terminal.as_mut().filter(|_| confirms) {
        wizard::confirm(terminal, &project.plan, &written.path, shell)?;
    }
    // Even with nothing left to write: the run that wrote the files may have been killed before these steps.
    let originals = conflicts::originals(&place.root, &project.plan);
    apply(&place.root, &project.plan, &originals)?;
    written
        .notes
        .extend(init_repository(arguments.vcs, &target, &place, &project));
    Ok(Report::Written(Box::new(written)))
}

/// The project's place, locked against other runs until the lock is dropped. A directory that does not exist yet is created
/// atomically, and needs no lock.
fn lock_placement(target: &Target, arguments: &New) -> Result<(Placement, Option<Lock>)> {
    let place = Placement::find(target, arguments.workspace)?;
    if arguments.writing.preview.is_dry() || !place.root.exists() {
        return Ok((place, None));
    }
    let lock = Purpose::Write.lock(&place.root)?;
    // Another run may have added a member to the workspace in the meantime.
    Ok((Placement::find(target, arguments.workspace)?, lock))
}

/// The requested preset, or the components of the answers file, and those to add and leave out.
fn request(
    catalog: &Catalog,
    arguments: &New,
    answers_file: Option<&[String]>,
    prompt: Option<&mut (dyn Prompt + '_)>,
) -> Result<Request> {
    let (with, without) = (arguments.with.clone(), arguments.without.clone());
    let start = match (arguments.preset, answers_file, prompt) {
        (Some(preset), _, _) => select::preset(catalog, preset),
        (None, Some(components), _) => components.iter().cloned().collect(),
        (None, None, Some(prompt)) if with.is_empty() && without.is_empty() => {
            wizard::components(catalog, prompt, PRESET)?
        }
        (None, None, _) => select::preset(catalog, PRESET),
    };
    Ok(Request {
        start,
        with,
        without,
        ..Request::default()
    })
}

/// A project, complete to the last byte.
struct NewProject {
    plan: Plan,
    next: Vec<NextStep>,
    /// The initial branch of its repository.
    branch: String,
    /// Whether the directory contained files that are not part of the project.
    has_unrelated_files: bool,
    /// The answers for which a placeholder stands in.
    placeholders: Option<String>,
}

impl NewProject {
    fn plan(
        target: &Target,
        place: &Placement,
        selection: &Selection<'_>,
        draft: Draft,
    ) -> Result<Self> {
        let branch = draft
            .answers
            .get("project.branch")
            .map_or_else(|| "main".to_owned(), ToString::to_string);
        let placeholders = draft.placeholders();
        let templates = draft.templates.as_deref();
        let answers = provenance::write_answers(&AnswersFile {
            templates: templates
                .map(|directory| overlay::relative_path(&target.directory, directory))
                .transpose()?,
            name: Some(target.name.clone()),
            components: Some(selection.names().map(str::to_owned).collect()),
            answers: draft.answers,
            ..AnswersFile::default()
        });
        let base = provenance::write_base(&draft.tree, &Moved::new());
        let mut tree = draft.tree;
        fit_manifest(&mut tree, place)?;
        for (path, text) in [(provenance::ANSWERS, answers), (provenance::BASE, base)] {
            tree.insert(RelPath::new(path)?, File::of_prodify(text, Class::Tool));
        }

        let unrelated = if target.directory.exists() {
            disk::unrelated_files(&target.directory, tree.keys())?
        } else {
            Vec::new()
        };
        let mut theirs = Tree::new();
        for (path, file) in tree {
            theirs.insert(path.below(&place.prefix)?, file);
        }
        let mut ours = disk::read(&place.root, theirs.keys())?;
        let missing = theirs.keys().filter(|path| !ours.contains_key(*path));
        let modules = disk::modules(&place.root, missing);
        ours.extend(modules);
        let mut plan = plan::plan(&Tree::new(), ours, theirs);
        refuse_recreation(&plan, target)?;
        let has_unrelated_files = !unrelated.is_empty();
        let conflicts = unrelated.iter().map(|file| {
            Ok(Step::new(
                file.below(&place.prefix)?,
                Action::Conflict,
                Some("already exists, and is not part of the project"),
            ))
        });
        plan.extend(conflicts.collect::<Result<Vec<_>>>()?);
        plan.extend(join_workspace(place)?);
        Ok(Self {
            plan,
            next: draft.next,
            branch,
            has_unrelated_files,
            placeholders,
        })
    }

    fn report(
        &self,
        arguments: &New,
        target: &Target,
        place: &Placement,
        selection: &Selection<'_>,
    ) -> Written {
        let outcome = conflicts::ending(&self.plan, &arguments.writing);
        let enter = (target.display_path != ".").then(|| NextStep {
            component: None,
            command: format!("cd {}", shell_word(&target.display_path)),
            why: "the new project".to_owned(),
        });
        let mut notes = place.notes(target, selection);
        notes.extend(self.placeholders.clone());
        Written {
            command: "new",
            outcome,
            is_dry: arguments.writing.preview.is_dry(),
            name: target.name.clone(),
            path: target.display_path.clone(),
            components: selection.names().map(str::to_owned).collect(),
            files: FileReport::from_plan(&self.plan, arguments.writing.preview.diff),
            notes,
            wire: Vec::new(),
            next: enter.into_iter().chain(self.next.iter().cloned()).collect(),
            again: None,
        }
    }
}

/// Adapts the manifest to the project's place.
fn fit_manifest(tree: &mut Tree, place: &Placement) -> Result<()> {
    let Some(workspace) = &place.surroundings.workspace else {
        return Ok(());
    };
    let Some(file) = tree.get_mut(&RelPath::new("Cargo.toml")?) else {
        return Ok(());
    };
    file.text = match (place.joins, workspace.membership) {
        (true, _) => membership::inherit(&file.text, &workspace.manifest)?,
        (false, Membership::Excluded) => return Ok(()),
        (false, _) => membership::stand_alone(&file.text)?,
    };
    Ok(())
}

/// The change to the workspace's manifest that adds the project as a member.
fn join_workspace(place: &Placement) -> Result<Option<Step>> {
    let Some(
        workspace @ Workspace {
            membership: Membership::Missing,
            ..
        },
    ) = place
        .surroundings
        .workspace
        .as_ref()
        .filter(|_| place.joins)
    else {
        return Ok(None);
    };
    let place = || {
        format!(
            "adding {} to {}",
            workspace.member,
            workspace.root.join("Cargo.toml").display()
        )
    };
    let text = membership::add_member(&workspace.manifest, workspace.member.as_str())
        .with_context(place)?;
    Ok(Some(Step {
        before: Some(workspace.manifest.clone()),
        after: Some(File::of_prodify(text, Class::Shared)),
        ..Step::new(
            RelPath::new("Cargo.toml")?,
            Action::Update,
            Some("lists the new member"),
        )
    }))
}

/// Refuses to create a project again with other answers.
fn refuse_recreation(plan: &Plan, target: &Target) -> Result<()> {
    let other = plan.conflicts().any(|step| {
        provenance::is_record(&step.path) && step.path.as_str().ends_with(provenance::ANSWERS)
    });
    if other {
        let shown = &target.display_path;
        return Err(Usage::new(format!("{shown} is already a project of cargo prodify, with other answers (see {shown}/prodify.toml): choose another path")).into());
    }
    Ok(())
}

/// Creates a repository if one is wanted; returns a note if the result is not the expected one.
fn init_repository(
    asked: Option<Vcs>,
    target: &Target,
    place: &Placement,
    project: &NewProject,
) -> Option<String> {
    let why = match (asked, place.surroundings.repository.as_deref()) {
        (Some(Vcs::None), _) | (None, Some(_)) => return None,
        (Some(Vcs::Git), Some(top)) => {
            format!("{} is in the one at {}", target.display_path, top.display())
        }
        (_, None) if project.has_unrelated_files => {
            "the directory contains files that are not part of the project".to_owned()
        }
        (_, None) => match vcs::init(&target.directory, &project.branch) {
            InitOutcome::Committed => return None,
            InitOutcome::Staged(why) => {
                return Some(format!("the files are staged but not committed: {why}"));
            }
            InitOutcome::Failed(why) => why,
        },
    };
    Some(format!("no repository was created: {why}"))
}
