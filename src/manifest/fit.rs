//! Fits a fragment's dependencies to those in the manifest.

use anyhow::{Context as _, Result};
use cargo_metadata::semver::VersionReq;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Value};

use super::entry::{Keys, find};
use crate::error::Usage;
use crate::render::is_dependency;
use crate::versions::compatibility;

/// A manifest, and that of the workspace that it may inherit from, which may be the same.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// What prodify last wrote into it.
    pub base: &'a str,
    /// The manifest.
    pub own: &'a str,
    /// That of the workspace.
    pub workspace: &'a str,
}

/// A fragment whose dependencies are inherited if the workspace declares them, unless the manifest has its own or prodify wrote
/// one before.
///
/// # Errors
///
/// [`Usage`] if a dependency has a version that the fragment is not written for; otherwise if one of the texts is not TOML.
pub fn fit(fragment: &str, existing: Existing<'_>) -> Result<String> {
    let mut fragment: DocumentMut = fragment.parse().context("reading the new entries")?;
    let base: DocumentMut = existing.base.parse().context("reading the base")?;
    let own: DocumentMut = existing.own.parse()?;
    let workspace: DocumentMut = existing
        .workspace
        .parse()
        .context("reading the manifest of the workspace")?;
    for keys in dependencies(&fragment) {
        let written = find(base.as_table(), &keys);
        let is_own = written.is_some_and(|written| get(written, "workspace").is_none());
        let Some(name) = keys.last().filter(|_| !is_own) else {
            continue;
        };
        let shared = workspace.get("workspace").and_then(Item::as_table_like);
        let shared = shared.and_then(|table| table.get("dependencies")?.as_table_like()?.get(name));
        let inherits = match find(own.as_table(), &keys) {
            Some(own) => get(own, "workspace").is_some(),
            None => shared.is_some(),
        };
        let found = match find(own.as_table(), &keys) {
            Some(own) if !inherits => Some(own),
            _ => shared.filter(|_| inherits),
        };
        let new = find_mut(&mut fragment, &keys);
        if let (Some(found), Some(new)) = (found, new) {
            // If it was inherited before, it was updated along with the workspace.
            if written.is_none() {
                check_compatible(name, found, new)?;
            }
            if inherits {
                inherit(new, found);
            }
        }
    }
    Ok(fragment.to_string())
}

/// The path of keys to each dependency.
fn dependencies(fragment: &DocumentMut) -> Vec<Keys> {
    let tables = fragment.iter().filter_map(|(section, item)| {
        let table = item.as_table_like()?;
        Some(table.iter().map(move |(name, _)| [section, name]))
    });
    let all = tables
        .flatten()
        .filter(|keys| is_dependency(&keys.join(".")));
    all.map(|keys| keys.map(str::to_owned).to_vec()).collect()
}

fn find_mut<'d>(document: &'d mut DocumentMut, keys: &Keys) -> Option<&'d mut Item> {
    let mut item = document.as_item_mut();
    for key in keys {
        item = item.as_table_like_mut()?.get_mut(key)?;
    }
    Some(item)
}

fn get<'i>(dependency: &'i Item, key: &str) -> Option<&'i Item> {
    dependency.as_table_like()?.get(key)
}

/// Code for one version of a crate may not compile with another one.
fn check_compatible(name: &str, found: &Item, new: &Item) -> Result<()> {
    let requirement = |item: &Item| {
        let text = item.as_str().or_else(|| get(item, "version")?.as_str())?;
        Some((text.to_owned(), text.parse::<VersionReq>().ok()?))
    };
    let (Some((found, old)), Some((new, needed))) = (requirement(found), requirement(new)) else {
        return Ok(());
    };
    let (old, needed) = (compatibility(&old), compatibility(&needed));
    if old == needed || old.is_empty() || needed.is_empty() {
        return Ok(());
    }
    Err(Usage::new(format!(
        "`{name}` is in use at version {found}, but what is added is written for {new}: change to that version first"
    ))
    .into())
}

/// Inherits it from the workspace, with the features that are not enabled there.
fn inherit(new: &mut Item, shared: &Item) {
    let features = |item: &Item| -> Vec<String> {
        let list = get(item, "features").and_then(Item::as_array);
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let present = features(shared);
    let missing: Array = features(new)
        .into_iter()
        .filter(|feature| !present.contains(feature))
        .collect();
    let mut inherited = InlineTable::new();
    inherited.insert("workspace", true.into());
    if !missing.is_empty() {
        inherited.insert("features", missing.into());
    }
    if let Some(value) = new.as_value_mut() {
        let decor = value.decor().clone();
        *value = inherited.into();
        *value.decor_mut() = decor;
    }
}

#[cfg(test)]
mod tests {
    use super::{Existing, fit};

    const FRAGMENT: &str = "\
[dependencies]
# Why.
serde = { version = \"1.0\", features = [\"derive\", \"rc\"] }
toml = \"1.2\"
";

    fn fitted(own: &str, workspace: &str) -> Result<String, String> {
        let existing = Existing {
            base: "",
            own,
            workspace,
        };
        fit(FRAGMENT, existing).map_err(|error| error.to_string())
    }

    #[test]
    fn inherits_dependencies_that_the_workspace_declares() {
        let workspace =
            "[workspace.dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n";
        let inherited = "\
[dependencies]
# Why.
serde = { workspace = true, features = [\"rc\"] }
toml = \"1.2\"
";
        assert_eq!(fitted("", workspace).unwrap(), inherited);
        let own = "[dependencies]\nserde.workspace = true\n";
        assert_eq!(fitted(own, workspace).unwrap(), inherited);
    }

    #[test]
    fn does_not_inherit_what_the_manifest_declares_itself() {
        let own = "[dependencies]\nserde = \"1.0.100\"\n";
        let workspace = "[workspace.dependencies]\nserde = \"0.9\"\n";
        assert_eq!(fitted(own, workspace).unwrap(), FRAGMENT);
        assert_eq!(fitted("", "").unwrap(), FRAGMENT);
    }

    #[test]
    fn rejects_incompatible_versions_in_either_manifest() {
        let refusal = "`toml` is in use at version 0.8.2, but what is added is written for 1.2: change to that version first";
        let own = "[dependencies]\ntoml = { version = \"0.8.2\" }\n";
        assert_eq!(fitted(own, "").unwrap_err(), refusal);
        let workspace = "[workspace.dependencies]\ntoml = \"0.8.2\"\n";
        assert_eq!(fitted("", workspace).unwrap_err(), refusal);
        // A dependency from git or a path may have any version.
        let own = "[dependencies]\ntoml = { git = \"https://example.com/toml\" }\n";
        assert_eq!(fitted(own, "").unwrap(), FRAGMENT);
    }

    #[test]
    fn leaves_previously_written_dependencies_to_the_merge() {
        let existing = Existing {
            base: FRAGMENT,
            own: "[dependencies]\ntoml = \"2\"\n",
            workspace: "",
        };
        assert_eq!(fit(FRAGMENT, existing).unwrap(), FRAGMENT);
    }

    #[test]
    fn keeps_inheriting_what_was_inherited_before() {
        let inherited = "[dependencies]\nserde = { workspace = true, features = [\"rc\"] }\n";
        let existing = Existing {
            base: inherited,
            own: inherited,
            workspace: "[workspace.dependencies]\nserde = { version = \"2\", features = [\"derive\"] }\n",
        };
        let again = fit(FRAGMENT, existing).unwrap();
        let line = "serde = { workspace = true, features = [\"rc\"] }\n";
        assert!(again.contains(line), "{again}");
    }
}
