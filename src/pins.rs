//! Versions that prodify pins, and that Dependabot or Renovate bumps in a project.
//!
//! A line in which one side changed only versions, digests and commits is not treated as edited: the newer version wins, and the
//! lines around it merge as if it were untouched. Versions are compared by their numbers; a commit has none, so it follows the
//! comment beside it (`uses: actions/checkout@3d3c42e… # v7.0.1`).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item};

use crate::merge;
use crate::plan::{Disk, OnDisk, Trees};
use crate::tree::{RelPath, Tree};

/// The versions that this version of prodify pins, each as its numbers: `7.0.1`.
#[derive(Clone, Debug, Default)]
pub struct Pins(BTreeSet<String>);

impl Pins {
    /// Those of `versions.toml`; crate versions are only used in Cargo.toml, which is not merged as text.
    pub fn from_versions(versions: &DocumentMut) -> Self {
        let mut pins = BTreeSet::new();
        let tables = versions.iter().filter(|(name, _)| *name != "crates");
        for (_, table) in tables {
            collect(table, &mut pins);
        }
        Self(pins)
    }

    /// Like [`Pins::reconcile`], for the trees of a plan.
    pub fn reconcile_trees(&self, trees: &mut Trees) -> Vec<String> {
        self.reconcile(&mut trees.base, &trees.ours, &mut trees.theirs)
    }

    /// Makes base and theirs agree with every pin that was bumped in ours: if ours is not older, both get its version; if it is
    /// older, base gets it, so that theirs is a change. Returns a message for each older one.
    pub fn reconcile(&self, base: &mut Tree, ours: &Disk, theirs: &mut Tree) -> Vec<String> {
        let mut notes = Vec::new();
        for (path, new) in theirs {
            let (Some(old), Some(OnDisk::Text { text, .. })) = (base.get_mut(path), ours.get(path))
            else {
                continue;
            };
            // An untouched file, and one that is up to date, need no reconciling.
            if *text != old.text && *text != new.text {
                let ours = merge::to_lf(text);
                notes.extend(self.reconcile_text(path, &mut old.text, &ours, &mut new.text));
            }
        }
        notes
    }

    fn reconcile_text(
        &self,
        path: &RelPath,
        base: &mut String,
        ours: &str,
        theirs: &mut String,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let (in_ours, in_theirs) = (align_lines(base, ours), align_lines(base, theirs));
        let mut base_lines: Vec<&str> = base.split_inclusive('\n').collect();
        let mut their_lines: Vec<&str> = theirs.split_inclusive('\n').collect();
        let our_lines: Vec<&str> = ours.split_inclusive('\n').collect();
        for (at, our) in in_ours {
            let Some(their) = in_theirs.get(&at) else {
                continue;
            };
            let (b, o, t) = (base_lines[at], our_lines[our], their_lines[*their]);
            if b == o || !self.are_pins(b, o, t) {
                continue;
            }
            let Some(order) = order(o, t) else { continue };
            base_lines[at] = o;
            if order == Ordering::Less && b != t {
                let (line, o, t) = (our + 1, o.trim(), t.trim());
                notes.push(format!(
                    "{path}:{line}: `{o}` is older than the current pin, `{t}`"
                ));
            } else {
                their_lines[*their] = o;
            }
        }
        (*base, *theirs) = (base_lines.concat(), their_lines.concat());
        notes
    }

    /// Whether all versions in which ours differs are ones that prodify pins.
    fn are_pins(&self, base: &str, ours: &str, theirs: &str) -> bool {
        let numbers = |line| -> Vec<&str> { words(line).filter_map(|word| word.numbers).collect() };
        let (base, ours, theirs) = (numbers(base), numbers(ours), numbers(theirs));
        let mut found = false;
        for ((base, ours), theirs) in base.iter().zip(&ours).zip(&theirs) {
            let is_pin = self.0.contains(*theirs);
            if (base != ours || theirs != ours) && !is_pin {
                return false;
            }
            found |= is_pin;
        }
        found
    }
}

/// Which of two texts has the newer versions, if they differ only in versions and the order can be told.
pub fn order(ours: &str, theirs: &str) -> Option<Ordering> {
    let (ours, theirs) = (without_digests(ours), without_digests(theirs));
    let mut found = Ordering::Equal;
    let mut moved = false;
    for (ours, theirs) in pairs(&ours, &theirs)? {
        match (ours.numbers, theirs.numbers) {
            (Some(our), Some(their)) => match (found, compare(our, their)) {
                (_, Ordering::Equal) => {}
                (Ordering::Equal, order) => found = order,
                (found, order) if found != order => return None,
                _ => {}
            },
            _ => moved |= ours.text != theirs.text,
        }
    }
    // Two commits with the same version cannot be ordered.
    (found != Ordering::Equal || !moved).then_some(found)
}

