//! Files that a component replaced, and how to restore them when it is removed.

use std::path::Path;

use super::site::Site;
use super::typed::shell_word;
use crate::plan::{Action, Plan, Step};
use crate::provenance::{self, BASE, Base, Moved, is_record};
use crate::render::NextStep;
use crate::tree::RelPath;
use crate::vcs;

/// The number of commits to the record that are examined.
const LOOKED_AT: usize = 30;

/// The commands that restore what `--overwrite` once replaced at the paths that a plan deletes.
pub(super) fn ways_back(site: &Site, plan: &Plan) -> Vec<NextStep> {
    let typed = |path: &str| match &*site.shown {
        "." => shell_word(path),
        shown => shell_word(&format!("{shown}/{path}")),
    };
    let step = |command: String| NextStep {
        component: None,
        command,
        why: "restore what was there before".to_owned(),
    };
    let is_gone = |step: &&Step| step.action == Action::Delete && !is_record(&step.path);
    let (mut steps, mut others) = (Vec::new(), Vec::new());
    let gone = plan.steps.iter().filter(is_gone);
    for path in gone.map(|step| step.path.as_str()) {
        match original(&site.root, path) {
            Some(original) => {
                steps.push(step(format!("mv {} {}", typed(&original), typed(path))));
            }
            None => others.push(path),
        }
    }
    for (commit, held) in held_by_git(site, others) {
        let held: Vec<String> = held.into_iter().map(typed).collect();
        let command = format!("git restore --source {commit} -- {}", held.join(" "));
        steps.push(step(command));
    }
    steps
}

/// The backup beside a replaced file; the last one, if there are several.
fn original(root: &Path, path: &str) -> Option<String> {
    let numbered = (2..).map(|number| format!("{path}.orig.{number}"));
    let all = std::iter::once(format!("{path}.orig")).chain(numbered);
    all.take_while(|name| root.join(name).is_file()).last()
}

/// The commits with the user's files at some of the paths, each with those paths: the last ones before prodify wrote its own.
fn held_by_git<'p>(site: &Site, mut paths: Vec<&'p str>) -> Vec<(String, Vec<&'p str>)> {
    let root = &site.root;
    let mut found = Vec::new();
    let before = vcs::commits_of(root, BASE, LOOKED_AT);
    let before = before.into_iter().map(|commit| format!("{commit}~"));
    for commit in std::iter::once("HEAD".to_owned()).chain(before) {
        if paths.is_empty() {
            break;
        }
        let base = vcs::text_at(&commit, root, BASE);
        let base = base.and_then(|text| provenance::read_base(&text).ok());
        let base = base.unwrap_or_default();
        let is_written = |path: &&str| is_prodifys(path, &base, &site.record.base.moved);
        let (written, mut others): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_written);
        let held = vcs::files_at(&commit, root, &others);
        others.retain(|path| held.iter().any(|it| it == path));
        if !others.is_empty() {
            found.push((commit, others));
        }
        paths = written;
    }
    found
}

/// Whether, according to a base and the files `moved` so far, prodify's file was at a path: a move is only recorded by the update
/// after it.
/// only remembered by the update after it.
fn is_prodifys(path: &str, base: &Base, moved: &Moved) -> bool {
    let lies = |(_, place): &(&RelPath, &RelPath)| place.as_str() == path;
    let template = moved.iter().find(lies).map(|(template, _)| template);
    base.files.contains_key(path)
        || base.moved.iter().any(|it| lies(&it))
        || template.is_some_and(|template| base.files.contains_key(template))
}
