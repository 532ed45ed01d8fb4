//! What is built of the workspace itself: which members, with which of their features and dependencies.
//!
//! The members' manifests say all of this, so that nothing has to be guessed before the first crate from a registry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use cargo_metadata::cargo_platform::{Cfg, Platform};
use cargo_metadata::{Dependency, DependencyKind, Package};

use super::lock::LockFile;
use super::{Edge, Graph, Node, TARGET};
use crate::facts::members::Members;

/// What is to be built.
pub struct Built<'m> {
    /// The package.
    pub package: &'m Package,
    /// The features that its binary requires, beside the default ones.
    pub features: &'m [String],
    /// The members of the workspace.
    pub members: &'m Members<'m>,
}

/// What `rustc --print cfg` says for the target, as far as dependencies are told apart by it.
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

/// Whether a dependency is part of what runs on the target: no test's, and no other target's.
pub fn is_built(dependency: &Dependency) -> bool {
    let on_target = |target: &Platform| target.matches(TARGET, &CFGS);
    dependency.kind != DependencyKind::Development
        && dependency.target.as_ref().is_none_or(on_target)
}

/// Whether the name of a target, or a `cfg(…)` in its place, means the target.
pub fn is_target(name: &str) -> bool {
    name.parse::<Platform>()
        .is_ok_and(|target| target.matches(TARGET, &CFGS))
}

