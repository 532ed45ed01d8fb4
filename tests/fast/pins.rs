//! Every pinned version in the templates, in every line that contains it, may be bumped in a project.

use cargo_prodify::catalog::Catalog;
use cargo_prodify::pins::Pins;
use cargo_prodify::plan::{Disk, OnDisk};
use cargo_prodify::tree::{File, RelPath, Tree};
use toml_edit::Item;

use crate::support::render;

/// The versions in a table, without commits and names of releases.
fn versions(item: &Item) -> Vec<String> {
    if let Some(table) = item.as_table_like() {
        return table.iter().flat_map(|(_, item)| versions(item)).collect();
    }
    let is_version = |text: &&str| text.contains('.');
    let text = item.as_str().filter(is_version);
    text.map(str::to_owned).into_iter().collect()
}

#[test]
fn newer_pin_is_kept_in_every_line() {
    let catalog = Catalog::embedded().unwrap();
    let pins = Pins::from_versions(&catalog.versions);
    let components: Vec<&str> = catalog.names().collect();
    let tree = render(&catalog, "orders", &components, &[]);
    let tables = catalog
        .versions
        .iter()
        .filter(|(name, _)| *name != "crates");
    for version in tables.flat_map(|(_, table)| versions(table)) {
        let digits = |c: char| c.is_ascii_digit() || c == '.';
        let start = version.find(digits).unwrap();
        let numbers = &version[start..];
        let numbers = &numbers[..numbers.find(|c| !digits(c)).unwrap_or(numbers.len())];
        let mut lines = tree
            .values()
            .flat_map(|file| file.text.lines())
            .filter(|line| line.contains(&version))
            .peekable();
        assert!(lines.peek().is_some(), "{version} is in no line");
        for line in lines {
            let with_numbers = |numbers: &str, other: &str| line.replace(numbers, other);
            let (base, ours) = (with_numbers(numbers, "0.1"), with_numbers(numbers, "999.1"));
            let path = RelPath::new("f").unwrap();
            let tree = |text: &str| Tree::from([(path.clone(), File::of_project(text.to_owned()))]);
            let (mut base, mut theirs) = (tree(&base), tree(line));
            let disk = Disk::from([(path.clone(), OnDisk::text(&ours))]);
            let notes = pins.reconcile(&mut base, &disk, &mut theirs);
            assert_eq!((&theirs[&path].text, notes), (&ours, Vec::new()), "{line}");
        }
    }
}
