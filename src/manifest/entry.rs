//! An entry of a manifest: a key and its value, with the comments that belong to them.

use toml_edit::{Item, Key, RawString, Table, TableLike, Value};

/// The path of keys to an entry or a table: `profile`, `release`, `lto`.
pub(super) type Keys = Vec<String>;

/// An entry as text, formatted like the components' templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key, quoted if necessary.
    pub(super) key: String,
    pub(super) value: String,
    /// The comment lines above it, with line endings.
    pub(super) above: String,
    /// The comment after it.
    pub(super) trailing: String,
}

impl Entry {
    /// The entry with that key, which must be a value.
    pub(super) fn get(table: &dyn TableLike, key: &str) -> Option<Self> {
        let (name, value) = (table.key(key)?, table.get(key)?.as_value()?);
        Some(Self {
            key: format_key(name),
            value: bare(value),
            above: comments(name.leaf_decor().prefix()),
            trailing: text(value.decor().suffix()).trim().to_owned(),
        })
    }

    /// Its lines, with `prefix` before the key.
    pub(super) fn lines(&self, prefix: &str) -> String {
        let Self {
            key,
            value,
            above,
            trailing,
        } = self;
        let space = if trailing.is_empty() { "" } else { " " };
        format!("{above}{prefix}{key} = {value}{space}{trailing}\n")
    }
}

/// The comments above the header of a table.
pub(super) fn comments_above(table: &Table) -> String {
    comments(table.decor().prefix())
}

/// A value without surrounding whitespace and comments.
pub(super) fn bare(value: &Value) -> String {
    value.clone().decorated("", "").to_string()
}

/// Keys as written in a header, or with dots between them.
pub(super) fn format_keys(keys: &[String]) -> String {
    let keys: Vec<String> = keys.iter().map(|key| format_key(&Key::new(key))).collect();
    keys.join(".")
}

/// The item at a path of keys.
pub(super) fn find<'t>(table: &'t dyn TableLike, keys: &[String]) -> Option<&'t Item> {
    let (last, way) = keys.split_last()?;
    let mut table = table;
    for key in way {
        table = table.get(key)?.as_table_like()?;
    }
    table.get(last)
}

/// Whether two items have the same value, regardless of notation.
pub(super) fn same(one: &Item, other: &Item) -> bool {
    if let (Some(one), Some(other)) = (one.as_table_like(), other.as_table_like()) {
        let held = |(key, item): (&str, &Item)| other.get(key).is_some_and(|it| same(item, it));
        return one.len() == other.len() && one.iter().all(held);
    }
    match (one.as_value(), other.as_value()) {
        (Some(one), Some(other)) => same_value(one, other),
        (None, None) => one.to_string().trim() == other.to_string().trim(),
        _ => false,
    }
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one.value() == other.value(),
        (Value::Integer(one), Value::Integer(other)) => one.value() == other.value(),
        (Value::Array(one), Value::Array(other)) => {
            let pairs = || one.iter().zip(other.iter());
            one.len() == other.len() && pairs().all(|(one, other)| same_value(one, other))
        }
        (Value::InlineTable(one), Value::InlineTable(other)) => {
            let held = |(key, value): (&str, &Value)| {
                other.get(key).is_some_and(|it| same_value(value, it))
            };
            one.len() == other.len() && one.iter().all(held)
        }
        _ => bare(one) == bare(other),
    }
}

fn format_key(key: &Key) -> String {
    key.display_repr().into_owned()
}

/// The lines of a prefix, except for empty ones at its start.
fn comments(prefix: Option<&RawString>) -> String {
    let lines = text(prefix).lines().map(str::trim);
    lines
        .filter(|line| line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn text(raw: Option<&RawString>) -> &str {
    raw.and_then(RawString::as_str).unwrap_or_default()
}
