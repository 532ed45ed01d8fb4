//! What lay where a component was written, and how it is brought back when that goes.

use std::path::Path;

use super::new::shell_word;
use super::site::Site;
use crate::plan::{Action, Plan, Step};
use crate::provenance::{self, BASE, is_record};
use crate::report::NextStep;
use crate::vcs;

/// The commands that bring back what `--overwrite` once replaced at the paths that a plan deletes.
pub(super) fn ways_back(site: &Site, plan: &Plan) -> Vec<NextStep> {
    let typed = |path: &str| match &*site.shown {
        "." => shell_word(path),
        shown => shell_word(&format!("{shown}/{path}")),
    };
    let step = |command: String| NextStep {
        component: None,
        command,
        why: "bring back what lay there before".to_owned(),
    };
    let is_gone = |step: &&Step| step.action == Action::Delete && !is_record(&step.path);
    let (mut steps, mut others) = (Vec::new(), Vec::new());
    for path in plan
        .steps
        .iter()
        .filter(is_gone)
        .map(|step| step.path.as_str())
    {
        match original(&site.root, path) {
            Some(original) => {
                steps.push(step(format!("mv {} {}", typed(&original), typed(path))));
            }
            None => others.push(path),
        }
    }
    let held = of_the_user(&site.root, others);
    if !held.is_empty() {
        let held: Vec<String> = held.into_iter().map(typed).collect();
        let command = format!("git restore --source HEAD -- {}", held.join(" "));
        steps.push(step(command));
    }
    steps
}

/// The file that was kept beside its replacement; the last one, where that happened several times.
fn original(root: &Path, path: &str) -> Option<String> {
    let numbered = (2..).map(|number| format!("{path}.orig.{number}"));
    let all = std::iter::once(format!("{path}.orig")).chain(numbered);
    all.take_while(|name| root.join(name).is_file()).last()
}

/// Those of the paths at which the last commit has a file that was not prodify's by then.
fn of_the_user<'p>(root: &Path, mut paths: Vec<&'p str>) -> Vec<&'p str> {
    let base = vcs::committed(root, BASE).and_then(|text| provenance::read_base(&text).ok());
    let base = base.unwrap_or_default();
    paths.retain(|path| !base.files.contains_key(*path));
    let held = vcs::in_last_commit(root, &paths).unwrap_or_default();
    paths.retain(|path| held.iter().any(|it| it == path));
    paths
}
