//! Snapshots of what each component adds to a project: new files as a whole, changed ones as a diff against the project without
//! the component. A case is a file `tests/components/COMPONENT/CASE.toml`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cargo_prodify::catalog::Catalog;
use cargo_prodify::merge::unified_diff;
use cargo_prodify::tree::{RelPath, Tree};
use serde::Deserialize;

use crate::support::render;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Components that both projects have, in addition to those that the component under test requires.
    #[serde(default)]
    beside: Vec<String>,
    /// Answers, in the form for `--set`.
    #[serde(default)]
    answers: Vec<String>,
}

#[test]
fn components_match_their_snapshots() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::embedded().unwrap();
    let mut expected = BTreeSet::new();
    for component in catalog.components() {
        let cases = root.join("tests/components").join(&component.name);
        let mut found = 0;
        for path in fs::read_dir(&cases)
            .unwrap()
            .map(|entry| entry.unwrap().path())
        {
            let case: Case = toml_edit::de::from_str(&fs::read_to_string(&path).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().unwrap().to_str().unwrap();
            let mut beside: Vec<&str> = case.beside.iter().map(String::as_str).collect();
            beside.extend(component.requires.iter().map(String::as_str));
            let answers: Vec<&str> = case.answers.iter().map(String::as_str).collect();
            let own = format!("{}.", component.name);
            let shared: Vec<&str> = answers
                .iter()
                .copied()
                .filter(|answer| !answer.starts_with(&own))
                .collect();
            let without = if beside.is_empty() {
                Tree::new()
            } else {
                render(&catalog, "orders", &beside, &shared)
            };
            let with = render(
                &catalog,
                "orders",
                &[&beside[..], &[component.name.as_str()]].concat(),
                &answers,
            );
            let directory = root.join("snapshots").join(&component.name).join(name);
            for (file, text) in delta(&without, &with) {
                let name = file.replace('/', "__");
                insta::with_settings!({ snapshot_path => &directory, prepend_module_to_snapshot => false, omit_expression => true }, {
                    insta::assert_snapshot!(name.as_str(), text);
                });
                expected.insert(directory.join(format!("{name}.snap")));
            }
            found += 1;
        }
        assert!(found > 0, "{} has no case", cases.display());
    }
    let snapshots = walkdir::WalkDir::new(root.join("snapshots"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path());
    let existing: BTreeSet<_> = snapshots
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "snap")
        })
        .collect();
    let stale: Vec<_> = existing.difference(&expected).collect();
    assert!(
        stale.is_empty(),
        "snapshots of files that are no longer written: {stale:?}"
    );
}

fn delta(without: &Tree, with: &Tree) -> Vec<(String, String)> {
    let paths: BTreeSet<_> = without.keys().chain(with.keys()).collect();
    let text = |tree: &Tree, path: &RelPath| tree.get(path).map(|file| file.text.clone());
    paths
        .into_iter()
        .filter(|path| text(without, path) != text(with, path))
        .map(|path| match (text(without, path), text(with, path)) {
            (None, Some(text)) => (path.to_string(), text),
            (before, after) => (
                path.to_string(),
                unified_diff(path.as_str(), before.as_deref(), after.as_deref()),
            ),
        })
        .collect()
}
