//! The members of a workspace, and their dependencies on each other.

use std::collections::BTreeMap;

use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};

/// The packages of a workspace by name, which is unique.
///
/// Large workspaces have hundreds, and many checks run for every member: a linear search each time would dominate the run time.
#[derive(Debug)]
pub struct Members<'m>(BTreeMap<&'m str, &'m Package>);

impl<'m> Members<'m> {
    /// The members in cargo's metadata.
    pub fn new(metadata: &'m Metadata) -> Self {
        let named = |package: &'m Package| (package.name.as_str(), package);
        Self(
            metadata
                .workspace_packages()
                .into_iter()
                .map(named)
                .collect(),
        )
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &'m Package> {
        self.0.values().copied()
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<&'m Package> {
        self.0.get(name).copied()
    }

    /// The one that a dependency refers to, if any.
    pub fn member_for(&self, dependency: &Dependency) -> Option<&'m Package> {
        let path = dependency.path.as_ref()?;
        let named = self.get(&dependency.name)?;
        (named.manifest_path.parent() == Some(path)).then_some(named)
    }

    /// The direct and transitive dependencies of a member, sorted by name, without dev-dependencies.
    pub fn dependencies_of(&self, package: &Package) -> Vec<&'m Package> {
        let mut found: BTreeMap<&str, &'m Package> = BTreeMap::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            let built = next
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != DependencyKind::Development);
            for dependency in built {
                if found.contains_key(dependency.name.as_str())
                    || dependency.name == package.name.as_str()
                {
                    continue;
                }
                if let Some(member) = self.member_for(dependency) {
                    found.insert(member.name.as_str(), member);
                    open.push(member);
                }
            }
        }
        found.into_values().collect()
    }
}