impl Built<'_> {
    /// The features that are on, by member.
    pub fn features(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut on: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let of_package = self.features.iter().cloned().chain(["default".to_owned()]);
        let mut open: Vec<(&Package, String)> =
            of_package.map(|feature| (self.package, feature)).collect();
        on.insert(self.package.name.to_string(), BTreeSet::new());
        // What a member takes follows from its features, and may turn on more of another one's.
        let mut grown = BTreeMap::from([(self.package.name.as_str(), self.package)]);
        loop {
            while let Some((package, feature)) = open.pop() {
                let features = on.entry(package.name.to_string()).or_default();
                if features.insert(feature.clone()) {
                    grown.insert(&package.name, package);
                    open.extend(self.brings(package, &feature));
                }
            }
            let Some((name, member)) = grown.pop_first() else {
                return on;
            };
            let taken: Vec<&Dependency> = member
                .dependencies
                .iter()
                .filter(|dependency| is_built(dependency) && is_on(dependency, &on[name]))
                .collect();
            for dependency in taken {
                let Some(other) = self.members.meant(dependency) else {
                    continue;
                };
                // It is built even where no feature of it is on.
                on.entry(other.name.to_string()).or_insert_with(|| {
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

    /// The graph as Cargo.lock bounds it from above; none where Cargo.lock does not hold what the manifests ask for.
    pub fn bound(&self, lock: &LockFile) -> Option<Graph> {
        let on = self.features();
        let members: BTreeMap<usize, &Package> = self
            .members
            .iter()
            .filter_map(|member| Some((lock.member(member.name.as_str())?, member)))
            .collect();
        let root = lock.member(self.package.name.as_str())?;
        if !self.is_locked(lock, &on) {
            return None;
        }
        let mut order = vec![root];
        let mut index = BTreeMap::from([(root, 0)]);
        let mut graph = Graph::default();
        let mut next = 0;
        while let Some(&at) = order.get(next) {
            next += 1;
            let locked = &lock.packages[at];
            let mut takes = Vec::new();
            for &to in &locked.takes {
                // What a crate from elsewhere takes is locked for all targets and kinds, without saying which.
                let kinds = members.get(&at).map_or_else(
                    || vec![false],
                    |member| {
                        kinds(
                            member,
                            &lock.packages[to].name,
                            on.get(member.name.as_str()),
                        )
                    },
                );
                for build in kinds {
                    let to = *index.entry(to).or_insert_with(|| {
                        order.push(to);
                        order.len() - 1
                    });
                    takes.push(Edge { to, build });
                }
            }
            graph.nodes.push(Node {
                name: locked.name.clone(),
                version: locked.version.clone(),
                features: None,
                is_macro: false,
                takes,
            });
        }
        Some(graph)
    }

    /// Whether Cargo.lock has every dependency that the members in use ask for.
    fn is_locked(&self, lock: &LockFile, on: &BTreeMap<String, BTreeSet<String>>) -> bool {
        let used = self
            .members
            .iter()
            .filter_map(|member| Some((member, on.get(member.name.as_str())?)));
        used.into_iter().all(|(member, on)| {
            let locked = lock
                .member(member.name.as_str())
                .map(|at| &lock.packages[at].takes);
            let has = |dependency: &Dependency| {
                let mut takes = locked
                    .into_iter()
                    .flatten()
                    .map(|at| &lock.packages[*at].name);
                takes.any(|name| *name == dependency.name)
            };
            let built = member
                .dependencies
                .iter()
                .filter(|dependency| is_built(dependency) && is_on(dependency, on));
            locked.is_some() && built.into_iter().all(has)
        })
    }

    /// What the manifests alone tell, where there is no Cargo.lock: the members, and what they take directly.
    pub fn declared(&self) -> Graph {
        let on = self.features();
        let node = |name: &str, version: String| Node {
            name: name.to_owned(),
            version,
            features: None,
            is_macro: false,
            takes: Vec::new(),
        };
        let mut graph = Graph::default();
        graph
            .nodes
            .push(node(&self.package.name, self.package.version.to_string()));
        let mut open = vec![(0, self.package)];
        while let Some((at, package)) = open.pop() {
            let on = on.get(package.name.as_str());
            let taken = package.dependencies.iter().filter(|dependency| {
                is_built(dependency) && on.is_some_and(|on| is_on(dependency, on))
            });
            for dependency in taken {
                let known = graph
                    .nodes
                    .iter()
                    .position(|node| node.name == dependency.name);
                let to = known.unwrap_or_else(|| {
                    graph
                        .nodes
                        .push(node(&dependency.name, dependency.req.to_string()));
                    let to = graph.nodes.len() - 1;
                    open.extend(self.members.meant(dependency).map(|member| (to, member)));
                    to
                });
                let build = dependency.kind == DependencyKind::Build;
                graph.nodes[at].takes.push(Edge { to, build });
            }
        }
        graph
    }

    /// What a feature of a member brings: other features of it, and features of members that it takes.
    fn brings(&self, package: &Package, feature: &str) -> Vec<(&Package, String)> {
        let mut brought = Vec::new();
        for entry in package.features.get(feature).into_iter().flatten() {
            let Some((name, of_it)) = entry.split_once('/') else {
                brought.extend(self.itself(package, entry));
                continue;
            };
            let optional = name.ends_with('?');
            let name = name.trim_end_matches('?');
            let named = |dependency: &&Dependency| alias(dependency) == name;
            let other = package.dependencies.iter().find(named);
            if !optional {
                brought.extend(self.itself(package, &format!("dep:{name}")));
            }
            if let Some(other) = other.and_then(|dependency| self.members.meant(dependency)) {
                brought.push((other, of_it.to_owned()));
            }
        }
        brought
    }

    fn itself(&self, package: &Package, feature: &str) -> Option<(&Package, String)> {
        let member = self.members.get(package.name.as_str())?;
        Some((member, feature.to_owned()))
    }
}

/// How a member takes another crate: as a dependency, for its build script, both, or not at all.
fn kinds(member: &Package, other: &str, on: Option<&BTreeSet<String>>) -> Vec<bool> {
    let taken = member.dependencies.iter().filter(|dependency| {
        dependency.name == other
            && is_built(dependency)
            && on.is_some_and(|on| is_on(dependency, on))
    });
    let mut kinds: Vec<bool> = taken
        .map(|dependency| dependency.kind == DependencyKind::Build)
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// Whether the features have a dependency in: it is not optional, or one of them names it.
pub fn is_on(dependency: &Dependency, on: &BTreeSet<String>) -> bool {
    let alias = alias(dependency);
    !dependency.optional || on.contains(alias) || on.contains(&format!("dep:{alias}"))
}

fn alias(dependency: &Dependency) -> &str {
    dependency.rename.as_deref().unwrap_or(&dependency.name)
}
