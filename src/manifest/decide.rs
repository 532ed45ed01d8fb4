//! Decides about each entry.

use anyhow::{Context as _, Result, ensure};
use toml_edit::{DocumentMut, Item, TableLike};

use super::Sides;
use super::change::Change;
use super::entry::{Entry, Keys, bare, comments_above, find, format_keys, same};
use super::owned::{self, Owned};
use super::pin::{Pin, pin};
use super::text::Text;
use super::widen::{Widening, widen};
use super::widened::Widened;

/// The decisions on a manifest.
#[derive(Debug, Default)]
pub(super) struct Decision {
    pub(super) changes: Vec<Change>,
    pub(super) owned: String,
    pub(super) widened: Vec<Widened>,
    pub(super) yours: Vec<String>,
    pub(super) left: Vec<String>,
}

/// Decides about every entry of base and theirs.
pub(super) fn decide(sides: &Sides<'_>, ours: &DocumentMut) -> Result<Decision> {
    let base: DocumentMut = sides.base.parse().context("reading the base")?;
    let theirs: DocumentMut = sides.theirs.parse().context("reading the new entries")?;
    let root = ThreeWay {
        base: Some(base.as_item()),
        ours: Some(ours.as_item()),
        theirs: Some(theirs.as_item()),
    };
    let mut decider = Decider {
        sides,
        root,
        changes: Vec::new(),
        owned: vec![Owned::default()],
        widened: Vec::new(),
        yours: Vec::new(),
        left: Vec::new(),
    };
    decider.entries(&mut Vec::new(), root, 0)?;
    Ok(Decision {
        owned: owned::text(&decider.owned),
        widened: decider.widened,
        changes: decider.changes,
        yours: decider.yours,
        left: decider.left,
    })
}

/// The three states of an item.
#[derive(Clone, Copy)]
struct ThreeWay<'d> {
    base: Option<&'d Item>,
    ours: Option<&'d Item>,
    theirs: Option<&'d Item>,
}

impl<'d> ThreeWay<'d> {
    fn get(self, key: &str) -> Self {
        let within = |item: Option<&'d Item>| item?.as_table_like()?.get(key);
        Self {
            base: within(self.base),
            ours: within(self.ours),
            theirs: within(self.theirs),
        }
    }

    /// Whether prodify sees it as a table rather than a value.
    fn is_table(self) -> bool {
        [self.theirs, self.base]
            .into_iter()
            .flatten()
            .any(Item::is_table)
    }

    /// The keys that prodify has written or would write.
    fn keys(self) -> Keys {
        let keys = |item: Option<&'d Item>| {
            let table = item.and_then(Item::as_table_like);
            table
                .into_iter()
                .flat_map(TableLike::iter)
                .map(|(key, _)| key.to_owned())
        };
        let mut all: Keys = keys(self.theirs).collect();
        all.extend(keys(self.base).filter(|key| self.get(key).theirs.is_none()));
        if self.theirs.is_none() {
            all.sort_by_key(|key| key == ANCHOR.1);
        }
        all
    }
}

/// A custom profile is invalid without this entry, so it is removed last, and on its own.
const ANCHOR: (&str, &str) = ("profile", "inherits");

struct Decider<'d> {
    sides: &'d Sides<'d>,
    root: ThreeWay<'d>,
    changes: Vec<Change>,
    owned: Vec<Owned>,
    widened: Vec<Widened>,
    yours: Vec<String>,
    left: Vec<String>,
}

impl<'d> Decider<'d> {
    /// Decides about the entries of a table; prodify's are added to the `owned` of that index.
    fn entries(&mut self, keys: &mut Keys, table: ThreeWay<'d>, owned: usize) -> Result<()> {
        for key in table.keys() {
            keys.push(key.clone());
            let item = self.without_yielding(keys, table.get(&key));
            if item.is_table() {
                self.table(keys, item)?;
            } else {
                self.entry(keys, table, item, owned)?;
            }
            keys.pop();
        }
        Ok(())
    }

