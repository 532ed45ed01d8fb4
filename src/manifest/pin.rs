//! A dependency whose version was bumped since it was written, by the user or by Dependabot.

use std::cmp::Ordering;

use toml_edit::{InlineTable, Item};

use super::entry::{bare, same};
use crate::pins;
use crate::render::{dependency, is_dependency};

/// The version to use for a dependency.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// The user's, which is not older; nothing else changes.
    Ours,
    /// The user's, with the other changes.
    Both(String),
    /// The new one.
    Theirs,
}

/// Selects one of two versions, if the user changed nothing else of the dependency; `None` otherwise.
pub(super) fn pin(keys: &[String], base: &Item, ours: &Item, theirs: &Item) -> Option<Pin> {
    if !is_dependency(&keys.join(".")) {
        return None;
    }
    let (base, ours, theirs) = (dependency(base)?, dependency(ours)?, dependency(theirs)?);
    let as_written = with_version(&ours, &base)?;
    if !same(&as_written.into(), &base.into()) {
        return None;
    }
    match pins::order(version(&ours)?, version(&theirs)?)? {
        Ordering::Less => Some(Pin::Theirs),
        Ordering::Equal | Ordering::Greater => {
            let mut wanted = with_version(&theirs, &ours)?;
            if same(&wanted.clone().into(), &ours.into()) {
                return Some(Pin::Ours);
            }
            wanted.fmt();
            let alone = wanted.get("version").filter(|_| wanted.len() == 1);
            let value = alone.map_or_else(|| bare(&wanted.clone().into()), bare);
            Some(Pin::Both(value))
        }
    }
}

/// A dependency with the version of another one.
fn with_version(dependency: &InlineTable, other: &InlineTable) -> Option<InlineTable> {
    let mut dependency = dependency.clone();
    dependency.insert("version", other.get("version")?.clone());
    Some(dependency)
}

fn version(dependency: &InlineTable) -> Option<&str> {
    dependency.get("version")?.as_str()
}
