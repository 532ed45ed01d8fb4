//! `Cargo.toml` of a crate that exists: the user's document, in which some entries are prodify's.
//!
//! Base, ours and theirs mean here what they mean for files, entry by entry. *Theirs* is what the chosen components' pieces
//! make together. *Ours* is the manifest on disk. *Base* is the part of theirs that prodify wrote into it the last time: it
//! stands under `Cargo.toml` in `.prodify/base.txtar`, and is what `remove` takes back and `update` compares with. An entry that
//! the user had set before is not in it, and so never prodify's, whatever its value.
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
//! A dependency of the user's gets the features that it lacks, and loses them again when nobody wants them any more.
//!
//! A table goes with its last entry if prodify made it. In the base, such a table has a header; one that was there before has
//! dotted keys (`profile.release.lto = …`).
//!
//! A project that `new` made is no special case: there, all entries are in the base, and all tables are prodify's.
//!
//! What is decided on documents is carried out on the text, a line at a time, so that every byte outside of the entries stays
//! what it was; and `add` puts in whole lines, so that `remove` can take out just these.

mod change;
mod decide;
mod entry;
mod fit;
mod lines;
mod owned;
mod pin;
mod places;
mod text;
mod widen;
mod widened;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use toml_edit::{DocumentMut, Item};

pub use fit::{There, fit};

use change::Change;
use decide::decide;
use entry::{Keys, find, same, shown};
use text::Text;
use widened::Undone;

/// The three states of a manifest.
#[derive(Clone, Copy, Debug)]
pub struct Sides<'a> {
    /// The entries that prodify wrote the last time.
    pub base: &'a str,
    /// What is on disk.
    pub ours: &'a str,
    /// The entries that are to be.
    pub theirs: &'a str,
    /// Entries and tables of `theirs` that are left out where the user has set something: for each, what.
    pub yields: &'a BTreeMap<String, Vec<String>>,
    /// Whether a run was killed here: what is as it is to be is then that run's work, and not the user's.
    pub interrupted: bool,
}

/// What came of three states.
#[derive(Debug)]
pub struct Merged {
    /// The manifest.
    pub text: String,
    /// The entries in it that are prodify's: the next base.
    pub owned: String,
    /// What is the user's, although a component would have it otherwise.
    pub yours: Vec<String>,
    /// What is no longer wanted, but was changed, and stays.
    pub left: Vec<String>,
}

/// Puts what is to be into what is there.
///
/// # Errors
///
/// Where one of the three is no TOML, or is written in a way that cannot be edited without touching anything else.
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
            // Of `dependencies.x.features` the dependency counts.
            end > 2 || find(theirs.as_table(), &keys[..end]).is_some()
        });
        if !is_wanted {
            let key = shown(&keys);
            decision.left.push(format!(
                "Cargo.toml: `{key}` is not as it was written, and stays"
            ));
        }
    }
    let mut text = Text(sides.ours.to_owned());
    for change in &decision.changes {
        let place = || format!("editing `{}`", shown(change.keys()));
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

/// The value of an entry, as text: `profile.release.panic` is `abort`.
///
/// # Errors
///
/// Where the manifest is no TOML.
pub fn value(manifest: &str, keys: &str) -> Result<Option<String>> {
    let document: DocumentMut = manifest.parse()?;
    let keys: Keys = keys.split('.').map(str::to_owned).collect();
    let value = find(document.as_table(), &keys).and_then(Item::as_value);
    Ok(value.map(|value| match value.as_str() {
        Some(text) => text.to_owned(),
        None => entry::bare(value),
    }))
}

/// Reads the result back: an edit that went beyond its entries is refused rather than written.
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
        ensure!(changed || stays, "`{}` would be lost", shown(&keys));
    }
    for change in changes {
        let there = find(after.as_table(), change.keys()).is_some();
        ensure!(
            change.leaves(there),
            "`{}` could not be edited as it is written",
            shown(change.keys())
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
