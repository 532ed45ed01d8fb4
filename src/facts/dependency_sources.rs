//! The sources of dependencies: those other than crates.io may be unreachable from an image build.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;
use cargo_metadata::{Dependency, DependencyKind, Package as CargoPackage};
use serde::Serialize;

use super::evidence::{Certainty, Evidence, Found};
use super::graph::{Graph, LockFile};
use super::package::Manifests;
use super::toml::{TomlFile, display_path};

/// The end of crates.io's name in Cargo.lock, whichever protocol is used.
const CRATES_IO: &str = "rust-lang/crates.io-index";

/// A dependency's source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Source {
    /// The dependency.
    pub name: String,
    /// The kind of source.
    pub kind: SourceKind,
    /// The URL of its repository or registry, or its path.
    pub place: String,
}

/// A source other than crates.io.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Another member of the workspace.
    Member,
    /// A directory in the workspace that is not a member.
    Path,
    /// A directory outside of the workspace.
    Outside,
    /// A git repository.
    Git,
    /// A registry other than crates.io.
    Registry,
}

/// The dependencies that are not from crates.io, without duplicates.
///
/// # Errors
///
/// If a manifest cannot be read.
pub fn find(package: &CargoPackage, manifests: &Manifests<'_>) -> Result<Vec<Found<Source>>> {
    let mut found: Vec<Found<Source>> = Vec::new();
    for package in [package].into_iter().chain(manifests.uses.iter().copied()) {
        let path = package.manifest_path.as_std_path();
        let file = TomlFile::read(path, manifests.top)?;
        let manifest = file.as_ref().unwrap_or(manifests.root);
        let built = package
            .dependencies
            .iter()
            .filter(|dependency| dependency.kind != DependencyKind::Development);
        for dependency in built {
            let Some(source) = source(dependency, manifests) else {
                continue;
            };
            if !found.iter().any(|known| known.value == source) {
                let evidence = declaration(dependency, manifest, manifests.root);
                found.push(Found::new(source, Certainty::Certain, evidence));
            }
        }
    }
    found.extend(patches(manifests));
    found.sort_by(|a, b| a.value.cmp(&b.value));
    Ok(found)
}

/// The sources in the lock file of the crates of a graph, except crates.io.
pub fn from_lock_file(graph: &Graph, lock: &LockFile) -> Vec<Found<Source>> {
    let packages = graph
        .nodes
        .iter()
        .filter_map(|node| lock.find(&node.name, &node.version));
    let foreign = packages.filter_map(|package| {
        let source = package.source.as_deref()?;
        let (kind, place) = match source.split_once('+')? {
            ("git", place) => (SourceKind::Git, place),
            (_, place) if place.ends_with(CRATES_IO) => return None,
            _ => (SourceKind::Registry, source),
        };
        let found = Source {
            name: package.name.clone(),
            kind,
            place: place.to_owned(),
        };
        let evidence = Evidence::at("Cargo.lock", package.line, source);
        Some(Found::certain(found, evidence))
    });
    foreign.collect()
}

/// Adds those that no manifest of the workspace declares.
pub fn add_undeclared(known: &mut Vec<Found<Source>>, locked: Vec<Found<Source>>) {
    for source in locked {
        if !known
            .iter()
            .any(|known| known.value.name == source.value.name)
        {
            known.push(source);
        }
    }
}

fn source(dependency: &Dependency, manifests: &Manifests<'_>) -> Option<Source> {
    let source = dependency
        .source
        .as_ref()
        .map(|source| source.repr.as_str());
    let new_source = |kind, place: String| Source {
        name: dependency.name.clone(),
        kind,
        place,
    };
    if let Some(path) = &dependency.path {
        let path = path.as_std_path();
        let is_member = |member: &&CargoPackage| {
            let directory = member.manifest_path.parent();
            directory.is_some_and(|directory| directory.as_std_path() == path)
        };
        let kind = if manifests.uses.iter().any(is_member) {
            SourceKind::Member
        } else {
            path_kind(path, manifests.top)
        };
        return Some(new_source(kind, display_path(path, manifests.top)));
    }
    if let Some(git) = source.and_then(|source| source.strip_prefix("git+")) {
        return Some(new_source(SourceKind::Git, git.to_owned()));
    }
    let registry = dependency.registry.as_ref()?;
    Some(new_source(SourceKind::Registry, registry.clone()))
}

fn path_kind(path: &Path, top: &Path) -> SourceKind {
    if path.starts_with(top) {
        SourceKind::Path
    } else {
        SourceKind::Outside
    }
}

/// The line of a dependency; that of the workspace, if it is inherited.
pub fn declaration(dependency: &Dependency, manifest: &TomlFile, root: &TomlFile) -> Vec<Evidence> {
    let key = dependency.rename.as_deref().unwrap_or(&dependency.name);
    let section = match dependency.kind {
        DependencyKind::Build => "build-dependencies",
        _ => "dependencies",
    };
    let targets = manifest.table(&["target"]);
    let targets = targets.map(|targets| targets.iter().map(|(name, _)| name).collect::<Vec<_>>());
    let places = targets.unwrap_or_default();
    let places = places
        .iter()
        .map(|target| vec!["target", target, section, key]);
    let own = [vec![section, key]]
        .into_iter()
        .chain(places)
        .find_map(|path| Some((manifest.evidence(&path)?, path)));
    let Some((own, path)) = own else {
        return vec![Evidence::metadata("packages[].dependencies", key)];
    };
    let workspace = [&path[..], &["workspace"]].concat();
    let above = manifest.get(&workspace).is_some();
    let above = above.then(|| root.evidence(&["workspace", "dependencies", key]));
    above.flatten().into_iter().chain([own]).collect()
}

/// The replacement of a dependency in `[patch]`.
fn patches(manifests: &Manifests<'_>) -> Vec<Found<Source>> {
    let root = manifests.root;
    let mut found = Vec::new();
    for (registry, patches) in root
        .table(&["patch"])
        .into_iter()
        .flat_map(|table| table.iter())
    {
        let patches = patches
            .as_table_like()
            .into_iter()
            .flat_map(|table| table.iter());
        for (name, patch) in patches {
            let text = |key| patch.get(key).and_then(|item| item.as_str());
            let (kind, place) = match (text("path"), text("git")) {
                (Some(path), _) => {
                    let path = normalize(&manifests.top.join(path));
                    (
                        path_kind(&path, manifests.top),
                        display_path(&path, manifests.top),
                    )
                }
                (_, Some(git)) => (SourceKind::Git, git.to_owned()),
                (None, None) => continue,
            };
            let name = text("package").unwrap_or(name).to_owned();
            let evidence = root.evidence_or_file(&["patch", registry, &name]);
            found.push(Found::certain(Source { name, kind, place }, evidence));
        }
    }
    found
}

/// A path without `.` and `..`, resolved lexically like cargo does, without following links.
pub fn normalize(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
