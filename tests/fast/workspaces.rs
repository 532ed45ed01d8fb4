//! `new` in a cargo workspace: as a member, like cargo does it, or outside with a note.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::{TempDir, tempdir};

use crate::support::{listing, prodify, stderr};

/// A workspace with this manifest and a member `crates/old`.
fn workspace(manifest: &str) -> TempDir {
    let dir = tempdir().unwrap();
    fs::create_dir_all(dir.path().join("crates/old/src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(
        dir.path().join("crates/old/Cargo.toml"),
        "[package]\nname = \"old\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    )
    .unwrap();
    fs::write(dir.path().join("crates/old/src/lib.rs"), "").unwrap();
    dir
}

/// The names of the packages that cargo finds in a workspace.
fn packages(root: &Path) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("warning"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut names: Vec<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn new_member_is_added_to_the_list() {
    let manifest = "# All crates.\n[workspace]\nresolver = \"3\"\nmembers = [\n    \"crates/old\", # the first\n]\n";
    let dir = workspace(manifest);
    let output = prodify(dir.path(), &["new", "crates/orders", "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("update Cargo.toml (lists the new member)"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("left out what belongs in the root directory of the workspace"),
        "{}",
        stderr(&output)
    );
    let edited = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    assert_eq!(
        edited,
        manifest.replace("# the first\n", "# the first\n    \"crates/orders\",\n")
    );
    assert_eq!(packages(dir.path()), ["old", "orders"]);
    assert!(
        !dir.path().join(".prodify").exists()
            && !dir.path().join("crates/orders/Dockerfile").exists()
    );
    assert!(
        dir.path()
            .join("crates/orders/.prodify/base.txtar")
            .is_file()
    );
}

#[test]
fn glob_includes_a_new_member_without_an_edit() {
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.package]\nlicense = \"MIT\"\nedition = \"2018\"\n[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
    let dir = workspace(manifest);
    let output = prodify(&dir.path().join("crates"), &["new", "orders", "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("whose `members` already include it"),
        "{}",
        stderr(&output)
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("Cargo.toml")).unwrap(),
        manifest
    );
    assert_eq!(packages(dir.path()), ["old", "orders"]);
    let member = fs::read_to_string(dir.path().join("crates/orders/Cargo.toml")).unwrap();
    assert!(
        member.contains("license.workspace = true")
            && member.contains("[lints]\nworkspace = true")
            && member.contains("edition = \"2024\""),
        "{member}"
    );
    // Repeating it finds nothing to do.
    let again = prodify(&dir.path().join("crates"), &["new", "orders", "-y"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(
        stderr(&again).contains("nothing to do"),
        "{}",
        stderr(&again)
    );
}

#[test]
fn new_package_stays_out_if_requested_or_excluded() {
    let dir = workspace(
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/old\"]\nexclude = [\"attic\"]\n",
    );
    let output = prodify(
        dir.path(),
        &[
            "new",
            "orders",
            "-y",
            "--workspace",
            "none",
            "--preset",
            "minimal",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("stays out of the workspace"),
        "{}",
        stderr(&output)
    );
    assert_eq!(packages(&dir.path().join("orders")), ["orders"]);
    let output = prodify(
        dir.path(),
        &["new", "attic/api", "-y", "--preset", "minimal"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("excludes attic/api"),
        "{}",
        stderr(&output)
    );
    assert_eq!(packages(&dir.path().join("attic/api")), ["api"]);
    assert_eq!(packages(dir.path()), ["old"]);
}

#[test]
fn invalid_member_or_workspace_is_rejected() {
    let dir = workspace("[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n");
    let before = listing(dir.path());
    for (arguments, message) in [
        (
            &["new", "crates/orders", "-y", "--with", "docker"][..],
            "belongs in the root directory of a workspace",
        ),
        (
            &["new", "crates/fresh", "--name", "old", "-y"][..],
            "has a package `old` already",
        ),
    ] {
        let output = prodify(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
    }
    fs::write(
        dir.path().join("Cargo.toml"),
        "[workspace]\nmembers = [\"gone\"]\n",
    )
    .unwrap();
    let output = prodify(dir.path(), &["new", "crates/orders", "-y"]);
    assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("loading the workspace"),
        "{}",
        stderr(&output)
    );
    fs::write(dir.path().join("Cargo.toml"), "[workspace\n").unwrap();
    let output = prodify(dir.path(), &["new", "crates/orders", "-y"]);
    assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("Cargo.toml"),
        "{}",
        stderr(&output)
    );
    assert_eq!(listing(dir.path()), before);
}