    fn table(&mut self, keys: &mut Keys, table: ThreeWay<'d>) -> Result<()> {
        if let Some(ours) = table.ours.filter(|ours| !ours.is_table_like()) {
            let ours = ours.to_string();
            self.yours.push(format!(
                "Cargo.toml: `{} = {}` stays, although a table is needed",
                format_keys(keys),
                ours.trim()
            ));
            return Ok(());
        }
        let of_base = table.base.and_then(Item::as_table);
        let of_base = of_base.filter(|table| !table.is_dotted() && !table.is_implicit());
        let is_new = table.base.is_none() && self.is_missing_or_ours(table);
        let above = table.theirs.and_then(Item::as_table).map(comments_above);
        let header = above.filter(|_| of_base.is_some() || is_new);
        self.owned.push(Owned {
            keys: keys.clone(),
            header,
            entries: Vec::new(),
        });
        self.entries(keys, table, self.owned.len() - 1)?;
        if let Some(of_base) = of_base.filter(|_| table.theirs.is_none()) {
            self.changes.push(Change::RemoveTable {
                keys: keys.clone(),
                above: comments_above(of_base),
            });
        }
        Ok(())
    }

    /// Whether a table is missing, or was created by a killed run, in which case it only contains that run's entries.
    fn is_missing_or_ours(&self, table: ThreeWay<'d>) -> bool {
        let Some(ours) = table.ours else { return true };
        if ours
            .as_table()
            .is_some_and(|table| table.is_implicit() && !table.is_dotted())
        {
            return true;
        }
        let entries = ours.as_table_like().into_iter().flat_map(TableLike::iter);
        let mut entries = entries.peekable();
        self.sides.interrupted
            && entries.peek().is_some()
            && entries.all(|(key, item)| is_same(item, table.get(key).theirs))
    }

    /// Decides about an entry, by the table in the module's documentation, from the first row to the last.
    fn entry(
        &mut self,
        keys: &[String],
        table: ThreeWay<'d>,
        item: ThreeWay<'d>,
        owned: usize,
    ) -> Result<()> {
        let key = keys.last().map_or("", String::as_str);
        let entry = |table: Option<&Item>| Entry::get(table?.as_table_like()?, key);
        let (old, new) = (entry(table.base), entry(table.theirs));
        let new = new.filter(|_| item.theirs.is_some());
        ensure!(
            new.is_some() == item.theirs.is_some(),
            "`{}` is neither a value nor a table",
            format_keys(keys)
        );
        let is_value = item.ours.is_some_and(Item::is_value);
        match (old, item.ours, new) {
            (None, None, Some(new)) => {
                let above = table.theirs.and_then(Item::as_table).map(comments_above);
                self.changes.push(Change::Insert {
                    keys: keys.to_vec(),
                    above: above.unwrap_or_default(),
                    entry: new.clone(),
                });
                self.add_owned(owned, new);
            }
            (None, Some(ours), Some(new)) => {
                if !is_same(ours, item.theirs) {
                    self.widen_or_keep(keys, item, &new);
                } else if self.sides.interrupted {
                    self.add_owned(owned, new);
                }
            }
            (Some(_), None, Some(new)) => self.add_owned(owned, new),
            (Some(old), Some(ours), Some(new)) => {
                if is_value && is_same(ours, item.base) {
                    if old != new {
                        let (keys, new) = (keys.to_vec(), new.clone());
                        self.changes.push(Change::Replace { keys, old, new });
                    }
                } else if !is_same(ours, item.theirs) && old.value != new.value {
                    self.pin_or_keep(keys, item, &new);
                }
                self.add_owned(owned, new);
            }
            (Some(old), Some(ours), None) => {
                let is_inline = !table.ours.is_some_and(Item::is_table);
                let is_plain = is_value && (is_inline || self.trailing(keys) == old.trailing);
                if is_plain && is_same(ours, item.base) {
                    self.changes.push(Change::Remove {
                        keys: keys.to_vec(),
                        above: old.above,
                        alone: keys.len() == 3 && keys[0] == ANCHOR.0 && key == ANCHOR.1,
                    });
                } else {
                    let key = format_keys(keys);
                    self.left
                        .push(format!("Cargo.toml: `{key}` was edited, and stays"));
                }
            }
            (_, None, None) | (None, Some(_), None) => {}
        }
        Ok(())
    }

