//! What prodify made of entries that are the user's: dependencies that got features.
//!
//! They stand in the base as `[[widened]]`, so that they become what they were when the features are no longer wanted. Every run begins
//! with the manifest without them.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use toml_edit::{DocumentMut, Item};

use super::entry::{Keys, bare, find, shown};
use super::text::Text;

/// The table of the base.
const TABLE: &str = "widened";

/// An entry of the user's with another value than the user's.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Widened {
    pub(super) keys: Keys,
    /// The value before, as text; none where there was no such entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) was: Option<String>,
    /// The value that it was given.
    pub(super) now: String,
}

/// What undoing comes to.
pub(super) struct Undone {
    /// The manifest as it would be if nothing had been widened.
    pub(super) text: String,
    /// What was changed since it was widened, and stays as it is.
    pub(super) changed: Vec<Keys>,
}

/// Takes the records out of a base.
pub(super) fn split(base: &str) -> Result<(String, Vec<Widened>)> {
    let mut document: DocumentMut = base.parse().context("reading the base")?;
    let Some(table) = document.remove(TABLE) else {
        return Ok((base.to_owned(), Vec::new()));
    };
    let mut records = DocumentMut::new();
    records.insert(TABLE, table);
    let mut records: Records =
        toml_edit::de::from_document(records).context("reading what was widened")?;
    // What was done last is undone first.
    records.widened.reverse();
    Ok((document.to_string(), records.widened))
}

/// The records as they stand in a base.
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

/// Gives each entry that is as prodify left it the value that it had.
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
        undone.with_context(|| format!("editing `{}`", shown(keys)))?;
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
