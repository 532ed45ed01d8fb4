//! A project that the first version created, edited by a team, is updated to the current version.

use std::fs;

use tempfile::tempdir;

use crate::existing::assert_contains;
use crate::old_project as project;
use crate::support::{git, listing};

#[test]
fn update_keeps_the_edits_of_the_team() {
    let dir = tempdir().unwrap();
    let root = dir.path();
    project::create(root).unwrap();
    let before = listing(root);
    assert_eq!(project::prodify(root, &["check", "-q"]).unwrap(), Some(1));
    project::update(root).unwrap();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();

    // The team's edits, among the new lines.
    assert_contains(
        &read("src/app.rs"),
        &["orders::PATH, get(orders::list)", "Arc<Shared>"],
    );
    assert_contains(
        &read("config/default.toml"),
        &["shutdown_seconds = 30\n", "workers = 0\n"],
    );
    assert_contains(
        &read("README.md"),
        &["ask in #orders", "## On call", "on port 9464"],
    );
    assert_contains(
        &read("Cargo.toml"),
        &[
            "version = \"0.3.2\"",
            "The orders of the shop",
            "\"line-tables-only\"",
            "\nmimalloc = ",
        ],
    );
    assert_contains(&read("tests/app/main.rs"), &["mod api;", "mod secrecy;"]);
    // Files that they moved are up to date there, and files that they deleted stay deleted.
    let changed = git(root, &["diff", "--stat", "HEAD~1", "HEAD"]);
    assert_contains(&changed, &["tests/app/api.rs"]);
    let after = listing(root);
    for gone in ["tests/app/telemetry.rs", "tests/app/http.rs"] {
        assert!(!after.iter().any(|path| path == gone), "{gone} came back");
    }
    let renamed = [
        ("src/config/show.rs", "src/config/display.rs"),
        ("src/config/typed.rs", "src/config/de.rs"),
    ];
    for path in &before {
        let new = renamed.iter().find(|(old, _)| old == path);
        let path = new.map_or(path.as_str(), |(_, new)| new);
        assert!(after.iter().any(|other| other == path), "{path} is gone");
    }
    for path in after.iter().filter(|path| root.join(path).is_file()) {
        assert!(!read(path).contains("<<<<<<< "), "{path} holds markers");
    }

    // The record has the current format, and their paths.
    let base = read(".prodify/base.txtar");
    assert_contains(
        &base,
        &[
            "Format 2.",
            "-- tests/app/api.rs (service; for tests/app/http.rs",
        ],
    );
    assert_eq!(project::prodify(root, &["check", "-q"]).unwrap(), Some(0));
    assert_eq!(
        project::prodify(root, &["update", "-qyN"]).unwrap(),
        Some(0)
    );
    assert_eq!(git(root, &["status", "--porcelain"]), "");
}
