//! What is built in the workspace itself: which members, with which of their features and dependencies.
//!
//! All of this is in the members' manifests, so nothing has to be guessed up to the first registry crate.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::LazyLock;

use cargo_metadata::cargo_platform::{Cfg, Platform};
use cargo_metadata::{Dependency, DependencyKind, Package};

use super::lock::LockFile;
use super::{Edge, Graph, Node, TARGET};
use crate::facts::members::Members;

/// What to build.
pub struct BuildTarget<'m> {
    /// The package.
    pub package: &'m Package,
    /// The features that its binary requires, in addition to the default ones.
    pub features: &'m [String],
    /// The members of the workspace.
    pub members: &'m Members<'m>,
}

/// A graph, and what is missing from it.
pub struct UpperBound {
    /// The crates.
    pub graph: Graph,
    /// The crates required by the manifests for which Cargo.lock has no matching entry.
    pub unlocked: BTreeSet<String>,
}

/// A crate found during the walk.
#[derive(Clone, Copy)]
enum Crate<'m> {
    /// A member of the workspace.
    Member(&'m Package),
    /// A package of Cargo.lock, by its index.
    Locked(usize),
    /// One that is missing from Cargo.lock.
    Unlocked(&'m Dependency),
}

/// A graph under construction.
struct Walk<'m> {
    lock: Option<&'m LockFile>,
    graph: Graph,
    /// The crates found so far, by a unique key: the index in Cargo.lock, or the name of a crate that is missing there.
    index: BTreeMap<(Option<usize>, &'m str), usize>,
    /// Those whose dependencies are still to be visited.
    open: VecDeque<(usize, Crate<'m>)>,
}

/// The output of `rustc --print cfg` for the target, as far as dependencies depend on it.
static CFGS: LazyLock<Vec<Cfg>> = LazyLock::new(|| {
    let cfgs = [
        "unix",
        r#"target_os = "linux""#,
        r#"target_family = "unix""#,
        r#"target_arch = "x86_64""#,
        r#"target_env = "gnu""#,
        r#"target_vendor = "unknown""#,
        r#"target_pointer_width = "64""#,
        r#"target_endian = "little""#,
        r#"target_has_atomic = "64""#,
        r#"panic = "unwind""#,
    ];
    cfgs.iter().filter_map(|cfg| cfg.parse().ok()).collect()
});

/// Whether a dependency is part of what runs on the target: not a dev-dependency, nor for another target.
pub fn is_built(dependency: &Dependency) -> bool {
    let on_target = |target: &Platform| target.matches(TARGET, &CFGS);
    dependency.kind != DependencyKind::Development
        && dependency.target.as_ref().is_none_or(on_target)
}

/// Whether a target's name, or a `cfg(…)` instead of one, matches the target.
pub fn is_target(name: &str) -> bool {
    name.parse::<Platform>()
        .is_ok_and(|target| target.matches(TARGET, &CFGS))
}

impl BuildTarget<'_> {
    /// The enabled features, by member.
    pub fn features(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut enabled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let of_package = self.features.iter().cloned().chain(["default".to_owned()]);
        let mut open: Vec<(&Package, String)> =
            of_package.map(|feature| (self.package, feature)).collect();
        enabled.insert(self.package.name.to_string(), BTreeSet::new());
        // A member's features determine its dependencies, and may enable more features of others.
        let mut grown = BTreeMap::from([(self.package.name.as_str(), self.package)]);
        loop {
            while let Some((package, feature)) = open.pop() {
                let features = enabled.entry(package.name.to_string()).or_default();
                if features.insert(feature.clone()) {
                    grown.insert(&package.name, package);
                    open.extend(self.enabled_by(package, &feature));
                }
            }
            let Some((name, member)) = grown.pop_first() else {
                return enabled;
            };
            let dependencies: Vec<&Dependency> = member
                .dependencies
                .iter()
                .filter(|dependency| is_built(dependency) && is_enabled(dependency, &enabled[name]))
                .collect();
            for dependency in dependencies {
                let Some(other) = self.members.member_for(dependency) else {
                    continue;
                };
                // It is built even without any enabled feature.
                enabled.entry(other.name.to_string()).or_insert_with(|| {
                    grown.insert(&other.name, other);
                    BTreeSet::new()
                });
                let default = dependency
                    .uses_default_features
                    .then(|| "default".to_owned());
                let wanted = dependency.features.iter().cloned().chain(default);
                open.extend(wanted.map(|feature| (other, feature)));
            }
        }
    }

    /// The graph with Cargo.lock as its upper bound: of crates that are missing there, only the names are known.
    pub fn upper_bound(&self, lock: Option<&LockFile>) -> UpperBound {
        let enabled = self.features();
        let mut walk = Walk {
            lock,
            graph: Graph::default(),
            index: BTreeMap::new(),
            open: VecDeque::new(),
        };
        let mut unlocked = BTreeSet::new();
        walk.node_index(Crate::Member(self.package));
        while let Some((from, at)) = walk.open.pop_front() {
            let Crate::Member(member) = at else {
                walk.add_locked_dependencies(from, at);
                continue;
            };
            let own = lock.map(|lock| lock.dependencies_of(&member.name));
            if own.as_ref().is_some_and(Option::is_none) {
                unlocked.insert(member.name.to_string());
            }
            let own = own.flatten().unwrap_or_default();
            let enabled = enabled.get(member.name.as_str());
            let dependencies = member.dependencies.iter().filter(|dependency| {
                is_built(dependency)
                    && enabled.is_some_and(|enabled| is_enabled(dependency, enabled))
            });
            for dependency in dependencies {
                let known: Vec<Crate<'_>> = own
                    .iter()
                    .filter(|(_, locked)| locked.name == dependency.name)
                    .map(|(index, _)| Crate::Locked(*index))
                    .collect();
                if known.is_empty() && lock.is_some() {
                    unlocked.insert(dependency.name.clone());
                }
                let build = dependency.kind == DependencyKind::Build;
                match self.members.member_for(dependency) {
                    Some(other) => walk.add_dependency(from, Crate::Member(other), build),
                    None if known.is_empty() => {
                        walk.add_dependency(from, walk.likely_match(dependency), build);
                    }
                    None => (known.into_iter())
                        .for_each(|known| walk.add_dependency(from, known, build)),
                }
            }
        }
        UpperBound {
            graph: walk.graph,
            unlocked,
        }
    }

    /// What a member's feature enables: other features of it, and features of members that it depends on.
    fn enabled_by(&self, package: &Package, feature: &str) -> Vec<(&Package, String)> {
        let mut features = Vec::new();
        for entry in package.features.get(feature).into_iter().flatten() {
            let Some((name, feature_of_other)) = entry.split_once('/') else {
                features.extend(self.own_feature(package, entry));
                continue;
            };
            let optional = name.ends_with('?');
            let name = name.trim_end_matches('?');
            let named = |dependency: &&Dependency| alias(dependency) == name;
            let other = package.dependencies.iter().find(named);
            if !optional {
                features.extend(self.own_feature(package, &format!("dep:{name}")));
            }
            if let Some(other) = other.and_then(|dependency| self.members.member_for(dependency)) {
                features.push((other, feature_of_other.to_owned()));
            }
        }
        features
    }

    fn own_feature(&self, package: &Package, feature: &str) -> Option<(&Package, String)> {
        let member = self.members.get(package.name.as_str())?;
        Some((member, feature.to_owned()))
    }
}

impl<'m> Walk<'m> {
    /// The index of a crate in the graph, to which it is added if necessary.
    fn node_index(&mut self, at: Crate<'m>) -> usize {
        let (key, version) = match at {
            Crate::Member(member) => ((None, member.name.as_str()), member.version.to_string()),
            Crate::Locked(index) => {
                let locked = self.lock.map(|lock| &lock.packages[index]);
                let (name, version) = locked.map_or(("", ""), |it| (&it.name, &it.version));
                ((Some(index), name), version.to_owned())
            }
            Crate::Unlocked(dependency) => {
                let name = dependency.name.as_str();
                ((None, name), dependency.req.to_string())
            }
        };
        if let Some(known) = self.index.get(&key) {
            return *known;
        }
        let index = self.graph.nodes.len();
        self.graph.nodes.push(Node {
            name: key.1.to_owned(),
            version,
            features: None,
            is_macro: false,
            dependencies: Vec::new(),
        });
        self.index.insert(key, index);
        self.open.push_back((index, at));
        index
    }

    /// Adds a dependency between crates of the graph.
    fn add_dependency(&mut self, from: usize, other: Crate<'m>, build: bool) {
        let to = self.node_index(other);
        let dependencies = &mut self.graph.nodes[from].dependencies;
        let is_known = dependencies
            .iter()
            .any(|edge| edge.to == to && edge.build == build);
        if !is_known {
            dependencies.push(Edge { to, build });
        }
    }

    /// Adds the dependencies of a registry crate: the lock file has those for all targets and kinds, without telling them apart.
    fn add_locked_dependencies(&mut self, from: usize, at: Crate<'m>) {
        if let (Crate::Locked(index), Some(lock)) = (at, self.lock) {
            for to in &lock.packages[index].dependencies {
                self.add_dependency(from, Crate::Locked(*to), false);
            }
        }
    }

    /// What cargo is likely to lock a dependency to: a package that is locked for others, if it satisfies the requirement.
    fn likely_match(&self, dependency: &'m Dependency) -> Crate<'m> {
        let locked = self.lock.and_then(|lock| lock.newest_match(dependency));
        locked.map_or(Crate::Unlocked(dependency), Crate::Locked)
    }
}

/// Whether a dependency is enabled by these features: it is not optional, or one of them names it.
pub fn is_enabled(dependency: &Dependency, enabled: &BTreeSet<String>) -> bool {
    let alias = alias(dependency);
    !dependency.optional || enabled.contains(alias) || enabled.contains(&format!("dep:{alias}"))
}

fn alias(dependency: &Dependency) -> &str {
    dependency.rename.as_deref().unwrap_or(&dependency.name)
}
