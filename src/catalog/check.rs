//! Checks that tests make on the built-in components, and a run on the user's own.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail, ensure};
use toml_edit::DocumentMut;

use super::{Catalog, Component, Kind, Value};
use crate::provenance;
use crate::tree::RelPath;

/// The keys of a question.
const QUESTION: [&str; 11] = [
    "check", "choices", "default", "help", "holds", "key", "max", "min", "optional", "prompt",
    "type",
];

/// `place:line`, for the first line that has `word`.
pub(super) fn line_of(place: &str, text: &str, word: &str) -> String {
    match text.lines().position(|line| line.contains(word)) {
        Some(index) => format!("{place}:{}", index + 1),
        None => place.to_owned(),
    }
}

/// Checks the components that an overlay changes, and those that depend on them.
///
/// # Errors
///
/// Names the file and the line.
pub(super) fn check_overlay(catalog: &Catalog) -> Result<()> {
    for component in catalog.components() {
        if catalog.origin(&component.name).is_some() {
            check_questions(catalog, component)?;
            check_paths(catalog, component)?;
            check_slots(catalog, component)?;
            check_references(catalog, component)?;
        }
        for (slot, source) in &component.fragments {
            ensure!(
                catalog
                    .components()
                    .any(|owner| owner.slots.contains_key(slot)),
                "{} fills the slot `{slot}`, which no component offers",
                catalog.display_path(source)
            );
        }
    }
    for component in catalog.components() {
        let mut path = Vec::new();
        if catalog.origin(&component.name).is_some()
            && has_cycle(catalog, &component.name, &mut path)
        {
            bail!(
                "{}: `requires` and `after` form a cycle: {}",
                catalog.display_path(&format!("{}/component.toml", component.name)),
                path.join(", ")
            );
        }
    }
    Ok(())
}

fn check_questions(catalog: &Catalog, component: &Component) -> Result<()> {
    let path = format!("{}/component.toml", component.name);
    let text = catalog.source(&path).map_or("", AsRef::as_ref);
    let place = |word: &str| line_of(&catalog.display_path(&path), text, word);
    let document: DocumentMut = text.parse().with_context(|| catalog.display_path(&path))?;
    let tables = document
        .get("questions")
        .and_then(|it| it.as_array_of_tables());
    let keys = tables.into_iter().flatten().flat_map(|table| table.iter());
    for (key, _) in keys {
        ensure!(
            QUESTION.contains(&key),
            "{}: a question has no key `{key}`; its keys are {}",
            place(key),
            QUESTION.join(", ")
        );
    }
    let mut seen = BTreeSet::new();
    for question in &component.questions {
        let key = question.key.as_str();
        let place = place(&format!("\"{key}\""));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(plain),
            "{place}: the key `{key}` of a question may only have lower-case letters, digits and dashes"
        );
        ensure!(
            seen.insert(key),
            "{place}: two questions have the key `{key}`"
        );
        if let Kind::Choice { choices } = &question.kind {
            ensure!(
                choices.len() > 1,
                "{place}: the question `{key}` has no choices"
            );
        }
        let is_template = matches!(&question.default, Value::Text(text) if text.contains("<%"));
        if let Err(why) = question.check(&question.default)
            && !is_template
        {
            bail!("{place}: the default of `{key}` {why}");
        }
    }
    Ok(())
}

/// A component must not write files that are reserved for prodify, cargo or git.
fn check_paths(catalog: &Catalog, component: &Component) -> Result<()> {
    for template in &component.templates {
        let (path, place) = (&template.path, catalog.display_path(&template.source));
        ensure!(
            !provenance::is_record(path) && !path.as_str().starts_with(".prodify/"),
            "{place}: `{path}` is reserved for cargo prodify"
        );
        ensure!(
            path.as_str() != "Cargo.toml",
            "{place}: what a component adds to Cargo.toml goes into its manifest.toml.j2"
        );
        ensure!(
            !path
                .as_str()
                .split('/')
                .any(|part| part.eq_ignore_ascii_case(".git")),
            "{place}: `.git` is reserved for git"
        );
        RelPath::new(path.as_str()).with_context(|| place.clone())?;
    }
    Ok(())
}

