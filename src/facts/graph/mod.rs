//! The crates that the selected binary is actually built from: without those for tests, other targets, or disabled features.
//!
//! Cargo.lock is read directly, and gives an upper bound together with the workspace's manifests: it does not tell which features
//! of registry crates are enabled. Cargo knows exactly, but `cargo tree` needs every crate on disk and locks the package cache;
//! it is only run if it may change the result, with `--locked --offline`, and if it fails, the facts are less certain.

mod lock;
mod members;
mod tree;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use lock::LockFile;
pub use members::{BuildTarget, UpperBound, is_built, is_enabled, is_target};
pub use tree::resolve_with_cargo;

/// The target of all facts: where servers run. Nothing here depends on the processor.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates and their dependencies.
#[derive(Debug, Default)]
pub struct Graph {
    /// The crates; the first is the package itself.
    pub nodes: Vec<Node>,
    /// Whether the features are known, which implies that each crate is actually built.
    pub exact: bool,
}

/// A crate.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The enabled features, if known.
    pub features: Option<BTreeSet<String>>,
    /// Whether it only runs at build time, and is not part of the binary.
    pub is_macro: bool,
    /// Its dependencies.
    pub dependencies: Vec<Edge>,
}

/// A dependency of a crate.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The dependency's index.
    pub to: usize,
    /// Whether it is a build dependency.
    pub build: bool,
}

impl Graph {
    /// Whether a crate depends directly on another.
    pub fn depends_on(&self, node: &Node, name: &str) -> bool {
        node.dependencies
            .iter()
            .any(|edge| self.nodes[edge.to].name == name)
    }

    /// The indices of the crates that are part of the binary.
    pub fn in_binary(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let Some(node) = self.nodes.get(index).filter(|node| !node.is_macro) else {
                continue;
            };
            if found.insert(index) {
                open.extend(
                    node.dependencies
                        .iter()
                        .filter(|edge| !edge.build)
                        .map(|edge| edge.to),
                );
            }
        }
        found
    }

    /// The shortest path from the package to each crate: for each index, that of the crate before it.
    pub fn predecessors(&self) -> BTreeMap<usize, usize> {
        let mut before = BTreeMap::new();
        let mut open = VecDeque::from([0]);
        while let Some(index) = open.pop_front() {
            for edge in self
                .nodes
                .get(index)
                .into_iter()
                .flat_map(|node| &node.dependencies)
            {
                if edge.to != 0 && !before.contains_key(&edge.to) {
                    before.insert(edge.to, index);
                    open.push_back(edge.to);
                }
            }
        }
        before
    }

    /// `sqlx, sqlx-core, native-tls`: the crates on the path to one, without the package and the crate itself.
    pub fn path_to(&self, predecessors: &BTreeMap<usize, usize>, index: usize) -> Vec<&str> {
        let before =
            std::iter::successors(predecessors.get(&index), |index| predecessors.get(index));
        let mut path: Vec<&str> = before
            .filter(|index| **index != 0)
            .map(|index| self.nodes[*index].name.as_str())
            .collect();
        path.reverse();
        path
    }
}
