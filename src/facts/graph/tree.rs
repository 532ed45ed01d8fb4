//! Cargo's own resolution, if possible without the network.
//!
//! `cargo tree` is used rather than the full `cargo metadata`, which unites the features of all members, including those for
//! tests, and needs the crates for every target on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::Package;

use super::{Edge, Graph, Node, TARGET};

/// The graph as resolved by cargo.
///
/// # Errors
///
/// If cargo fails: a crate is not downloaded, or Cargo.lock does not match the manifests. The message is cargo's.
pub fn resolve_with_cargo(package: &Package, features: &[String]) -> Result<Graph> {
    let mut command = Command::new(cargo());
    command
        .args(["tree", "--locked", "--offline", "--charset", "ascii"])
        .args(["--edges", "normal,build", "--target", TARGET])
        .args(["--format", "{p}|{f}", "--color", "never", "--quiet"])
        .args(["--manifest-path", package.manifest_path.as_str()]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    let output = command.output().context("running cargo tree")?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stderr = stderr.lines().next().unwrap_or_default();
        bail!("{}", stderr.strip_prefix("error: ").unwrap_or(stderr));
    }
    let text = String::from_utf8(output.stdout).context("reading what cargo tree printed")?;
    read(&text).context("reading what cargo tree printed")
}

/// The cargo that runs this subcommand, rather than another toolchain's.
#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells its subcommands in this variable where it is"
)]
fn cargo() -> std::ffi::OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Parses a tree: four columns per level, the crate and its features; repeated subtrees are not printed again.
fn read(text: &str) -> Result<Graph> {
    let mut graph = Graph {
        exact: true,
        ..Graph::default()
    };
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    // For each level, the last crate there, and whether what follows below it are its build dependencies.
    let mut above: Vec<(usize, bool)> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let at = line
            .find(|c: char| c.is_alphanumeric() || c == '[' || c == '_')
            .unwrap_or(0);
        let level = at / 4;
        let entry = &line[at..];
        if entry.starts_with('[') {
            above.truncate(level + 1);
            let (_, build) = above.last_mut().with_context(|| format!("`{line}`"))?;
            *build = entry == "[build-dependencies]";
            continue;
        }
        let node = node(entry).with_context(|| format!("`{line}`"))?;
        let index = match known.get(&key(entry)) {
            Some(index) => *index,
            None => {
                known.insert(key(entry), graph.nodes.len());
                graph.nodes.push(node);
                graph.nodes.len() - 1
            }
        };
        above.truncate(level);
        if let Some((parent, build)) = above.last().copied() {
            graph.nodes[parent]
                .dependencies
                .push(Edge { to: index, build });
        }
        above.push((index, false));
    }
    Ok(graph)
}

/// The key of a crate: it includes the features, since a build script's copy of a crate may have different ones.
fn key(entry: &str) -> String {
    entry.trim_end_matches(" (*)").to_owned()
}

/// `name v1.2.3 (proc-macro)|default,std (*)`
fn node(entry: &str) -> Option<Node> {
    let (package, features) = entry.trim_end_matches(" (*)").rsplit_once('|')?;
    let (name, rest) = package.split_once(" v")?;
    let features: BTreeSet<String> = features
        .split(',')
        .filter(|feature| !feature.is_empty())
        .map(str::to_owned)
        .collect();
    Some(Node {
        name: name.to_owned(),
        version: rest.split(' ').next()?.to_owned(),
        features: Some(features),
        is_macro: rest.contains("(proc-macro)"),
        dependencies: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    const TREE: &str = "\
app v0.1.0 (/src/app)|
|-- derive v1.0.0 (proc-macro)|
|   `-- syn v2.0.0|full
|-- net v1.0.0|default,tls
|   |-- _odd v0.1.0|
|   [build-dependencies]
|   `-- cc v1.0.0|
`-- syn v2.0.0|full (*)
[build-dependencies]
`-- git v1.0.0|
    `-- git-sys v1.0.0|
";

    #[test]
    fn parses_dependency_kinds_and_features() {
        let graph = read(TREE).unwrap();
        let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "app", "derive", "syn", "net", "_odd", "cc", "git", "git-sys"
            ]
        );
        let in_binary: Vec<&str> = graph
            .in_binary()
            .iter()
            .map(|&index| names[index])
            .collect();
        assert_eq!(in_binary, ["app", "syn", "net", "_odd"]);
        let features = graph.nodes[3].features.as_ref().unwrap();
        assert!(features.contains("tls") && features.len() == 2);
        assert_eq!(graph.path_to(&graph.predecessors(), 7), ["git"]);
    }

    #[test]
    fn rejects_malformed_trees() {
        assert!(read("[build-dependencies]").is_err());
        assert!(read("app").is_err());
    }
}
