//! The system packages that the dependencies need: Debian's, for building and for running.
//!
//! Which crate needs what is data, in `system.toml` beside this file.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::evidence::{Certainty, Evidence, Found};
use super::graph::{Graph, LockFile, Node};

/// What a binary needs from the system besides what every Rust image has: a C compiler and libc.
#[derive(Debug, Default, Serialize)]
pub struct System {
    /// The Debian release of the packages.
    pub suite: String,
    /// Packages for compiling, sorted.
    pub build: Vec<Found<String>>,
    /// Packages for running, sorted.
    pub run: Vec<Found<String>>,
    /// Crates that need a system library that is not known here.
    pub unknown: Vec<Found<String>>,
    /// Notes on some of the crates.
    pub notes: Vec<Found<String>>,
}

/// The data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The Debian release of the packages.
    pub suite: String,
    /// Crates and what they need.
    pub crates: BTreeMap<String, Entry>,
    /// Crates whose dependents need something.
    pub tools: BTreeMap<String, Tool>,
    /// Linkers and wrappers, and the packages that provide them.
    pub linkers: BTreeMap<String, Vec<String>>,
}

/// A crate and what it needs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The source of the entry.
    pub source: String,
    #[serde(default)]
    build: Vec<String>,
    #[serde(default)]
    run: Vec<String>,
    #[serde(default)]
    cases: Vec<Case>,
}

/// What a crate needs instead under certain conditions.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    features: Vec<String>,
    takes: Vec<String>,
    crates: Vec<String>,
    beside: Vec<String>,
    build: Vec<String>,
    run: Vec<String>,
    note: Option<String>,
}

/// A crate that a build script uses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    build: Vec<String>,
    /// Whether it looks for a system library.
    #[serde(default)]
    asks: bool,
}

/// What a single crate needs.
struct Need<'t> {
    build: &'t [String],
    run: &'t [String],
    note: Option<&'t str>,
}

impl Table {
    /// The embedded table.
    ///
    /// # Errors
    ///
    /// If it is malformed, which a test rules out.
    pub fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("system.toml"))
            .context("reading the table of system libraries")
    }

    /// Whether any crate in a graph is in the table, so that running cargo for the exact graph is worthwhile.
    pub fn applies_to(&self, graph: &Graph) -> bool {
        let known = |node: &Node| {
            self.crates.contains_key(&node.name) || self.tools.contains_key(&node.name)
        };
        graph.nodes.iter().any(known)
    }

    /// What the crates of a graph need.
    pub fn resolve(&self, graph: &Graph, lock: Option<&LockFile>) -> System {
        let mut resolver = Resolver {
            graph,
            lock,
            predecessors: graph.predecessors(),
            in_binary: graph.in_binary(),
            names: graph.nodes.iter().map(|node| node.name.as_str()).collect(),
            // Cargo.lock includes the dependencies of all features, and the manifests only direct dependencies.
            certainty: if graph.exact {
                Certainty::Certain
            } else {
                Certainty::Guess
            },
            build: BTreeMap::new(),
            run: BTreeMap::new(),
            unknown: Vec::new(),
            notes: Vec::new(),
        };
        // What other crates add to the builder is only known after examining all of them once.
        let alone: BTreeSet<&str> = graph
            .nodes
            .iter()
            .filter_map(|node| {
                Some(resolver.need(node, self.crates.get(&node.name)?, &BTreeSet::new()))
            })
            .flat_map(|need| need.build)
            .map(String::as_str)
            .collect();
        for (index, node) in graph.nodes.iter().enumerate().skip(1) {
            match self.crates.get(&node.name) {
                Some(entry) => {
                    let need = resolver.need(node, entry, &alone);
                    resolver.add(index, &need);
                }
                // A tool may need another one.
                None if self.tools.contains_key(&node.name) => {}
                None => resolver.add_tools(index, &self.tools),
            }
        }
        resolver.finish(&self.suite)
    }
}

