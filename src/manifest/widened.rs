//! Features that prodify added to the user's dependencies.
//!
//! They are recorded in the base as `[[widened]]`, so that the dependencies can be restored when the features are no longer
//! needed. Every run starts from the manifest without them.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item};

use super::entry::{Keys, bare, find, format_keys};
use super::text::Text;

/// The table of the base.
const TABLE: &str = "widened";

/// A user's entry with a changed value.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Widened {
    pub(super) keys: Keys,
    /// The previous value, as text; none if there was no such entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<String>,
    /// The value that prodify wrote.
    pub(super) now: String,
}

/// The result of undoing.
pub(super) struct Undone {
    /// The manifest as if nothing had been widened.
    pub(super) text: String,
    /// Entries that were edited since, and stay as they are.
    pub(super) changed: Vec<Keys>,
}

/// Removes the records from a base.
pub(super) fn split(base: &str) -> Result<(String, Vec<Widened>)> {
    let mut document: DocumentMut = base.parse().context("reading the base")?;
    let Some(table) = document.remove(TABLE) else {
        return Ok((base.to_owned(), Vec::new()));
    };
    let mut records = DocumentMut::new();
    records.insert(TABLE, table);
    let mut records: Records =
        toml_edit::de::from_document(records).context("reading what was widened")?;
    // Undoes the last change first.
    records.widened.reverse();
    Ok((document.to_string(), records.widened))
}

/// The records as written in a base.
pub(super) fn text(widened: &[Widened]) -> Result<String> {
    if widened.is_empty() {
        return Ok(String::new());
    }
    let records = Records {
        widened: widened.to_vec(),
    };
    let text = toml_edit::ser::to_string_pretty(&records).context("writing what was widened")?;
    Ok(format!("\n{text}"))
}

/// Restores the previous value of each entry that is as prodify left it.
pub(super) fn undo(ours: &str, widened: &[Widened]) -> Result<Undone> {
    let mut text = Text(ours.to_owned());
    let mut changed = Vec::new();
    for Widened { keys, was, now } in widened {
        let document: DocumentMut = text.0.parse()?;
        let value = find(document.as_table(), keys).and_then(Item::as_value);
        let undone = match (value.map(bare), was) {
            (Some(there), Some(was)) if there == *now => text.set(keys, was),
            (Some(there), None) if there == *now => text.remove(keys, ""),
            _ => {
                changed.push(keys.clone());
                Ok(())
            }
        };
        undone.with_context(|| format!("editing `{}`", format_keys(keys)))?;
    }
    Ok(Undone {
        text: text.0,
        changed,
    })
}

#[derive(Deserialize, Serialize)]
struct Records {
    widened: Vec<Widened>,
}
