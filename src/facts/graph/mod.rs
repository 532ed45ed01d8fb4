//! The crates that the chosen binary is really built from: not those of tests, of other targets, or of features that are off.
//!
//! Cargo.lock is read directly, and with the workspace's manifests it gives an upper bound: which features of a crate from a
//! registry are on is not in it. Cargo itself knows exactly, but `cargo tree` needs every crate on the disk and the lock of the package
//! cache; it is asked only where that decides something, `--locked --offline`, and where it cannot say the facts are less sure.

mod lock;
mod members;
mod tree;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use lock::LockFile;
pub use members::{Bound, Built, is_built, is_on, is_target};
pub use tree::exact;

/// The target that facts are about: what servers run on. Nothing here depends on the processor.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// The crates, and which of them takes which.
#[derive(Debug, Default)]
pub struct Graph {
    /// The crates; the first is the package itself.
    pub nodes: Vec<Node>,
    /// Whether the features are known, and with them that each crate is really built.
    pub exact: bool,
}

/// A crate.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The features that are on, where they are known.
    pub features: Option<BTreeSet<String>>,
    /// Whether it runs while cargo builds, and is no part of the binary.
    pub is_macro: bool,
    /// What it takes.
    pub takes: Vec<Edge>,
}

/// That a crate takes another.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// The index of the other one.
    pub to: usize,
    /// Whether its build script takes it.
    pub build: bool,
}

impl Graph {
    /// Whether a crate takes another one directly.
    pub fn takes(&self, node: &Node, name: &str) -> bool {
        node.takes
            .iter()
            .any(|edge| self.nodes[edge.to].name == name)
    }

    /// Which crates end up in the binary, by index.
    pub fn in_binary(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let mut open = vec![0];
        while let Some(index) = open.pop() {
            let Some(node) = self.nodes.get(index).filter(|node| !node.is_macro) else {
                continue;
            };
            if found.insert(index) {
                open.extend(
                    node.takes
                        .iter()
                        .filter(|edge| !edge.build)
                        .map(|edge| edge.to),
                );
            }
        }
        found
    }

    /// The shortest way from the package to each crate: by index, the index of the crate before it.
    pub fn ways(&self) -> BTreeMap<usize, usize> {
        let mut before = BTreeMap::new();
        let mut open = VecDeque::from([0]);
        while let Some(index) = open.pop_front() {
            for edge in self
                .nodes
                .get(index)
                .into_iter()
                .flat_map(|node| &node.takes)
            {
                if edge.to != 0 && !before.contains_key(&edge.to) {
                    before.insert(edge.to, index);
                    open.push_back(edge.to);
                }
            }
        }
        before
    }

    /// `sqlx, sqlx-core, native-tls`: the crates on the way to one, the package and the crate itself left out.
    pub fn way(&self, ways: &BTreeMap<usize, usize>, index: usize) -> Vec<&str> {
        let before = std::iter::successors(ways.get(&index), |index| ways.get(index));
        let mut way: Vec<&str> = before
            .filter(|index| **index != 0)
            .map(|index| self.nodes[*index].name.as_str())
            .collect();
        way.reverse();
        way
    }
}