struct Resolver<'g> {
    graph: &'g Graph,
    lock: Option<&'g LockFile>,
    predecessors: BTreeMap<usize, usize>,
    in_binary: BTreeSet<usize>,
    names: BTreeSet<&'g str>,
    certainty: Certainty,
    build: BTreeMap<String, Vec<Evidence>>,
    run: BTreeMap<String, Vec<Evidence>>,
    unknown: Vec<Found<String>>,
    notes: Vec<Found<String>>,
}

impl Resolver<'_> {
    /// What a crate needs, given these packages that other crates have added to the builder.
    fn need<'t>(&self, node: &Node, entry: &'t Entry, beside: &BTreeSet<&str>) -> Need<'t> {
        let case = entry
            .cases
            .iter()
            .find(|case| self.meets(node, case, beside));
        case.map_or(
            Need {
                build: &entry.build,
                run: &entry.run,
                note: None,
            },
            |case| Need {
                build: &case.build,
                run: &case.run,
                note: case.note.as_deref(),
            },
        )
    }

    fn meets(&self, node: &Node, case: &Case, beside: &BTreeSet<&str>) -> bool {
        let on = match &node.features {
            Some(on) => case.features.iter().any(|feature| on.contains(feature)),
            None => case
                .takes
                .iter()
                .any(|name| self.graph.depends_on(node, name)),
        };
        on || case
            .crates
            .iter()
            .any(|name| self.names.contains(name.as_str()))
            || case
                .beside
                .iter()
                .any(|package| beside.contains(package.as_str()))
    }

    fn add(&mut self, index: usize, need: &Need<'_>) {
        let evidence = self.evidence(index);
        // A crate is in the graph twice if build scripts depend on it with other features.
        let note = |packages: &mut BTreeMap<String, Vec<Evidence>>, package: &String| {
            let known = packages.entry(package.clone()).or_default();
            if !known.contains(&evidence) {
                known.push(evidence.clone());
            }
        };
        for package in need.build {
            note(&mut self.build, package);
        }
        // The dependencies of build scripts and macros are not needed at run time.
        if self.in_binary.contains(&index) {
            for package in need.run {
                note(&mut self.run, package);
            }
        }
        if let Some(note) = need.note {
            self.notes
                .push(Found::new(note.to_owned(), self.certainty, vec![evidence]));
        }
    }

    /// What is known about a crate that is not in the table: the tools that its build script uses.
    fn add_tools(&mut self, index: usize, tools: &BTreeMap<String, Tool>) {
        let graph = self.graph;
        let node = &graph.nodes[index];
        for edge in &node.dependencies {
            let Some(tool) = tools.get(&graph.nodes[edge.to].name) else {
                continue;
            };
            let need = Need {
                build: &tool.build,
                run: &[],
                note: None,
            };
            self.add(index, &need);
            if tool.asks && !self.unknown.iter().any(|known| known.value == node.name) {
                let evidence = vec![self.evidence(index)];
                self.unknown
                    .push(Found::new(node.name.clone(), self.certainty, evidence));
            }
        }
    }

    fn evidence(&self, index: usize) -> Evidence {
        let node = &self.graph.nodes[index];
        let path = self.graph.path_to(&self.predecessors, index);
        let through = if path.is_empty() {
            String::new()
        } else {
            format!(", used by {}", path.join(", "))
        };
        let says = format!("{} {}{through}", node.name, node.version);
        let locked = self
            .lock
            .and_then(|lock| lock.find(&node.name, &node.version));
        match locked {
            Some(locked) => Evidence::at("Cargo.lock", locked.line, says),
            None => Evidence::metadata("packages[].dependencies", says),
        }
    }

    fn finish(self, suite: &str) -> System {
        let certainty = self.certainty;
        let packages = |packages: BTreeMap<String, Vec<Evidence>>| {
            let found = packages.into_iter();
            found
                .map(|(package, evidence)| Found::new(package, certainty, evidence))
                .collect()
        };
        System {
            suite: suite.to_owned(),
            build: packages(self.build),
            run: packages(self.run),
            unknown: self.unknown,
            notes: self.notes,
        }
    }
}
