//! Properties of every manifest to which entries are added, and from which they are removed again.

use std::collections::BTreeMap;

use cargo_prodify::manifest::{Merged, Sides, merge};
use cargo_prodify::merge::unified_diff;
use toml_edit::{DocumentMut, Item};

/// All kinds of tables and entries that components add, some of which are common in manifests.
pub(crate) const ENTRIES: &str = "\
[package]
publish = false

[dependencies]
# Made up, so that nobody has it.
prodify-one = \"1.0\"
prodify-two = { version = \"1.0\", features = [\"one\"] }

[lints.clippy]
unwrap_used = \"warn\"

# Measured.
[profile.release]
# One unit.
codegen-units = 1
lto = \"thin\" # links in parallel
panic = \"unwind\"

# To measure with.
[profile.prodify-measured]
inherits = \"release\"
debug = \"line-tables-only\"
";

/// Dependencies that are common in manifests, with uncommon features.
pub(crate) const WIDER_DEPENDENCIES: &str = "\
[dependencies]
libc = { version = \"0.2\", features = [\"extra_traits\"] }
log = { version = \"0.4\", features = [\"kv_sval\", \"std\"] }
serde = { version = \"1.0\", features = [\"derive\", \"rc\"] }
tokio = { version = \"1\", features = [\"io-std\"] }
";

/// Properties for all manifests: everything else stays byte for byte, a second run finds nothing to do, and removing the entries
/// restores the original bytes.
pub(crate) fn check_round_trip(original: &str, fragment: &str) -> Result<(), String> {
    let added = run("", original, fragment)?;
    contains_in_order(&added.text, original)?;
    let (before, after) = (entries(original)?, entries(&added.text)?);
    let wanted = entries(fragment)?;
    for (keys, value) in &before {
        if after.get(keys) != Some(value) {
            return Err(format!("`{keys}` was {value} and is {:?}", after.get(keys)));
        }
    }
    for keys in after.keys().filter(|keys| !before.contains_key(*keys)) {
        if after.get(keys) != wanted.get(keys) {
            return Err(format!("`{keys}` was not to be added"));
        }
    }
    check_removal(original, fragment)
}

/// The same if the manifest may already have some of the entries: a second run finds nothing to do, and removing the entries
/// restores the original bytes.
pub(crate) fn check_removal(original: &str, fragment: &str) -> Result<(), String> {
    let added = run("", original, fragment)?;
    let again = run(&added.owned, &added.text, fragment)?;
    if (&again.text, &again.owned) != (&added.text, &added.owned) {
        return Err(format!(
            "a second run changed it:\n{}\n=== base\n{}\n=== then\n{}",
            again.text, added.owned, again.owned
        ));
    }
    let removed = run(&added.owned, &added.text, "")?;
    if removed.text != original {
        let difference = unified_diff("Cargo.toml", Some(original), Some(&removed.text));
        return Err(format!("the original is not restored:\n{difference}"));
    }
    if !removed.owned.is_empty() {
        return Err(format!("entries are still owned:\n{}", removed.owned));
    }
    Ok(())
}

fn run(base: &str, ours: &str, theirs: &str) -> Result<Merged, String> {
    let sides = Sides {
        base,
        ours,
        theirs,
        yields: &BTreeMap::new(),
        interrupted: false,
    };
    merge(&sides).map_err(|error| format!("{error:#}"))
}

/// Whether a text contains all of another, in order.
fn contains_in_order(text: &str, other: &str) -> Result<(), String> {
    let mut rest = text.bytes();
    let missing = other.bytes().position(|byte| !rest.any(|one| one == byte));
    match missing {
        Some(at) => Err(format!("byte {at} of the original is gone:\n{text}")),
        None => Ok(()),
    }
}

/// The values of a manifest by their keys, without surrounding comments.
fn entries(text: &str) -> Result<BTreeMap<String, String>, String> {
    fn walk(item: &Item, keys: &str, found: &mut BTreeMap<String, String>) {
        match item.as_table_like() {
            Some(table) => {
                for (key, item) in table.iter() {
                    walk(item, &format!("{keys}.{key}"), found);
                }
            }
            None => {
                let value = item.as_value().map(|value| value.clone().decorated("", ""));
                let value = value.map_or_else(|| item.to_string(), |value| value.to_string());
                found.insert(keys.to_owned(), value.replace("\r\n", "\n"));
            }
        }
    }
    let document: DocumentMut = text.parse().map_err(|error| format!("{error}\n{text}"))?;
    let mut found = BTreeMap::new();
    walk(document.as_item(), "", &mut found);
    Ok(found)
}
