//! Components that are only there because others require them: notes for when they are added, and when the last of those is
//! removed.

use std::collections::BTreeSet;

use super::typed;
use crate::catalog::{Catalog, Component, Home, Preset};
use crate::cli::Subject;
use crate::error::told;
use crate::select::Selection;

/// The components of a selection that are not among the `named` ones, each with a list of those that require it.
pub(super) fn unnamed<'s>(
    selection: &'s Selection<'_>,
    home: Home,
    named: &[String],
) -> Vec<(&'s str, String)> {
    let along = selection
        .names()
        .filter(|name| !named.iter().any(|it| it == name));
    let by = |name: &str| {
        let components = selection.components.iter().copied();
        let by = components.filter(|component| requires(component, home, name));
        told(by.map(|component| &*component.name))
    };
    along.map(|name| (name, by(name))).collect()
}

/// A note on components that stay, although only those that are `gone` required them.
pub(super) fn left(
    catalog: &Catalog,
    selection: &Selection<'_>,
    home: Home,
    gone: &[String],
    subject: &Subject,
) -> Option<String> {
    let stay = &selection.components;
    // The components of every new project need no other one to be there.
    let is_basic =
        |component: &Component| home == Home::Project && component.preset == Preset::Minimal;
    let mut left: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = gone.iter().map(String::as_str).collect();
    while let Some(component) = open.pop().and_then(|name| catalog.get(name)) {
        for name in component.required(home) {
            // Components that are left over can go together, so none of them counts as a reason to keep another.
            let keeps = |it: &&Component| !left.contains(&*it.name) && requires(it, home, name);
            let is_there = stay.iter().any(|it| it.name == *name && !is_basic(it));
            if is_there && !stay.iter().any(keeps) && left.insert(name) {
                open.push(name);
            }
        }
    }
    let [stays, it] = match left.len() {
        0 => return None,
        1 => ["stays", "it"],
        _ => ["stay", "them"],
    };
    let names: Vec<&str> = left.into_iter().collect();
    Some(format!(
        "{} {stays}, although nothing requires {it} any more: `{} {}` removes {it} too",
        told(names.iter().copied()),
        typed::for_subject("remove", subject),
        names.join(" "),
    ))
}

fn requires(component: &Component, home: Home, name: &str) -> bool {
    component.required(home).iter().any(|it| it == name)
}
