//! Files that a component replaced, and how to restore them when it is removed.

use std::path::Path;

use super::command_line::shell_word;
use super::project::Project;
use crate::plan::{Action, Plan, Step};
use crate::provenance::{self, BASE, Base, Moved, is_record};
use crate::render::NextStep;
use crate::tree::RelPath;
use crate::vcs;

/// The number of commits to the record that are examined.
const MAX_COMMITS: usize = 30;

/// The commands that restore what `--overwrite` once replaced at the paths that a plan deletes.
pub(super) fn commands(project: &Project, plan: &Plan) -> Vec<NextStep> {
    let quoted = |path: &str| match &*project.display_path {
        "." => shell_word(path),
        shown => shell_word(&format!("{shown}/{path}")),
    };
    let step = |command: String| NextStep {
        component: None,
        command,
        why: "restore what was there before".to_owned(),
    };
    let is_deleted = |step: &&Step| step.action == Action::Delete && !is_record(&step.path);
    let (mut steps, mut others) = (Vec::new(), Vec::new());
    let deleted = plan.steps.iter().filter(is_deleted);
    for path in deleted.map(|step| step.path.as_str()) {
        match backup(&project.root, path) {
            Some(backup) => {
                steps.push(step(format!("mv {} {}", quoted(&backup), quoted(path))));
            }
            None => others.push(path),
        }
    }
    for (commit, present) in committed(project, others) {
        let present: Vec<String> = present.into_iter().map(quoted).collect();
        let command = format!("git restore --source {commit} -- {}", present.join(" "));
        steps.push(step(command));
    }
    steps
}

/// The backup beside a replaced file; the last one, if there are several.
fn backup(root: &Path, path: &str) -> Option<String> {
    let numbered = (2..).map(|number| format!("{path}.orig.{number}"));
    let all = std::iter::once(format!("{path}.orig")).chain(numbered);
    all.take_while(|name| root.join(name).is_file()).last()
}

/// The commits with the user's files at some of the paths, each with those paths: the last ones before prodify wrote its own.
fn committed<'p>(project: &Project, mut paths: Vec<&'p str>) -> Vec<(String, Vec<&'p str>)> {
    let root = &project.root;
    let mut found = Vec::new();
    let before = vcs::commits_of(root, BASE, MAX_COMMITS);
    let before = before.into_iter().map(|commit| format!("{commit}~"));
    for commit in std::iter::once("HEAD".to_owned()).chain(before) {
        if paths.is_empty() {
            break;
        }
        let base = vcs::text_at(&commit, root, BASE);
        let base = base.and_then(|text| provenance::read_base(&text).ok());
        let base = base.unwrap_or_default();
        let is_written = |path: &&str| was_written(path, &base, &project.record.base.moved);
        let (written, mut others): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_written);
        let present = vcs::files_at(&commit, root, &others);
        others.retain(|path| present.iter().any(|it| it == path));
        if !others.is_empty() {
            found.push((commit, others));
        }
        paths = written;
    }
    found
}

/// Whether, according to a base and the files `moved` so far, prodify's file was at a path: a move is only recorded by the update
/// after it.
fn was_written(path: &str, base: &Base, moved: &Moved) -> bool {
    let is_at = |(_, place): &(&RelPath, &RelPath)| place.as_str() == path;
    let template = moved.iter().find(is_at).map(|(template, _)| template);
    base.files.contains_key(path)
        || base.moved.iter().any(|it| is_at(&it))
        || template.is_some_and(|template| base.files.contains_key(template))
}
