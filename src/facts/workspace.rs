//! The workspace: its members and their dependencies on each other, its lock file, its toolchain.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, Package};
use serde::Serialize;

use super::choice::bins;
use super::evidence::{Evidence, Found};
use super::members::Members;
use super::toml::{TomlFile, display_path};
use crate::vcs;

/// The facts about a workspace; a package on its own is one with a single member.
#[derive(Debug, Serialize)]
pub struct Workspace {
    /// Its directory, absolute.
    pub root: String,
    /// Where its packages are.
    pub kind: Found<Layout>,
    /// Its packages.
    pub members: Vec<Found<Member>>,
    /// Its Cargo.lock, or none.
    pub lock: Option<Found<Lock>>,
    /// The channel in rust-toolchain.toml, or none.
    pub toolchain: Option<Found<String>>,
    /// The target directory, relative to the workspace or absolute.
    pub target_directory: Found<String>,
}

/// Where the packages of a workspace are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// One package, and no `[workspace]`.
    Package,
    /// A package in the root, and a `[workspace]`.
    Rooted,
    /// A `[workspace]` without a package in the root.
    Virtual,
}

/// A package of the workspace.
#[derive(Debug, Serialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its directory, relative to the workspace.
    pub path: String,
    /// Its binaries.
    pub bins: Vec<String>,
    /// The members that it depends on, directly or transitively.
    pub uses: Vec<String>,
}

/// A lock file.
#[derive(Debug, Serialize)]
pub struct Lock {
    /// Whether git tracks it; none outside of a repository.
    pub tracked: Option<bool>,
}

/// Reads the facts.
///
/// # Errors
///
/// If an existing file cannot be read.
pub fn read(metadata: &Metadata, members: &Members<'_>, root: &TomlFile) -> Result<Workspace> {
    let top = metadata.workspace_root.as_std_path();
    let found = |package: &Package| {
        let path = package
            .manifest_path
            .parent()
            .map_or(top, |p| p.as_std_path());
        let member = Member {
            name: package.name.to_string(),
            path: display_path(path, top),
            bins: bins(package).map(|bin| bin.name.clone()).collect(),
            uses: members
                .dependencies_of(package)
                .iter()
                .map(|package| package.name.to_string())
                .collect(),
        };
        Found::certain(
            member,
            Evidence::metadata("workspace_members", path_of(package, top)),
        )
    };
    Ok(Workspace {
        root: top.to_string_lossy().into_owned(),
        kind: layout(root),
        members: metadata
            .workspace_packages()
            .into_iter()
            .map(found)
            .collect(),
        lock: lock(top),
        toolchain: toolchain(top)?,
        target_directory: Found::certain(
            display_path(metadata.target_directory.as_std_path(), top),
            Evidence::metadata("target_directory", metadata.target_directory.as_str()),
        ),
    })
}

fn path_of(package: &Package, top: &Path) -> String {
    display_path(package.manifest_path.as_std_path(), top)
}

fn layout(root: &TomlFile) -> Found<Layout> {
    let has = |key| root.get(&[key]).is_some();
    let (layout, key) = match (has("package"), has("workspace")) {
        (true, true) => (Layout::Rooted, "workspace"),
        (true, false) => (Layout::Package, "package"),
        (false, _) => (Layout::Virtual, "workspace"),
    };
    Found::certain(layout, root.evidence_or_file(&[key]))
}

fn lock(top: &Path) -> Option<Found<Lock>> {
    let path = top.join("Cargo.lock");
    if !path.is_file() {
        return None;
    }
    let tracked = vcs::is_tracked(&path);
    let says = match tracked {
        Some(true) => "tracked by git",
        Some(false) => "not tracked by git",
        None => "not in a git repository",
    };
    Some(Found::certain(
        Lock { tracked },
        Evidence::file("Cargo.lock", says),
    ))
}

/// As rustup does in the workspace root, where an image is built: if both exist, the older name wins.
fn toolchain(top: &Path) -> Result<Option<Found<String>>> {
    for directory in top.ancestors() {
        let old = directory.join("rust-toolchain");
        if old.is_file() {
            let text =
                fs::read_to_string(&old).with_context(|| format!("reading {}", old.display()))?;
            // It contains either only the channel or the same TOML.
            if let [channel] = text.lines().map(str::trim).collect::<Vec<_>>()[..]
                && !channel.starts_with('[')
            {
                let evidence = Evidence::line(&display_path(&old, top), 1, channel);
                return Ok(Some(Found::certain(channel.to_owned(), evidence)));
            }
        }
        for name in ["rust-toolchain", "rust-toolchain.toml"] {
            let Some(file) = TomlFile::read(&directory.join(name), top)? else {
                continue;
            };
            let key = ["toolchain", "channel"];
            return Ok(file
                .str(&key)
                .map(|channel| Found::certain(channel.to_owned(), file.evidence_or_file(&key))));
        }
    }
    Ok(None)
}