fn collect(item: &Item, pins: &mut BTreeSet<String>) {
    if let Some(table) = item.as_table_like() {
        table.iter().for_each(|(_, item)| collect(item, pins));
    }
    let words = item.as_str().into_iter().flat_map(words);
    pins.extend(words.filter_map(|word| word.numbers.map(str::to_owned)));
}

/// The lines of another text that equal those of the first except for their versions, by their indices in the first.
fn align_lines(first: &str, other: &str) -> BTreeMap<usize, usize> {
    let skeletons = |text: &str| -> String {
        let lines = text.split_inclusive('\n');
        lines.map(|line| skeleton(&without_digests(line))).collect()
    };
    merge::shared_lines(&skeletons(first), &skeletons(other))
        .into_iter()
        .collect()
}

/// A line with its versions and commits blanked.
fn skeleton(line: &str) -> String {
    let blank = |word: Word<'_>| match (word.numbers, is_commit(word.text)) {
        (_, true) => "\u{0}".to_owned(),
        (Some(numbers), false) => word.text.replacen(numbers, "\u{0}", 1),
        (None, false) => word.text.to_owned(),
    };
    words(line).map(blank).collect()
}

/// A line without image digests, which Renovate adds to tags and updates with them.
fn without_digests(line: &str) -> String {
    const DIGEST: (&str, usize) = ("@sha256:", 64);
    let mut rest = line;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(DIGEST.0) {
        kept.push_str(before);
        let is_digest = after.get(..DIGEST.1).is_some_and(is_hex);
        rest = if is_digest { &after[DIGEST.1..] } else { after };
        if !is_digest {
            kept.push_str(DIGEST.0);
        }
    }
    kept + rest
}

/// A part of a line: a possible version, or the text between two of them.
#[derive(Clone, Copy, Debug)]
struct Word<'l> {
    text: &'l str,
    /// `1.95.0` of `1.95.0-slim-trixie`, `24.04` of `ubuntu-24.04`.
    numbers: Option<&'l str>,
}

fn words(line: &str) -> impl Iterator<Item = Word<'_>> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let kind = is_part(first);
        let end = rest.find(|c: char| is_part(c) != kind);
        let (text, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        let numbers = (kind && !is_commit(text)).then(|| numbers(text)).flatten();
        Some(Word { text, numbers })
    })
}

fn numbers(word: &str) -> Option<&str> {
    let from = word.find(|c: char| c.is_ascii_digit())?;
    let rest = &word[from..];
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
    Some(rest[..end.unwrap_or(rest.len())].trim_end_matches('.'))
}

/// The words of two lines in pairs, if the lines differ only in versions and commits.
fn pairs<'l>(first: &'l str, other: &'l str) -> Option<Vec<(Word<'l>, Word<'l>)>> {
    let same = skeleton(first) == skeleton(other);
    same.then(|| words(first).zip(words(other)).collect())
}

