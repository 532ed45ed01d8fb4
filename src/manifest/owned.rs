//! prodify's entries, as recorded in the base.

use super::entry::{Entry, Keys, format_keys};

/// prodify's entries in a table.
#[derive(Default)]
pub(super) struct Owned {
    pub(super) keys: Keys,
    /// The comment above the header, if that is prodify's too.
    pub(super) header: Option<String>,
    pub(super) entries: Vec<Entry>,
}

/// The base for the next run.
pub(super) fn text(all: &[Owned]) -> String {
    let tables = || all.iter().filter(|table| !table.entries.is_empty());
    let mut text = String::new();
    for table in tables().filter(|table| table.header.is_none()) {
        let dot = if table.keys.is_empty() { "" } else { "." };
        let prefix = format!("{}{dot}", format_keys(&table.keys));
        text.extend(table.entries.iter().map(|entry| entry.lines(&prefix)));
    }
    for table in tables() {
        if let Some(above) = &table.header {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{above}[{}]\n", format_keys(&table.keys)));
            text.extend(table.entries.iter().map(|entry| entry.lines("")));
        }
    }
    text
}
