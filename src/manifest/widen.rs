//! A dependency that the user has changed, and that needs more features now, or fewer.

use toml_edit::{Array, InlineTable, Item, Value};

use super::entry::bare;
use crate::render::{dependency, is_dependency};

/// The user's value with the features that came since the base, and without those that went; `None` where it is no dependency
/// or nothing is to be done to it.
///
/// Its version stays the user's, and so does whether it is on by default.
pub(super) fn widen(
    keys: &[String],
    base: Option<&Item>,
    ours: &Item,
    theirs: &Item,
) -> Option<String> {
    if !is_dependency(&keys.join(".")) {
        return None;
    }
    let mut long = dependency(ours)?;
    let (old, new) = (base.map(features).unwrap_or_default(), features(theirs));
    let there = features(ours);
    let mut wanted: Vec<String> = there.clone();
    wanted.retain(|feature| new.contains(feature) || !old.contains(feature));
    let missing = new.iter().filter(|feature| !old.contains(feature));
    wanted.extend(missing.filter(|feature| !there.contains(feature)).cloned());
    if wanted == there {
        return None;
    }
    if there.is_sorted() {
        wanted.sort();
    }
    set_features(&mut long, &wanted);
    Some(bare(&Value::InlineTable(long)))
}

fn features(dependency: &Item) -> Vec<String> {
    let list = dependency
        .as_table_like()
        .and_then(|table| table.get("features"));
    let list = list.and_then(Item::as_array);
    let names = list.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

fn set_features(dependency: &mut InlineTable, features: &[String]) {
    if features.is_empty() {
        dependency.remove("features");
    } else {
        let list: Array = features.iter().map(String::as_str).collect();
        dependency.insert("features", Value::Array(list));
    }
    dependency.fmt();
}
