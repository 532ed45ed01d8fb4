//! Edits of `Cargo.toml`: whatever users write in theirs stays, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_prodify::manifest::{Merged, Sides, merge};

use crate::round_trip::{ENTRIES, WIDER_DEPENDENCIES, check_removal, check_round_trip};

fn try_merge(base: &str, ours: &str, theirs: &str) -> anyhow::Result<Merged> {
    merge(&Sides {
        base,
        ours,
        theirs,
        yields: &BTreeMap::new(),
        interrupted: false,
    })
}

#[track_caller]
fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
    try_merge(base, ours, theirs).unwrap_or_else(|error| panic!("{error:#}"))
}

#[test]
fn odd_manifests_are_kept_byte_for_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut checked = 0;
    for entry in fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        check_round_trip(&text, ENTRIES)
            .and_then(|()| check_removal(&text, WIDER_DEPENDENCIES))
            .unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        checked += 1;
    }
    assert!(checked > 35, "{checked}");
}

/// Reproducible pseudo-random numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        // Knuth's multiplier; the high bits are better.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }
}

/// Tables in every notation, at most one of each name, in any order, with anything between them.
fn manifest(numbers: &mut Numbers) -> String {
    let mut roots = vec![
        "package.name = 'x'",
        "# a comment",
        "",
        "bench = []",
        "lib = { path = 'x.rs' }",
    ];
    let mut tables = vec![
        "[dependencies]\na = '1'\n# b\nc = { version = '1', features = [ 'x', ] } # d",
        "[dev-dependencies]",
        "[profile.dev]\ndebug = 0",
        "[features]\ndefault = [\n  'a', # a\n]",
        "[[bin]]\nname = 'y'",
        "[[example]]\nname = 'z'\n# z",
        "[patch.crates-io]\nq = { path = 'q' }",
        "[workspace]\nmembers = []",
    ];
    match numbers.below(8) {
        0 => roots.push("profile.release.lto = true"),
        1 => roots.push("profile.release.package.p.opt-level = 1"),
        2 => roots.push("profile = { release = { lto = 'fat' } }"),
        3 => roots.push("profile = { release.lto = 'fat', dev = {} }"),
        4 => tables.push("[profile.release]"),
        5 => tables.push("[profile.release]\n# above\nlto = 'thin' # behind\n# below"),
        6 => tables.push("[profile.release.package.p]\nopt-level = 1"),
        _ => {}
    }
    if roots.iter().any(|line| line.starts_with("profile = ")) {
        tables.retain(|table| !table.starts_with("[profile"));
    }
    match numbers.below(4) {
        0 => tables.push("[lints.clippy]\npedantic = { level = 'warn', priority = -1 }"),
        1 => tables.push("[lints]\nclippy.unwrap_used = 'deny'\nrust = {}"),
        2 => tables.push("[lints]\nclippy = { }"),
        _ => {}
    }
    let mut text = String::new();
    for _ in 0..numbers.below(roots.len() + 1) {
        let line = roots.remove(numbers.below(roots.len()));
        text.push_str(&format!("{line}\n"));
    }
    for _ in 0..numbers.below(tables.len() + 1) {
        let gap = numbers.one_of(&[
            "",
            "\n",
            "\n",
            "\n\n",
            "# floating\n\n",
            "\n# attached\n",
            " \n\t\n",
        ]);
        let table = tables.remove(numbers.below(tables.len()));
        text.push_str(&format!("{gap}{table}\n"));
    }
    text.push_str(numbers.one_of(&["", "", "\n\n", "\n# the end\n", "   "]));
    if numbers.below(3) == 0 {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if numbers.below(3) == 0 {
        text = text.replace('\n', "\r\n");
    }
    if numbers.below(5) == 0 {
        text.insert(0, '\u{feff}');
    }
    text
}

#[test]
fn random_manifests_are_kept_byte_for_byte() {
    for seed in 0..400 {
        let text = manifest(&mut Numbers(seed));
        check_round_trip(&text, ENTRIES)
            .unwrap_or_else(|problem| panic!("{seed}: {text:?}\n{problem}"));
    }
}

/// After `add`, a user writes something anywhere; `remove` leaves all of it there.
#[test]
fn user_lines_are_never_lost() {
    for seed in 0..400 {
        let mut numbers = Numbers(seed);
        let text = manifest(&mut numbers);
        let added = merged("", &text, ENTRIES);
        let mut lines: Vec<&str> = added.text.split_inclusive('\n').collect();
        if lines.last().is_some_and(|line| !line.ends_with('\n')) {
            continue;
        }
        let place = numbers.below(lines.len() + 1);
        lines.insert(place, "# the user's own words\n");
        let edited = lines.concat();
        // Inside a value of several lines, it would mean something else.
        if edited.parse::<toml_edit::DocumentMut>().is_err() {
            continue;
        }
        let removed = merged(&added.owned, &edited, "");
        assert_eq!(
            removed.text.matches("the user's own words").count(),
            1,
            "{seed}: {edited}"
        );
        let without = removed.text.replacen("# the user's own words\n", "", 1);
        let own: Vec<&str> = text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        for line in own {
            assert!(without.contains(line), "{seed}: {line}\n{without}");
        }
    }
}

/// The rows of the table in the module's documentation.
#[test]
fn merge_follows_the_decision_table() {
    let entry = |value: Option<&str>| {
        value.map_or(String::new(), |value| {
            format!("[profile.release]\nlto = {value}\n")
        })
    };
    // base, ours, theirs; the new value of ours; whether it is reported; whether it is prodify's afterwards
    let rows = [
        (None, None, Some("1"), Some("1"), false, true),
        (None, Some("2"), Some("1"), Some("2"), true, false),
        (None, Some("1"), Some("1"), Some("1"), false, false),
        (Some("1"), None, Some("1"), None, false, true),
        (Some("1"), None, Some("3"), None, false, true),
        (Some("1"), Some("1"), Some("3"), Some("3"), false, true),
        (Some("1"), Some("1"), Some("1"), Some("1"), false, true),
        (Some("1"), Some("2"), Some("1"), Some("2"), false, true),
        (Some("1"), Some("2"), Some("3"), Some("2"), true, true),
        (Some("1"), Some("3"), Some("3"), Some("3"), false, true),
        (Some("1"), Some("1"), None, None, false, false),
        (Some("1"), Some("2"), None, Some("2"), true, false),
        (Some("1"), None, None, None, false, false),
        (None, Some("2"), None, Some("2"), false, false),
    ];
    for (base, ours, theirs, after, named, owned) in rows {
        let case = format!("{base:?} {ours:?} {theirs:?}");
        let merged = merged(&entry(base), &entry(ours), &entry(theirs));
        assert_eq!(merged.text, entry(after), "{case}");
        assert_eq!(
            merged.yours.len() + merged.left.len(),
            usize::from(named),
            "{case}: {merged:?}"
        );
        assert_eq!(
            merged.owned.contains("lto"),
            owned,
            "{case}: {}",
            merged.owned
        );
    }
}

#[test]
fn newer_template_replaces_unedited_entries() {
    let old = "[profile.release]\n# Old.\nlto = true\nstrip = true # small\n";
    let new =
        "[profile.release]\n# New,\n# and longer.\nlto = \"fat\" # slow\nstrip = true # small\n";
    let mine = "[package]\nname = 'x'\n\n";
    assert_eq!(
        merged(old, &format!("{mine}{old}"), new).text,
        format!("{mine}{new}")
    );
    // The comment is the user's now, and stays.
    let edited = format!("{mine}{}", old.replace("Old", "Mine"));
    let merged = merged(old, &edited, new);
    assert_eq!(merged.text, edited.replace("lto = true", "lto = \"fat\""));
}

#[test]
fn interrupted_run_owns_what_it_wrote() {
    let ours = merged("", "[package]\nname = 'x'\n", ENTRIES).text;
    let again = |interrupted| {
        let sides = Sides {
            base: "",
            ours: &ours,
            theirs: ENTRIES,
            yields: &BTreeMap::new(),
            interrupted,
        };
        merge(&sides).unwrap().owned
    };
    assert_eq!(again(false), "");
    let removed = merged(&again(true), &ours, "");
    assert_eq!(removed.text, "[package]\nname = 'x'\n");
}

#[test]
fn entry_yields_to_a_setting_of_the_user() {
    let yields = [
        ("profile.release.lto", "profile.release.debug"),
        ("lints.clippy", "lints"),
    ];
    let yields = yields.map(|(entry, to)| (entry.to_owned(), vec![to.to_owned()]));
    let run = |base: &str, ours: &str| {
        let sides = Sides {
            base,
            ours,
            theirs: ENTRIES,
            yields: &yields.clone().into(),
            interrupted: false,
        };
        merge(&sides).unwrap()
    };
    let own = "[profile.release]\ndebug = 1\n\n[lints]\nworkspace = true\n";
    let first = run("", own);
    assert!(
        !first.text.contains("lto") && !first.text.contains("clippy"),
        "{}",
        first.text
    );
    assert_eq!(first.yours.len(), 2, "{:?}", first.yours);
    // Entries that prodify wrote itself are not yielded to; but entries that are set later are.
    let whole = run("", "[package]\nname = 'x'\n");
    assert_eq!(run(&whole.owned, &whole.text).text, whole.text);
    let later = whole
        .text
        .replace("[profile.release]\n", "[profile.release]\ndebug = 1\n");
    assert!(!run(&whole.owned, &later).text.contains("lto"));
}

#[test]
fn existing_dependency_gets_missing_features() {
    let widen = |base: &str, ours: &str, theirs: &str| {
        let section = |line: &str| match line {
            "" => String::new(),
            line => format!("[dependencies]\n{line}\n"),
        };
        let merged = merged(&section(base), &section(ours), &section(theirs));
        merged.text.lines().nth(1).unwrap_or_default().to_owned()
    };
    let new = "x = { version = \"1.0\", features = [\"b\"] }";
    assert_eq!(
        widen("", "x = \"1.7\"", new),
        "x = { version = \"1.7\", features = [\"b\"] }"
    );
    assert_eq!(
        widen(
            "",
            "x = { version = \"1.7\", features = [\"a\", \"c\"], optional = true }",
            new
        ),
        "x = { version = \"1.7\", features = [\"a\", \"b\", \"c\"], optional = true }"
    );
    assert_eq!(
        widen("", "x = { workspace = true }", new),
        "x = { workspace = true, features = [\"b\"] }"
    );
    // A feature that the template no longer needs is removed; the user's stays.
    assert_eq!(
        widen(
            new,
            "x = { version = \"1.7\", features = [\"a\", \"b\"] }",
            "x = \"1.0\""
        ),
        "x = { version = \"1.7\", features = [\"a\"] }"
    );
    assert_eq!(
        widen("", "x = { path = \"../x\", features = [\"b\"] }", new),
        "x = { path = \"../x\", features = [\"b\"] }"
    );
}

#[test]
fn added_features_are_removed_again() {
    let fragment = "[dependencies]\nx = { version = \"1.0\", features = [\"b\"] }\n";
    for (ours, widened) in [
        (
            "[dependencies]\nx = \"1.7\" # ours\n",
            "[dependencies]\nx = { version = \"1.7\", features = [\"b\"] } # ours\n",
        ),
        (
            "[dependencies]\nx={version='1.7',features=['c']}\n",
            "[dependencies]\nx={version='1.7',features=[\"b\", 'c']}\n",
        ),
        (
            "[dependencies]\nx.workspace = true\ny = \"1\"\n",
            "[dependencies]\nx.workspace = true\nx.features = [\"b\"]\ny = \"1\"\n",
        ),
        (
            "[dependencies.x]\nversion = '1.7'\n\n[dependencies.y]\nversion = '1'\n",
            "[dependencies.x]\nversion = '1.7'\nfeatures = [\"b\"]\n\n[dependencies.y]\nversion = '1'\n",
        ),
        (
            "[dependencies.x]\nfeatures = [\n    'a', # first\n]\nversion = '1.7'\n",
            "[dependencies.x]\nfeatures = [\n    'a', # first\n    \"b\",\n]\nversion = '1.7'\n",
        ),
    ] {
        let added = merged("", ours, fragment);
        assert_eq!(added.text, widened);
        check_removal(ours, fragment).unwrap();
        // Another component needs more features, and is then removed.
        let more = fragment.replace("[\"b\"]", "[\"b\", \"d\"]");
        let both = merged(&added.owned, &added.text, &more);
        assert!(both.text.contains("\"d\""), "{}", both.text);
        let one = merged(&both.owned, &both.text, fragment);
        assert_eq!((&one.text, &one.owned), (&added.text, &added.owned));
        // The user's edit stays, and is reported.
        let edited = added.text.replace("\"b\"", "\"b\", \"mine\"");
        let left = merged(&added.owned, &edited, "");
        assert_eq!(left.text, edited);
        assert_eq!(left.left.len(), 1, "{:?}", left.left);
        assert_eq!(merged(&added.owned, &edited, fragment).text, edited);
    }
}

#[test]
fn unreadable_manifest_is_reported() {
    let error = |base, ours, theirs| format!("{:#}", try_merge(base, ours, theirs).unwrap_err());
    assert!(error("", "[package\n", "").contains("line 1"));
    assert!(error("x", "", "").contains("reading the base"));
    assert!(error("", "", "x").contains("reading the new entries"));
    assert_eq!(
        error("", "", "[[bin]]\nname = 'x'\n"),
        "`bin` is neither a value nor a table"
    );
}
