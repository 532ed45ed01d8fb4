//! Changes the features of a user's dependency: adds those that are now needed, and removes those that are not.

use toml_edit::{Array, InlineTable, Item, Value};

use super::entry::{Keys, bare};
use crate::render::membership::insert_text;
use crate::render::{dependency, is_dependency};

/// What to do with a user's dependency.
#[derive(Debug, PartialEq)]
pub(super) enum Widening {
    /// It is not a dependency.
    NotADependency,
    /// It has the needed features.
    Sufficient,
    /// The entry at this path of keys must get this value, or be created.
    Value(Keys, String),
}

/// The user's value, with the features that were added since the base, and without those that were removed.
///
/// Its version and its `default-features` stay the user's.
pub(super) fn widen(keys: &[String], base: Option<&Item>, ours: &Item, theirs: &Item) -> Widening {
    if !is_dependency(&keys.join(".")) {
        return Widening::NotADependency;
    }
    let (old, new) = (base.map(features).unwrap_or_default(), features(theirs));
    let present = features(ours);
    let mut wanted: Vec<String> = present.clone();
    wanted.retain(|feature| new.contains(feature) || !old.contains(feature));
    let missing = new.iter().filter(|feature| !old.contains(feature));
    wanted.extend(
        missing
            .filter(|feature| !present.contains(feature))
            .cloned(),
    );
    if wanted == present {
        return Widening::Sufficient;
    }
    let mut list = match ours.as_table_like().and_then(|table| table.get(FEATURES)) {
        Some(present) => present.as_array().cloned().unwrap_or_default(),
        None => Array::new(),
    };
    list.retain(|feature| {
        feature
            .as_str()
            .is_none_or(|it| wanted.iter().any(|one| one == it))
    });
    for feature in wanted.iter().filter(|feature| !present.contains(feature)) {
        insert_text(&mut list, feature);
    }
    if let Some(mut long) = dependency(ours) {
        set_features(&mut long, list);
        return Widening::Value(keys.to_vec(), bare(&Value::InlineTable(long)));
    }
    // `[dependencies.x]` and `x.workspace = true`
    let keys = keys.iter().cloned().chain([FEATURES.to_owned()]);
    Widening::Value(keys.collect(), bare(&Value::Array(list)))
}

const FEATURES: &str = "features";

fn features(dependency: &Item) -> Vec<String> {
    let list = dependency
        .as_table_like()
        .and_then(|table| table.get(FEATURES));
    let list = list.and_then(Item::as_array);
    let names = list.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn set_features(dependency: &mut InlineTable, features: Array) {
    match dependency.get_mut(FEATURES) {
        // Keeps its notation.
        Some(Value::Array(present)) if !features.is_empty() => {
            let decor = present.decor().clone();
            *present = features;
            *present.decor_mut() = decor;
            return;
        }
        _ if features.is_empty() => drop(dependency.remove(FEATURES)),
        _ => drop(dependency.insert(FEATURES, Value::Array(features))),
    }
    dependency.fmt();
}
