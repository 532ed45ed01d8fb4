//! The positions of a manifest's tables and values in its text.

use anyhow::{Context as _, Result};
use toml_edit::{Document, InlineTable, Item, Table, Value};

use super::entry::{Entry, find, format_keys};

/// Parses a manifest.
pub(super) fn parse(text: &str) -> Result<Document<&str>> {
    Ok(Document::parse(text)?)
}

/// How much of the path to a table exists.
pub(super) enum Nearest<'d, 'k> {
    /// The table itself, with a header or dotted.
    Table(&'d Table),
    /// An inline table, and the remaining keys of the path.
    InlineTable(&'d InlineTable, &'k [String]),
    /// Nothing that entries could be added to: a header is needed.
    None,
}

pub(super) fn nearest<'d, 'k>(root: &'d Table, keys: &'k [String]) -> Nearest<'d, 'k> {
    let mut table = root;
    for (index, key) in keys.iter().enumerate() {
        table = match table.get(key) {
            Some(Item::Table(table)) => table,
            Some(Item::Value(Value::InlineTable(table))) => {
                return nearest_inline(table, &keys[index + 1..]);
            }
            _ => return Nearest::None,
        };
    }
    if table.is_implicit() && !table.is_dotted() && !keys.is_empty() {
        return Nearest::None;
    }
    Nearest::Table(table)
}

fn nearest_inline<'d, 'k>(table: &'d InlineTable, rest: &'k [String]) -> Nearest<'d, 'k> {
    let inner = rest
        .split_first()
        .and_then(|(key, rest)| match table.get(key)? {
            Value::InlineTable(table) if !table.is_dotted() => Some((table, rest)),
            _ => None,
        });
    inner.map_or(Nearest::InlineTable(table, rest), |(table, rest)| {
        nearest_inline(table, rest)
    })
}

/// The innermost inline table around an entry.
pub(super) fn enclosing_inline_table<'d>(
    root: &'d Table,
    keys: &[String],
) -> Option<&'d InlineTable> {
    let mut found = None;
    for length in 1..keys.len() {
        let table = find(root, &keys[..length]).and_then(Item::as_inline_table);
        found = table.filter(|table| !table.is_dotted()).or(found);
    }
    found
}

/// The position of a new entry in an inline table, and its text there: dotted if tables are missing, and without comments.
pub(super) fn inline_insertion(
    table: &InlineTable,
    rest: &[String],
    entry: &Entry,
) -> Result<(usize, String)> {
    let dot = if rest.is_empty() { "" } else { "." };
    let text = format!("{}{dot}{} = {}", format_keys(rest), entry.key, entry.value);
    let mut ends = Vec::new();
    collect_ends(table, &mut ends);
    match ends.into_iter().max() {
        Some(last) => Ok((last, format!(", {text}"))),
        None => {
            let enclosing_inline_table = table.span().context("braces without a place")?;
            Ok((enclosing_inline_table.start + 1, text))
        }
    }
}

/// The ends of the values in an inline table.
pub(super) fn collect_ends(table: &InlineTable, ends: &mut Vec<usize>) {
    for (_, value) in table {
        match value {
            Value::InlineTable(dotted) if dotted.is_dotted() => collect_ends(dotted, ends),
            value => ends.extend(value.span().map(|span| span.end)),
        }
    }
}

/// The end of the last value below a header.
pub(super) fn body_end(table: &Table) -> Option<usize> {
    let ends = table.iter().filter_map(|(_, item)| match item {
        Item::Table(dotted) if dotted.is_dotted() => body_end(dotted),
        Item::Value(value) => Some(value.span()?.end),
        _ => None,
    });
    ends.max()
}

/// The tables with headers, and the entries above the first one: start, end, section.
pub(super) fn collect<'d>(
    table: &'d Table,
    section: Option<&'d str>,
    found: &mut Vec<(usize, usize, &'d str)>,
) {
    let header = table
        .span()
        .filter(|_| !table.is_implicit() && !table.is_dotted());
    let end = body_end(table);
    match (section, header) {
        (Some(section), Some(header)) => {
            found.push((header.start, end.unwrap_or(header.end), section));
        }
        (None, _) => found.extend(end.map(|end| (0, end, ""))),
        (Some(_), None) => {}
    }
    for (key, item) in table {
        let section = section.unwrap_or(key);
        match item {
            Item::Table(table) => collect(table, Some(section), found),
            Item::ArrayOfTables(tables) => {
                tables
                    .iter()
                    .for_each(|table| collect(table, Some(section), found));
            }
            _ => {}
        }
    }
}