    /// The user's comment after a value.
    fn trailing(&self, keys: &[String]) -> String {
        Text(self.sides.ours.to_owned()).trailing(keys)
    }

    fn add_owned(&mut self, owned: usize, entry: Entry) {
        if let Some(owned) = self.owned.get_mut(owned) {
            owned.entries.push(entry);
        }
    }

    /// The newer of two versions of a dependency wins; all other user edits stay.
    fn pin_or_keep(&mut self, keys: &[String], item: ThreeWay<'d>, new: &Entry) {
        let ThreeWay {
            base: Some(base),
            ours: Some(ours),
            theirs: Some(theirs),
        } = item
        else {
            return;
        };
        match pin(keys, base, ours, theirs) {
            None => self.widen_or_keep(keys, item, new),
            Some(Pin::Ours) => {}
            Some(Pin::Both(value)) => self.set(keys.to_vec(), value, false),
            Some(Pin::Theirs) => {
                let ours = ours.as_value().map(bare).unwrap_or_default();
                self.set(keys.to_vec(), new.value.clone(), false);
                self.yours.push(format!(
                    "Cargo.toml: `{} = {ours}` is older than the current pin, {}",
                    format_keys(keys),
                    new.value
                ));
            }
        }
    }

    /// The user's value stays; a dependency gets the features that it lacks.
    fn widen_or_keep(&mut self, keys: &[String], item: ThreeWay<'d>, new: &Entry) {
        let Some(ours) = item.ours else { return };
        let widening = match item.theirs {
            Some(theirs) => widen(keys, item.base, ours, theirs),
            None => Widening::NotADependency,
        };
        match widening {
            // Its version was checked before.
            Widening::Sufficient if item.base.is_none() => return,
            Widening::NotADependency | Widening::Sufficient => {}
            Widening::Value(keys, value) => return self.set(keys, value, item.base.is_none()),
        }
        let ours = ours.as_value().map(bare);
        self.yours.push(format!(
            "Cargo.toml: `{} = {}` is yours and stays; it would have been {}",
            format_keys(keys),
            ours.as_deref().unwrap_or("…"),
            new.value
        ));
    }

    /// Changes the value of a user's entry; if prodify has no part in the entry, the original value is recorded.
    fn set(&mut self, keys: Keys, value: String, record_original: bool) {
        let ours = self.root.ours.and_then(Item::as_table_like);
        let was = ours.and_then(|ours| find(ours, &keys)?.as_value());
        if record_original {
            self.widened.push(Widened {
                keys: keys.clone(),
                was: was.map(bare),
                now: value.clone(),
            });
        }
        let change = match was {
            Some(_) => Change::Set { keys, value },
            None => Change::Insert {
                above: String::new(),
                entry: Entry {
                    key: keys.last().cloned().unwrap_or_default(),
                    value,
                    above: String::new(),
                    trailing: String::new(),
                },
                keys,
            },
        };
        self.changes.push(change);
    }

    /// Leaves out entries of theirs that yield to something that the user has set.
    fn without_yielding(&mut self, keys: &[String], item: ThreeWay<'d>) -> ThreeWay<'d> {
        let name = format_keys(keys);
        let Some(reasons) = self
            .sides
            .yields
            .get(&name)
            .filter(|_| item.theirs.is_some())
        else {
            return item;
        };
        let is_ours = |reason: &&String| {
            let keys: Keys = reason.split('.').map(str::to_owned).collect();
            let within = |state: Option<&'d Item>| find(state?.as_table_like()?, &keys);
            within(self.root.ours).is_some() && within(self.root.base).is_none()
        };
        let as_written = item.ours.is_some_and(|ours| is_same(ours, item.theirs));
        let reason = reasons.iter().find(is_ours);
        match reason.filter(|_| !(self.sides.interrupted && as_written)) {
            Some(reason) => {
                self.yours.push(format!(
                    "Cargo.toml: left out `{name}`, since `{reason}` is yours"
                ));
                ThreeWay {
                    theirs: None,
                    ..item
                }
            }
            None => item,
        }
    }
}

fn is_same(ours: &Item, other: Option<&Item>) -> bool {
    other.is_some_and(|other| same(ours, other))
}