fn is_commit(word: &str) -> bool {
    word.len() == 40 && is_hex(word)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Compares number by number; a missing one is zero, as in `v7` for `v7.0.0`.
fn compare(ours: &str, theirs: &str) -> Ordering {
    let parts = |numbers: &str| -> Vec<u64> {
        let parts = numbers.split('.');
        parts.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
    };
    let (mut ours, mut theirs) = (parts(ours), parts(theirs));
    let length = ours.len().max(theirs.len());
    ours.resize(length, 0);
    theirs.resize(length, 0);
    ours.cmp(&theirs)
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Pins, order};
    use crate::plan::{Disk, OnDisk};
    use crate::tree::{File, RelPath, Tree};

    const OLD: &str = "1111111111111111111111111111111111111111";
    const NEW: &str = "2222222222222222222222222222222222222222";

    /// Base and theirs after the pins were reconciled, and the messages.
    fn reconciled(base: &str, ours: &str, theirs: &str) -> (String, String, Vec<String>) {
        let versions = r#"
            actions.checkout = { version = "v7.0.1", sha = "3333333333333333333333333333333333333333" }
            images.postgres = "18.6-trixie"
            runners.ubuntu = "ubuntu-24.04"
            crates.axum = "0.8"
        "#;
        let pins = Pins::from_versions(&versions.parse().unwrap());
        let path = RelPath::new("f").unwrap();
        let tree = |text: &str| Tree::from([(path.clone(), File::of_project(text.to_owned()))]);
        let (mut base, mut theirs) = (tree(base), tree(theirs));
        let ours = Disk::from([(path.clone(), OnDisk::text(ours))]);
        let notes = pins.reconcile(&mut base, &ours, &mut theirs);
        (base[&path].text.clone(), theirs[&path].text.clone(), notes)
    }

    #[test]
    fn newer_user_version_replaces_base_and_template() {
        let uses =
            |commit: &str, version: &str| format!("a\n- uses: checkout@{commit} # {version}\nb\n");
        let (base, ours) = (uses(OLD, "v6.0.0"), uses(NEW, "v8.0.0"));
        let theirs = uses(&"3".repeat(40), "v7.0.1");
        assert_eq!(
            reconciled(&base, &ours, &theirs),
            (ours.clone(), ours.clone(), Vec::new())
        );
        // Also if the template did not change it, but changed the line beside it.
        let (base, theirs) = (theirs.clone(), theirs.replace("b\n", "c\n"));
        let wanted = ours.replace("b\n", "c\n");
        assert_eq!(
            reconciled(&base, &ours, &theirs),
            (ours, wanted, Vec::new())
        );
    }

    #[test]
    fn older_user_version_yields_and_is_reported() {
        let image = |tag: &str| format!("image: postgres:{tag}\n");
        let (base, ours, theirs) = (
            image("18.4-trixie"),
            image("18.5-trixie"),
            image("18.6-trixie"),
        );
        let note = "f:1: `image: postgres:18.5-trixie` is older than the current pin, `image: postgres:18.6-trixie`";
        assert_eq!(
            reconciled(&base, &ours, &theirs),
            (ours, theirs, vec![note.to_owned()])
        );
    }

    #[test]
    fn user_version_stays_if_the_template_did_not_change() {
        let (base, ours) = ("runs-on: ubuntu-24.04\n", "runs-on: ubuntu-22.04\n");
        let same = (ours.to_owned(), ours.to_owned(), Vec::new());
        assert_eq!(reconciled(base, ours, base), same);
    }

    #[test]
    fn changes_other_than_pins_are_left_to_the_merge() {
        for (base, ours, theirs) in [
            // A number that is not one of prodify's versions.
            ("host: 127.0.0.1\n", "host: 10.0.0.1\n", "host: 0.0.0.0\n"),
            // A crate's version: Cargo.toml is merged elsewhere.
            ("axum: 0.7\n", "axum: 0.9\n", "axum: 0.8\n"),
            // A different image.
            (
                "postgres:18.4-trixie\n",
                "postgres:18.5-alpine\n",
                "postgres:18.6-trixie\n",
            ),
            // A pin, and another edit on its line.
            ("v6 18\n", "v8 19\n", "v7.0.1 20\n"),
        ] {
            let (new_base, new_theirs, notes) = reconciled(base, ours, theirs);
            assert_eq!(
                (&*new_base, &*new_theirs, notes),
                (base, theirs, Vec::new()),
                "{ours}"
            );
        }
    }

    #[test]
    fn orders_versions_numerically() {
        let digest = format!("18.6@sha256:{}", "a".repeat(64));
        for (ours, theirs, wanted) in [
            ("18.10", "18.9", Some(Ordering::Greater)),
            ("v7", "v7.0.1", Some(Ordering::Less)),
            ("v7", "v7.0.0", Some(Ordering::Equal)),
            (&digest, "18.6", Some(Ordering::Equal)),
            (&digest, "18.7", Some(Ordering::Less)),
            ("1.0 2.0", "2.0 1.0", None),
            ("18.6-trixie", "18.6-alpine", None),
            ("one", "two", None),
            (OLD, NEW, None),
        ] {
            assert_eq!(order(ours, theirs), wanted, "{ours} {theirs}");
        }
        let with = |commit: &str, version: &str| format!("@{commit} # {version}");
        assert_eq!(
            order(&with(OLD, "v8"), &with(NEW, "v7")),
            Some(Ordering::Greater)
        );
        // Two commits with the same version cannot be ordered by numbers.
        assert_eq!(order(&with(OLD, "v7"), &with(NEW, "v7")), None);
    }
}
