//! What `add k8s ci` writes into the crates of `tests/fixtures`, as snapshots beside them: one for each file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::tempdir;

use crate::support::{contents, git, prodify, said};

/// The fixtures, and which of their binaries run in production where that has to be said.
const FIXTURES: [(&str, &[&str]); 4] = [
    ("axum", &[]),
    ("grpc", &[]),
    ("sqlx", &[]),
    ("workspace", &["--bin", "serve", "--bin", "worker"]),
];

#[test]
fn each_fixture_is_given_what_its_snapshots_show() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for (fixture, arguments) in FIXTURES {
        let place = tempdir().unwrap();
        copy(&fixtures.join(fixture), place.path());
        // The name of a workspace is its directory's.
        let directory = place.path().join(fixture);
        fs::rename(place.path().join("crate"), &directory).unwrap();
        git(&directory, &["init", "--quiet", "-b", "main"]);
        git(&directory, &["add", "--all"]);
        let before: BTreeSet<(String, String)> = contents(&directory).into_iter().collect();
        let add = ["add", "k8s", "ci", "--defaults"];
        let output = prodify(&directory, &[&add[..], arguments].concat());
        assert!(output.status.success(), "{fixture}: {}", said(&output));

        let after: BTreeSet<(String, String)> = contents(&directory).into_iter().collect();
        let lost: Vec<_> = before.difference(&after).collect();
        assert!(lost.is_empty(), "{fixture}: {lost:?}");
        let snapshots = fixtures.join(fixture).join("added");
        let mut expected = BTreeSet::new();
        for (path, text) in after.difference(&before) {
            if text.is_empty() || path.starts_with(".prodify") || path == "prodify.toml" {
                continue;
            }
            let name = path.replace('/', "__");
            insta::with_settings!({ snapshot_path => &snapshots, prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name.as_str(), text);
            });
            expected.insert(format!("{name}.snap"));
        }
        let there = fs::read_dir(&snapshots).unwrap();
        let there: BTreeSet<String> = there
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        assert_eq!(
            there, expected,
            "{fixture}: snapshots of what is written no more"
        );
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
