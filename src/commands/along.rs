//! Components that are there for another one: what is said of them when they come, and when that one goes.

use std::collections::BTreeSet;

use super::typed;
use crate::catalog::{Catalog, Component, Home, Preset};
use crate::cli::Subject;
use crate::error::told;
use crate::select::Selection;

/// The components of a selection that are not among the `named` ones, each with those that require it, told.
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

/// What there is to say of components that stay, although only those that are `gone` required them.
pub(super) fn left(
    catalog: &Catalog,
    selection: &Selection<'_>,
    home: Home,
    gone: &[String],
    subject: &Subject,
) -> Option<String> {
    let stay = &selection.components;
    // What every project begins with needs nobody to bring it.
    let is_basic =
        |component: &Component| home == Home::Project && component.preset == Preset::Minimal;
    let mut left: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = gone.iter().map(String::as_str).collect();
    while let Some(component) = open.pop().and_then(|name| catalog.get(name)) {
        for name in component.required(home) {
            // Those that are left can go together, so that none of them keeps another one.
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
        "{} {stays}, and nothing requires {it} any more: `{} {}` takes {it} back too",
        told(names.iter().copied()),
        typed::for_subject("remove", subject),
        names.join(" "),
    ))
}

fn requires(component: &Component, home: Home, name: &str) -> bool {
    component.required(home).iter().any(|it| it == name)
}
