//! Snapshots of the files that `add` writes into existing crates: one for each file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::support::{contents, git, prodify, stderr};

/// A crate, and the commands to run in its directories.
struct Case {
    directory: &'static str,
    runs: &'static [(&'static str, &'static str)],
}

const MANIFESTS: &[(&str, &str)] = &[("", "k8s ci")];

const CASES: [Case; 6] = [
    Case {
        directory: "fixtures/axum",
        runs: MANIFESTS,
    },
    Case {
        directory: "fixtures/grpc",
        runs: MANIFESTS,
    },
    Case {
        directory: "fixtures/sqlx",
        runs: &[("", "k8s ci backup")],
    },
    Case {
        directory: "fixtures/workspace",
        // It must be specified which of its binaries run in production.
        runs: &[(
            "",
            "k8s ci compose skaffold tilt runbook --bin serve --bin worker",
        )],
    },
    Case {
        directory: "wired/shop",
        runs: &[("", "config telemetry docker k8s compose monitoring")],
    },
    Case {
        directory: "wired/market",
        // Code goes into a package, and the rest into the workspace root, which keeps a record of it.
        runs: &[
            ("courier", "config telemetry"),
            ("", "docker k8s monitoring"),
        ],
    },
];

#[test]
fn added_files_match_their_snapshots() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for Case { directory, runs } in CASES {
        let case = tests.join(directory);
        let place = tempdir().unwrap();
        copy(&case, place.path());
        // A workspace is named after its directory.
        let directory = place.path().join(case.file_name().unwrap());
        fs::rename(place.path().join("crate"), &directory).unwrap();
        remove_outside_dependency(&directory);
        git(&directory, &["init", "--quiet", "-b", "main"]);
        git(&directory, &["add", "--all"]);
        let before: BTreeSet<(String, String)> = contents(&directory).into_iter().collect();
        for (within, arguments) in runs {
            let arguments = arguments.split_whitespace();
            let add: Vec<&str> = ["add", "--defaults"].into_iter().chain(arguments).collect();
            let output = prodify(&directory.join(within), &add);
            assert!(
                output.status.success(),
                "{}: {}",
                case.display(),
                stderr(&output)
            );
        }
        // What was just written is up to date, and so is what was written before.
        for (within, _) in runs {
            let check = prodify(&directory.join(within), &["check"]);
            assert!(
                check.status.success(),
                "{}: {}",
                case.display(),
                stderr(&check)
            );
        }

        let after: BTreeSet<(String, String)> = contents(&directory).into_iter().collect();
        let lost = before.difference(&after);
        let lost: Vec<_> = lost
            .filter(|(path, _)| !path.ends_with("Cargo.toml"))
            .collect();
        assert!(lost.is_empty(), "{}: {lost:?}", case.display());
        let snapshots = case.join("added");
        let mut expected = BTreeSet::new();
        for (path, text) in after.difference(&before) {
            if text.is_empty() || path.contains(".prodify") || path.ends_with("prodify.toml") {
                continue;
            }
            let name = path.replace('/', "__");
            insta::with_settings!({ snapshot_path => &snapshots, prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name.as_str(), text);
            });
            expected.insert(format!("{name}.snap"));
        }
        let existing = fs::read_dir(&snapshots).unwrap();
        let existing: BTreeSet<String> = existing
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            existing,
            expected,
            "{}: snapshots of files that are no longer written",
            case.display()
        );
    }
}

/// Removes the dependency outside of the workspace, because of which `ci` would be refused.
fn remove_outside_dependency(directory: &Path) {
    let manifest = directory.join("crates/api/Cargo.toml");
    if let Ok(text) = fs::read_to_string(&manifest) {
        let inside = text.replace("outside = { path = \"../../../outside\" }\n", "");
        fs::write(manifest, inside).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let to = to.join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
