//! Cargo.lock, as written.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use cargo_metadata::Dependency;
use cargo_metadata::semver::Version;
use toml_edit::Item;

use crate::facts::toml::{TomlFile, texts};

/// A lock file.
#[derive(Debug)]
pub struct LockFile {
    /// Its packages, in its order.
    pub packages: Vec<Locked>,
}

/// A package in a lock file.
#[derive(Debug)]
pub struct Locked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its source; none for a directory.
    pub source: Option<String>,
    /// The indices of its dependencies: for all targets, and with all features used in the workspace.
    pub dependencies: Vec<usize>,
    /// The line of its name.
    pub line: Option<usize>,
}

impl LockFile {
    /// Reads the lock file in a workspace root; none if there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not TOML.
    pub fn read(top: &Path) -> Result<Option<Self>> {
        let Some(file) = TomlFile::read(&top.join("Cargo.lock"), top)? else {
            return Ok(None);
        };
        let tables = file.get(&["package"]).and_then(Item::as_array_of_tables);
        let tables: Vec<_> = tables.into_iter().flatten().collect();
        let text = |table: &toml_edit::Table, key| {
            let text = table.get(key).and_then(|item: &Item| item.as_str());
            text.map(str::to_owned)
        };
        let mut packages: Vec<Locked> = tables
            .iter()
            .map(|table| Locked {
                name: text(table, "name").unwrap_or_default(),
                version: text(table, "version").unwrap_or_default(),
                source: text(table, "source"),
                dependencies: Vec::new(),
                line: table.get("name").and_then(|name| file.line_of(name)),
            })
            .collect();
        let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, package) in packages.iter().enumerate() {
            by_name.entry(&package.name).or_default().push(index);
        }
        let dependencies: Vec<Vec<usize>> = tables
            .iter()
            .map(|table| {
                let names = texts(table.get("dependencies"));
                let found = names
                    .iter()
                    .filter_map(|name| find(name, &packages, &by_name));
                found.collect()
            })
            .collect();
        for (package, dependencies) in packages.iter_mut().zip(dependencies) {
            package.dependencies = dependencies;
        }
        Ok(Some(Self { packages }))
    }

    /// The dependencies of a workspace member, with their indices; none if the member is not in it.
    pub fn dependencies_of(&self, member: &str) -> Option<Vec<(usize, &Locked)>> {
        let matches = |locked: &&Locked| locked.name == member && locked.source.is_none();
        let member = self.packages.iter().find(matches)?;
        let dependencies = member.dependencies.iter();
        Some(dependencies.map(|at| (*at, &self.packages[*at])).collect())
    }

    /// The index of the newest package that satisfies a dependency.
    pub fn newest_match(&self, dependency: &Dependency) -> Option<usize> {
        let named = self.packages.iter().enumerate();
        let newest_match = named
            .filter(|(_, locked)| locked.name == dependency.name)
            .filter_map(|(index, locked)| Some((Version::parse(&locked.version).ok()?, index)))
            .filter(|(version, _)| dependency.req.matches(version));
        newest_match.max().map(|(_, index)| index)
    }

    /// A package by its name and version.
    pub fn find(&self, name: &str, version: &str) -> Option<&Locked> {
        let matches = |locked: &&Locked| locked.name == name && locked.version == version;
        self.packages.iter().find(matches)
    }
}

/// The package for `name`, `name version` or `name version (source)`; cargo only writes as much as is needed to be unambiguous.
fn find(entry: &str, packages: &[Locked], by_name: &BTreeMap<&str, Vec<usize>>) -> Option<usize> {
    let mut words = entry.splitn(3, ' ');
    let (name, version, source) = (words.next()?, words.next(), words.next());
    let source = source.map(|source| source.trim_matches(['(', ')']));
    let fits = |index: &&usize| {
        let package = &packages[**index];
        version.is_none_or(|version| version == package.version)
            && source.is_none_or(|source| {
                // A git source is locked to a commit, which may be missing in the entries of its dependents.
                let locked = package.source.as_deref().unwrap_or_default();
                locked == source || locked.split('#').next() == Some(source)
            })
    };
    by_name.get(name)?.iter().find(fits).copied()
}
