//! What cargo's configuration wants of whatever builds the workspace: a linker, a wrapper, a target, a registry.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use toml_edit::Item;

use super::found::{Evidence, Found};
use super::graph::is_target;
use super::toml::{TomlFile, texts};

/// What the builder must have and know.
#[derive(Debug, Default, Serialize)]
pub struct Builder {
    /// Programs that linking or compiling takes.
    pub tools: Vec<Found<BuildTool>>,
    /// Programs that cargo would call in the place of rustc: caches, which a fresh builder has not filled.
    pub wrappers: Vec<Found<Wrapper>>,
    /// Where what is built goes, where that is not `target`.
    pub target_directory: Option<Found<String>>,
    /// The target that is named to build for: what is built for it has a directory of its own.
    pub target: Option<Found<String>>,
    /// Flags for rustc.
    pub rustflags: Vec<Found<String>>,
    /// Registries that are not crates.io, and what is put in its place.
    pub registries: Vec<Found<String>>,
}

/// A program that building takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BuildTool {
    /// Its name.
    pub name: String,
    /// The packages of Debian that have it; none where Rust's image has it, or where it is not known.
    pub packages: Vec<String>,
    /// Whether it is known where it is to be had from.
    pub known: bool,
}

/// A program that cargo calls in the place of rustc.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrapper {
    /// Its name, or its path.
    pub name: String,
    /// The variable that overrules the configuration.
    pub variable: &'static str,
}

/// The keys of `[build]` that name a wrapper, each with the variable that overrules it.
const WRAPPERS: [(&str, &str); 2] = [
    ("rustc-wrapper", "RUSTC_WRAPPER"),
    ("rustc-workspace-wrapper", "RUSTC_WORKSPACE_WRAPPER"),
];

/// Reads the configuration at the top of the workspace, which is where an image builds.
///
/// # Errors
///
/// Where it cannot be read.
pub fn read(top: &Path, linkers: &BTreeMap<String, Vec<String>>) -> Result<Builder> {
    let mut builder = Builder::default();
    // Cargo takes the one without an ending where both are there.
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
        // `ld.lld`, `clang-19` and `x86_64-linux-gnu-gcc` are these by other names.
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
            // One text may hold several flags.
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
