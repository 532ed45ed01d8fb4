//! `Cargo.toml` of an existing crate: the user's document, in which some entries are prodify's.
//!
//! Base, ours and theirs have the same meaning as for files, for each entry. *Theirs* is the merged fragments of the selected
//! components. *Ours* is the manifest on disk. *Base* is the part of theirs that prodify last wrote into it: it is stored as
//! `Cargo.toml` in `.prodify/base.txtar`; `remove` removes it, and `update` compares with it. An entry that the user had set
//! before is not part of it, and therefore never prodify's, whatever its value.
//!
//! | base | ours | theirs | entry |
//! | --- | --- | --- | --- |
//! | – | – | T | is written, and prodify's from then on |
//! | – | O | T | stays: it is the user's |
//! | B | – | T | stays away: the user deleted it |
//! | B | O = B | T | becomes T |
//! | B | O ≠ B | T = B | stays |
//! | B | O ≠ B | T ≠ B | stays, and is named; features of a dependency are united, and of its versions the newer one is taken |
//! | B | O = B | – | is taken out, with its comments |
//! | B | O ≠ B | – | stays, and is named |
//!
//! A user's dependency gets the features that it lacks, and loses them when no component needs them any longer.
//!
//! A table that prodify created is removed with its last entry. In the base, such a table has a header; one that existed before
//! has dotted keys (`profile.release.lto = …`).
//!
//! A project created by `new` is no special case: all its entries are in the base, and all its tables are prodify's.
//!
//! Decisions are made on documents, but carried out on the text, line by line, so that every byte outside of the entries stays
//! the same; and `add` inserts whole lines, so that `remove` can remove exactly these.

mod change;
mod decide;
mod entry;
mod fit;
mod lines;
mod owned;
mod pin;
mod positions;
mod text;
mod widen;
mod widened;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use toml_edit::{DocumentMut, Item};

pub use fit::{Existing, fit};

use change::Change;
use decide::decide;
use entry::{Keys, find, format_keys, same};
use text::Text;
use widened::Undone;

/// The three states of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The entries that prodify last wrote.
    pub base: &'a str,
    /// What is on disk.
    pub ours: &'a str,
    /// The new entries.
    pub theirs: &'a str,
    /// Entries and tables of `theirs` that are left out if the user has set certain entries: for each, those.
    pub yields: &'a BTreeMap<String, Vec<String>>,
    /// Whether a run was killed here: entries that are up to date already are then that run's, not the user's.
    pub interrupted: bool,
}

/// The result of a merge.
#[derive(Debug)]
pub struct Merged {
    /// The manifest.
    pub text: String,
    /// prodify's entries in it: the next base.
    pub owned: String,
    /// Notes on the user's entries that differ from a component's.
    pub yours: Vec<String>,
    /// Notes on entries that are no longer wanted, but were edited, and therefore stay.
    pub left: Vec<String>,
}

/// Merges the new entries into the manifest.
///
/// # Errors
///
/// If one of the three is not TOML, or if an entry cannot be edited without touching something else.
pub fn merge(sides: &Sides<'_>) -> Result<Merged> {
    let (base, widened) = widened::split(sides.base)?;
    let Undone { text, changed } = widened::undo(sides.ours, &widened)?;
    let sides = &Sides {
        base: &base,
        ours: &text,
        ..*sides
    };
    let ours: DocumentMut = sides.ours.parse()?;
    let mut decision = decide(sides, &ours)?;
    let theirs: DocumentMut = sides.theirs.parse().context("reading the new entries")?;
    for keys in changed {
        let is_wanted = (1..=keys.len()).all(|end| {
            // Of `dependencies.x.features`, only the dependency is shown.
            end > 2 || find(theirs.as_table(), &keys[..end]).is_some()
        });
        if !is_wanted {
            let key = format_keys(&keys);
            decision
                .left
                .push(format!("Cargo.toml: `{key}` was edited, and stays"));
        }
    }
    let mut text = Text(sides.ours.to_owned());
    for change in &decision.changes {
        let place = || format!("editing `{}`", format_keys(change.keys()));
        change.apply(&mut text).with_context(place)?;
    }
    verify(&ours, &text.0, &decision.changes)?;
    Ok(Merged {
        text: text.0,
        owned: decision.owned + &widened::text(&decision.widened)?,
        yours: decision.yours,
        left: decision.left,
    })
}

/// The value of an entry as text: `abort` for `profile.release.panic`.
///
/// # Errors
///
/// If the manifest is not TOML.
pub fn value(manifest: &str, keys: &str) -> Result<Option<String>> {
    let document: DocumentMut = manifest.parse()?;
    let keys: Keys = keys.split('.').map(str::to_owned).collect();
    let value = find(document.as_table(), &keys).and_then(Item::as_value);
    Ok(value.map(|value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => entry::bare(value),
    }))
}

/// Verifies the result: an edit that affected other entries is refused rather than written.
fn verify(before: &DocumentMut, after: &str, changes: &[Change]) -> Result<()> {
    let after: DocumentMut = after.parse().context("reading the edited manifest")?;
    let mut entries = Vec::new();
    leaves(before.as_item(), &mut Vec::new(), &mut entries);
    for keys in entries {
        let changed = changes.iter().any(|change| keys.starts_with(change.keys()));
        let (was, is) = (
            find(before.as_table(), &keys),
            find(after.as_table(), &keys),
        );
        let stays = was.zip(is).is_some_and(|(was, is)| same(was, is));
        ensure!(changed || stays, "`{}` would be lost", format_keys(&keys));
    }
    for change in changes {
        let is_present = find(after.as_table(), change.keys()).is_some();
        ensure!(
            change.allows(is_present),
            "`{}` could not be edited as it is written",
            format_keys(change.keys())
        );
    }
    Ok(())
}

fn leaves(item: &Item, keys: &mut Keys, found: &mut Vec<Keys>) {
    match item.as_table_like() {
        Some(table) => {
            for (key, item) in table.iter() {
                keys.push(key.to_owned());
                leaves(item, keys, found);
                keys.pop();
            }
        }
        None => found.push(keys.clone()),
    }
}
