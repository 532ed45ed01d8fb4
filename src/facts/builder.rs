//! What cargo's configuration requires of the machine that builds the workspace: a linker, a wrapper, a target, a registry.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use toml_edit::Item;

use super::evidence::{Evidence, Found};
use super::graph::is_target;
use super::toml::{TomlFile, texts};

/// What the builder needs.
#[derive(Debug, Default, Serialize)]
pub struct Builder {
    /// Programs needed for linking or compiling.
    pub tools: Vec<Found<BuildTool>>,
    /// Programs that cargo would call instead of rustc: caches, which are empty in a fresh builder.
    pub wrappers: Vec<Found<Wrapper>>,
    /// The target directory, if it is not `target`.
    pub target_directory: Option<Found<String>>,
    /// The configured build target, which has its own directory for build output.
    pub target: Option<Found<String>>,
    /// Flags for rustc.
    pub rustflags: Vec<Found<String>>,
    /// Registries other than crates.io, and source replacements.
    pub registries: Vec<Found<String>>,
}

/// A program needed for building.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuildTool {
    /// Its name.
    pub name: String,
    /// The Debian packages that provide it; none if Rust's image has it, or if they are not known.
    pub packages: Vec<String>,
    /// Whether it is known where to get it.
    pub known: bool,
}

/// A program that cargo calls instead of rustc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrapper {
    /// Its name, or its path.
    pub name: String,
    /// The variable that overrides the configuration.
    pub variable: &'static str,
}

/// The keys of `[build]` that name a wrapper, each with the variable that overrides it.
const WRAPPERS: [(&str, &str); 2] = [
    ("rustc-wrapper", "RUSTC_WRAPPER"),
    ("rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER"),
];

/// Reads the configuration in the workspace root, where an image is built.
///
/// # Errors
///
/// If it cannot be read.
pub fn read(top: &Path, linkers: &BTreeMap<String, Vec<String>>) -> Result<Builder> {
    let mut builder = Builder::default();
    // If both exist, cargo uses the one without an extension.
    for name in [".cargo/config", ".cargo/config.toml"] {
        if let Some(file) = TomlFile::read(&top.join(name), top)? {
            read_file(&mut builder, &file, linkers);
            break;
        }
    }
    Ok(builder)
}

fn read_file(builder: &mut Builder, file: &TomlFile, linkers: &BTreeMap<String, Vec<String>>) {
    let mut tables = vec![vec!["build"]];
    let targets = file.table(&["target"]);
    let targets = targets.into_iter().flat_map(|table| table.iter());
    tables.extend(
        targets
            .filter(|(name, _)| is_target(name))
            .map(|(name, _)| vec!["target", name]),
    );
    let tool = |builder: &mut Builder, name: &str, evidence: Evidence| {
        let name = name.rsplit('/').next().unwrap_or(name);
        // `ld.lld`, `clang-19` and `x86_64-linux-gnu-gcc` are variants of these.
        let known = linkers.iter().find(|(known, _)| {
            name == known.as_str()
                || name.strip_prefix("ld.") == Some(known)
                || name
                    .strip_prefix(known.as_str())
                    .is_some_and(|rest| rest.starts_with('-'))
                || name
                    .strip_suffix(known.as_str())
                    .is_some_and(|rest| rest.ends_with("-gnu-"))
        });
        let tool = BuildTool {
            name: name.to_owned(),
            packages: known
                .map(|(_, packages)| packages.clone())
                .unwrap_or_default(),
            known: known.is_some(),
        };
        match builder.tools.iter_mut().find(|found| found.value == tool) {
            Some(found) => found.evidence.push(evidence),
            None => builder.tools.push(Found::certain(tool, evidence)),
        }
    };
    for table in &tables {
        let path = [&table[..], &["linker"]].concat();
        if let Some(name) = file.str(&path) {
            tool(builder, name, file.evidence_or_file(&path));
        }
        let path = [&table[..], &["rustflags"]].concat();
        for flags in texts(file.get(&path)) {
            // A single text may contain several flags.
            for flag in flags.split_whitespace() {
                let evidence = file.evidence_or_file(&path);
                if let Some((_, linker)) = flag.split_once("-fuse-ld=") {
                    tool(builder, linker, evidence.clone());
                }
                if let Some((_, linker)) = flag.split_once("linker=") {
                    tool(builder, linker, evidence.clone());
                }
                builder
                    .rustflags
                    .push(Found::certain(flag.to_owned(), evidence));
            }
        }
    }
    read_build(builder, file);
    for (section, field) in [("registries", "index"), ("source", "replace-with")] {
        let entries = file
            .table(&[section])
            .into_iter()
            .flat_map(|table| table.iter());
        for (name, entry) in entries {
            if let Some(value) = entry.get(field).and_then(Item::as_str) {
                let evidence = file.evidence_or_file(&[section, name]);
                builder
                    .registries
                    .push(Found::certain(format!("{name}: {value}"), evidence));
            }
        }
    }
}

fn read_build(builder: &mut Builder, file: &TomlFile) {
    for (key, variable) in WRAPPERS {
        let path = ["build", key];
        if let Some(name) = file.str(&path) {
            let name = name.to_owned();
            let evidence = file.evidence_or_file(&path);
            builder
                .wrappers
                .push(Found::certain(Wrapper { name, variable }, evidence));
        }
    }
    let path = ["build", "target-dir"];
    if let Some(directory) = file.str(&path) {
        let evidence = file.evidence_or_file(&path);
        builder.target_directory = Some(Found::certain(directory.to_owned(), evidence));
    }
    let path = ["build", "target"];
    if let Some(target) = texts(file.get(&path)).into_iter().next() {
        builder.target = Some(Found::certain(target, file.evidence_or_file(&path)));
    }
}
