//! A project from the first days, edited by a team, is updated to the current version.

use std::fs;

use tempfile::tempdir;

use crate::existing::says;
use crate::project_of_the_first_days as project;
use crate::support::{git, listing};

#[test]
fn what_the_team_made_of_it_is_kept() {
    let dir = tempdir().unwrap();
    let root = dir.path();
    project::live(root).unwrap();
    let before = listing(root);
    assert_eq!(project::prodify(root, &["check", "-q"]).unwrap(), Some(1));
    project::update(root).unwrap();
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();

    // The team's edits, among the new lines.
    says(
        &read("src/app.rs"),
        &["orders::PATH, get(orders::list)", "Arc<Shared>"],
    );
    says(
        &read("config/default.toml"),
        &["shutdown_seconds = 30\n", "workers = 0\n"],
    );
    says(
        &read("README.md"),
        &["ask in #orders", "## On call", "on port 9464"],
    );
    says(
        &read("Cargo.toml"),
        &[
            "version = \"0.3.2\"",
            "The orders of the shop",
            "\"line-tables-only\"",
            "\nmimalloc = ",
        ],
    );
    says(&read("tests/app/main.rs"), &["mod api;", "mod secrecy;"]);
    // Files that they moved are up to date there, and files that they deleted stay deleted.
    let changed = git(root, &["diff", "--stat", "HEAD~1", "HEAD"]);
    says(&changed, &["tests/app/api.rs"]);
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
    says(
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
