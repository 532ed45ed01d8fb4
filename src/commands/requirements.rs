//! Components that are only there because others require them: notes for when they are added, and when the last of those is
//! removed.

use std::collections::BTreeSet;

use super::command_line;
use crate::catalog::{Catalog, Component, Preset, ProjectKind};
use crate::cli::Subject;
use crate::error::list_names;
use crate::select::Selection;

/// The components of a selection that are not among the `named` ones, each with a list of those that require it.
pub(super) fn implied<'s>(
    selection: &'s Selection<'_>,
    kind: ProjectKind,
    named: &[String],
) -> Vec<(&'s str, String)> {
    let implied = selection
        .names()
        .filter(|name| !named.iter().any(|it| it == name));
    let requirers = |name: &str| {
        let components = selection.components.iter().copied();
        let requirers = components.filter(|component| requires(component, kind, name));
        list_names(requirers.map(|component| &*component.name))
    };
    implied.map(|name| (name, requirers(name))).collect()
}

/// A note on components that stay, although only those that are `removed` required them.
pub(super) fn orphaned_note(
    catalog: &Catalog,
    selection: &Selection<'_>,
    kind: ProjectKind,
    removed: &[String],
    subject: &Subject,
) -> Option<String> {
    let remaining = &selection.components;
    // The components of every new project need no other one to be there.
    let is_basic =
        |component: &Component| kind == ProjectKind::Created && component.preset == Preset::Minimal;
    let mut orphaned: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = removed.iter().map(String::as_str).collect();
    while let Some(component) = open.pop().and_then(|name| catalog.get(name)) {
        for name in component.required(kind) {
            // Components that are left over can go together, so none of them counts as a reason to keep another.
            let keeps = |it: &&Component| !orphaned.contains(&*it.name) && requires(it, kind, name);
            let is_there = remaining.iter().any(|it| it.name == *name && !is_basic(it));
            if is_there && !remaining.iter().any(keeps) && orphaned.insert(name) {
                open.push(name);
            }
        }
    }
    let [stays, it] = match orphaned.len() {
        0 => return None,
        1 => ["stays", "it"],
        _ => ["stay", "them"],
    };
    let names: Vec<&str> = orphaned.into_iter().collect();
    Some(format!(
        "{} {stays}, although nothing requires {it} any more: `{} {}` removes {it} too",
        list_names(names.iter().copied()),
        command_line::for_subject("remove", subject),
        names.join(" "),
    ))
}

fn requires(component: &Component, kind: ProjectKind, name: &str) -> bool {
    component.required(kind).iter().any(|it| it == name)
}
