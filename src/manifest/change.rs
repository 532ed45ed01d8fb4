//! A change to one entry or table.

use anyhow::{Context as _, Result};

use super::entry::{Entry, Keys};
use super::text::{Header, Text};

/// A change to the text.
#[derive(Debug)]
pub(super) enum Change {
    /// Inserts a new entry; `above` goes above the table's header if the table has to be created.
    Insert {
        keys: Keys,
        above: String,
        entry: Entry,
    },
    /// Replaces an entry.
    Replace { keys: Keys, old: Entry, new: Entry },
    /// Changes the value of a user's entry.
    Set { keys: Keys, value: String },
    /// Removes an entry; with `alone`, only if it is the last of its table.
    Remove {
        keys: Keys,
        above: String,
        alone: bool,
    },
    /// Removes an empty table.
    RemoveTable { keys: Keys, above: String },
}

impl Change {
    pub(super) fn keys(&self) -> &[String] {
        match self {
            Self::Insert { keys, .. }
            | Self::Replace { keys, .. }
            | Self::Set { keys, .. }
            | Self::Remove { keys, .. }
            | Self::RemoveTable { keys, .. } => keys,
        }
    }

    pub(super) fn apply(&self, text: &mut Text) -> Result<()> {
        match self {
            Self::Insert { keys, above, entry } => {
                let (_, table) = keys.split_last().context("an entry without a key")?;
                text.insert(&Header { keys: table, above }, entry)
            }
            Self::Replace { keys, old, new } => text.replace(keys, old, new),
            Self::Set { keys, value } => text.set(keys, value),
            Self::Remove { keys, alone, .. } if *alone && !text.is_alone(keys)? => Ok(()),
            Self::Remove { keys, above, .. } => text.remove(keys, above),
            Self::RemoveTable { keys, above } => text.remove_table(keys, above),
        }
    }

    /// Whether the entry may still be there, or still be missing, afterwards.
    pub(super) fn allows(&self, is_present: bool) -> bool {
        match self {
            Self::Insert { .. } | Self::Replace { .. } | Self::Set { .. } => is_present,
            Self::Remove { alone, .. } => *alone || !is_present,
            Self::RemoveTable { .. } => true,
        }
    }
}