/// Each slot that it offers must be included in one of its templates, and it may only include others that are offered by
/// components it requires.
fn check_slots(catalog: &Catalog, component: &Component) -> Result<()> {
    let mut owners = BTreeSet::new();
    collect_required(catalog, component, &mut owners);
    let owners = owners.into_iter().filter_map(|name| catalog.get(name));
    let offered: BTreeSet<&str> = owners
        .flat_map(|owner| owner.slots.keys().map(String::as_str))
        .collect();
    let mut included = BTreeSet::new();
    for source in component.sources() {
        let text = catalog.source(source).map_or("", AsRef::as_ref);
        for rest in text.split("slot:").skip(1) {
            let slot = rest.split(['"', '\'']).next().unwrap_or_default();
            ensure!(
                offered.contains(slot),
                "{} includes the slot `{slot}`, which is offered neither by `{}` nor by a component that it requires",
                line_of(&catalog.display_path(source), text, &format!("slot:{slot}")),
                component.name
            );
            included.insert(slot);
        }
    }
    let path = format!("{}/component.toml", component.name);
    let text = catalog.source(&path).map_or("", AsRef::as_ref);
    match component
        .slots
        .keys()
        .find(|slot| !included.contains(slot.as_str()))
    {
        Some(slot) => bail!(
            "{}: no template of `{}` includes the slot `{slot}` that it offers",
            line_of(&catalog.display_path(&path), text, slot),
            component.name
        ),
        None => Ok(()),
    }
}

/// A template may only refer to its own component and those it requires: others may not be selected.
fn check_references(catalog: &Catalog, component: &Component) -> Result<()> {
    let mut allowed = BTreeSet::new();
    collect_required(catalog, component, &mut allowed);
    let others = || catalog.names().filter(|name| !allowed.contains(name));
    for source in component.sources() {
        let text = catalog.source(source).map_or("", AsRef::as_ref);
        for inside in text
            .split("<%")
            .skip(1)
            .filter_map(|rest| rest.split("%>").next())
        {
            let inside = if inside.starts_with('#') { "" } else { inside };
            if let Some(name) = others().find(|name| refers_to(inside, &name.replace('-', "_"))) {
                bail!(
                    "{} names `{name}`, which `{}` does not require",
                    line_of(
                        &catalog.display_path(source),
                        text,
                        inside.lines().next().unwrap_or_default()
                    ),
                    component.name
                );
            }
        }
    }
    Ok(())
}

/// Whether an expression uses `name.…`, outside of quotes.
fn refers_to(expression: &str, name: &str) -> bool {
    let mut unquoted = expression.split(['"', '\'']).step_by(2);
    unquoted.any(|part| {
        part.match_indices(name).any(|(start, _)| {
            let before = part[..start].chars().next_back();
            let is_whole = before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '.'));
            is_whole && part[start + name.len()..].starts_with('.')
        })
    })
}

fn collect_required<'c>(
    catalog: &'c Catalog,
    component: &'c Component,
    all: &mut BTreeSet<&'c str>,
) {
    if all.insert(&component.name) {
        for required in component
            .requires
            .iter()
            .filter_map(|name| catalog.get(name))
        {
            collect_required(catalog, required, all);
        }
    }
}

/// Whether a component comes after itself; `path` is then the cycle.
fn has_cycle(catalog: &Catalog, name: &str, path: &mut Vec<String>) -> bool {
    let is_repeated = path.iter().any(|earlier| earlier == name);
    path.push(name.to_owned());
    if is_repeated {
        return true;
    }
    let next = catalog.get(name).into_iter();
    let mut next = next.flat_map(|component| component.requires.iter().chain(&component.after));
    if next.any(|next| has_cycle(catalog, next, path)) {
        return true;
    }
    path.pop();
    false
}
