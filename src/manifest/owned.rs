//! Which entries are prodify's, as the base says it.

use super::entry::{Entry, Keys, shown};

/// The entries of a table that are prodify's.
#[derive(Default)]
pub(super) struct Owned {
    pub(super) keys: Keys,
    /// What stands above the header, where that is prodify's too.
    pub(super) header: Option<String>,
    pub(super) entries: Vec<Entry>,
}

/// The base that the next run compares with.
pub(super) fn text(all: &[Owned]) -> String {
    let tables = || all.iter().filter(|table| !table.entries.is_empty());
    let mut text = String::new();
    for table in tables().filter(|table| table.header.is_none()) {
        let dot = if table.keys.is_empty() { "" } else { "." };
        let prefix = format!("{}{dot}", shown(&table.keys));
        text.extend(table.entries.iter().map(|entry| entry.lines(&prefix)));
    }
    for table in tables() {
        if let Some(above) = &table.header {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{above}[{}]\n", shown(&table.keys)));
            text.extend(table.entries.iter().map(|entry| entry.lines("")));
        }
    }
    text
}
