//! A dependency whose version was moved on since it was written, by somebody or by Dependabot.

use std::cmp::Ordering;

use toml_edit::{InlineTable, Item};

use super::entry::{bare, same};
use crate::pins;
use crate::render::{dependency, is_dependency};

/// Which version a dependency is to have.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pin {
    /// The user's, which is not older, and nothing else is to be changed.
    Ours,
    /// The user's, with the rest of what is to be.
    Both(String),
    /// The one that is to be.
    Theirs,
}

/// Decides between two versions of a dependency that the user changed in nothing else; `None` for anything else.
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

/// A dependency with the version of another.
fn with_version(dependency: &InlineTable, other: &InlineTable) -> Option<InlineTable> {
    let mut dependency = dependency.clone();
    dependency.insert("version", other.get("version")?.clone());
    Some(dependency)
}

fn version(dependency: &InlineTable) -> Option<&str> {
    dependency.get("version")?.as_str()
}
