//! Snapshots of what `add docker` writes into existing crates; `tests/run image` actually builds and runs them.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::tempdir;

use crate::support::{command, listing, stderr};

#[test]
fn dockerfiles_match_their_snapshots() {
    let applications = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications");
    let mut names: Vec<String> = fs::read_dir(&applications)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let from = applications.join(&name);
        let dir = tempdir().unwrap();
        let directory = dir.path().join(&name);
        copy(&from.join("crate"), &directory);
        let git = Command::new("git")
            .args(["init", "--quiet", "-b", "main"])
            .current_dir(&directory)
            .status();
        assert!(git.unwrap().success());
        let arguments = fs::read_to_string(from.join("arguments")).unwrap_or_default();
        let mut add = command(&directory, &["add", "docker", "-y"]);
        // Without dependencies: what is on this machine must not affect the output.
        let home = tempdir().unwrap();
        let output = add
            .args(arguments.split_whitespace())
            .env("CARGO_HOME", home.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        let ignored = fs::read_to_string(directory.join(".dockerignore")).unwrap();
        assert_eq!(ignored.contains("\n/out/build\n"), name == "configured");
        let dockerfile = fs::read_to_string(directory.join("Dockerfile")).unwrap();
        insta::with_settings!({ snapshot_path => &from, prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("Dockerfile", dockerfile);
        });
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for path in listing(from) {
        let (from, to) = (from.join(&path), to.join(&path));
        if from.is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}
