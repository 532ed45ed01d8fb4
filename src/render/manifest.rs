//! Composes `Cargo.toml` from the components' fragments.

use std::fmt;

use anyhow::{Context as _, Result, bail};
use toml_edit::{Array, DocumentMut, InlineTable, Item, KeyMut, Table, TableLike, Value};

/// The order of a manifest's sections (The Cargo Book, "The Manifest Format").
const SECTIONS: [&str; 12] = [
    "package",
    "lib",
    "bin",
    "features",
    "target",
    "dependencies",
    "build-dependencies",
    "dev-dependencies",
    "workspace",
    "lints",
    "profile",
    "patch",
];

/// Composes a manifest from the components' fragments, each with its template.
///
/// Tables are united, lists are united and sorted, dependencies are sorted by name; comments stay with the entry below them.
///
/// # Errors
///
/// If a fragment is not TOML, or if two fragments give an entry different values; names the template and the entry.
pub(super) fn compose(fragments: &[(impl fmt::Display, String)]) -> Result<String> {
    let mut whole = DocumentMut::new();
    for (place, fragment) in fragments {
        let fragment: DocumentMut = fragment
            .parse()
            .with_context(|| format!("reading {place} as rendered"))?;
        merge_tables(whole.as_table_mut(), fragment.as_table(), "")
            .with_context(|| format!("adding {place} to Cargo.toml"))?;
    }
    for (key, item) in whole.iter_mut() {
        if key.get().ends_with("dependencies")
            && let Some(table) = item.as_table_mut()
        {
            table.sort_values();
        }
    }
    sort_sections(whole.as_table_mut());
    Ok(whole.to_string())
}

fn merge_tables(whole: &mut dyn TableLike, fragment: &dyn TableLike, path: &str) -> Result<()> {
    for (name, item) in fragment.iter() {
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        match whole.get_mut(name) {
            None => {
                whole.insert(name, item.clone());
                if let (Some(mut to), Some(from)) = (whole.key_mut(name), fragment.key(name)) {
                    copy_decor(&mut to, from);
                }
            }
            Some(there) => merge_items(there, item, &path)?,
        }
    }
    Ok(())
}

fn merge_items(there: &mut Item, item: &Item, path: &str) -> Result<()> {
    if is_dependency(path) && (there.is_str() || item.is_str()) {
        let (Some(mut long), Some(other)) = (dependency(there), dependency(item)) else {
            bail!("`{path}` is not a dependency")
        };
        merge_tables(&mut long, &other, path)?;
        long.fmt();
        if long.len() > 1 {
            *there = Item::Value(Value::InlineTable(long));
        }
        return Ok(());
    }
    if let (Some(table), Some(fragment)) = (there.as_table_like_mut(), item.as_table_like()) {
        return merge_tables(table, fragment, path);
    }
    if let (Some(list), Some(fragment)) = (there.as_array_mut(), item.as_array()) {
        for value in fragment.iter().filter_map(Value::as_str) {
            insert_sorted(list, value);
        }
        return Ok(());
    }
    let (mine, other) = (there.to_string(), item.to_string());
    if mine.trim() != other.trim() {
        bail!("`{path}` is already {}, not {}", mine.trim(), other.trim());
    }
    Ok(())
}

/// Whether a path is that of a dependency, rather than of something in its definition.
pub(crate) fn is_dependency(path: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(section, _)| section.ends_with("dependencies"))
}

/// A dependency in its long form: `"1.0"` is short for `{ version = "1.0" }`.
pub(crate) fn dependency(item: &Item) -> Option<InlineTable> {
    match item {
        Item::Value(Value::String(_)) => {
            let mut table = InlineTable::new();
            table.insert("version", item.as_value()?.clone().decorated(" ", " "));
            Some(table)
        }
        _ => item.as_inline_table().cloned(),
    }
}

fn copy_decor(to: &mut KeyMut<'_>, from: &toml_edit::Key) {
    *to.leaf_decor_mut() = from.leaf_decor().clone();
    *to.dotted_decor_mut() = from.dotted_decor().clone();
}

/// Inserts a text into a sorted list, unless it is there already.
fn insert_sorted(list: &mut Array, text: &str) {
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    if texts.contains(&text) {
        return;
    }
    let index = texts
        .iter()
        .position(|other| *other > text)
        .unwrap_or(texts.len());
    list.insert(index, text);
    list.fmt();
}

/// Sorts the sections, with an empty line before each but the first.
pub(super) fn sort_sections(document: &mut Table) {
    let mut names: Vec<String> = document.iter().map(|(name, _)| name.to_owned()).collect();
    names.sort_by_key(|name| section_rank(name));
    let mut position = 0;
    for name in names {
        if let Some(item) = document.get_mut(&name) {
            set_positions(item, &mut position);
        }
    }
}

/// The position of a section in the usual order.
pub(crate) fn section_rank(name: &str) -> usize {
    let known = SECTIONS.iter().position(|section| *section == name);
    known.unwrap_or(SECTIONS.len())
}

fn set_positions(item: &mut Item, position: &mut isize) {
    match item {
        Item::Table(table) if !table.is_dotted() => {
            table.set_position(Some(*position));
            let shown = !table.is_implicit();
            if shown {
                set_spacing(table, *position == 0);
                *position += 1;
            }
            table
                .iter_mut()
                .for_each(|(_, item)| set_positions(item, position));
        }
        Item::ArrayOfTables(tables) => {
            for table in tables.iter_mut() {
                table.set_position(Some(*position));
                set_spacing(table, *position == 0);
                *position += 1;
            }
        }
        _ => {}
    }
}

fn set_spacing(table: &mut Table, first: bool) {
    let prefix = table
        .decor()
        .prefix()
        .and_then(|prefix| prefix.as_str())
        .unwrap_or_default();
    let comments = prefix.trim_start_matches('\n');
    let line = if first { "" } else { "\n" };
    let spaced = format!("{line}{comments}");
    table.decor_mut().set_prefix(spaced);
}

#[cfg(test)]
mod tests {
    use super::compose;

    #[test]
    fn composes_fragments_into_one_manifest() {
        let fragments = [
            ("profile", "# Fast.\n[profile.release]\nlto = \"fat\" # slow to build\n".to_owned()),
            ("service", "[package]\nname = \"x\"\n\n[dependencies]\n# The server.\ntokio = { version = \"1\", features = [\"net\"] }\naxum = \"0.8\"\n\n[lints.rust]\nunsafe_code = \"forbid\"\n".to_owned()),
            ("more", "[dependencies]\naxum = { version = \"0.8\", features = [\"ws\"] }\ntokio = { version = \"1\", features = [\"fs\", \"net\"] }\n# Errors.\nanyhow = \"1\"\n".to_owned()),
        ];
        insta::assert_snapshot!(compose(&fragments).unwrap(), @r#"
        [package]
        name = "x"

        [dependencies]
        # Errors.
        anyhow = "1"
        axum = { version = "0.8", features = ["ws"] }
        # The server.
        tokio = { version = "1", features = ["fs", "net"] }

        [lints.rust]
        unsafe_code = "forbid"

        # Fast.
        [profile.release]
        lto = "fat" # slow to build
        "#);
    }

    #[test]
    fn rejects_two_values_for_one_entry() {
        let fragments = [
            ("a", "[package]\nname = 'x'\n".to_owned()),
            (
                "templates/b/manifest.toml.j2",
                "[package]\nname = 'y'\n".to_owned(),
            ),
        ];
        let error = format!("{:#}", compose(&fragments).unwrap_err());
        assert!(
            error.contains("templates/b/") && error.contains("package.name"),
            "{error}"
        );
    }
}
