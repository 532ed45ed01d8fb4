//! The surroundings of a new project: a cargo workspace, a git repository, or neither.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::MetadataCommand;
use toml_edit::DocumentMut;

use crate::tree::RelPath;

/// The surroundings of a directory.
#[derive(Debug)]
pub struct Surroundings {
    /// The workspace that a package there would belong to.
    pub workspace: Option<Workspace>,
    /// The root of the git repository around it.
    pub repository: Option<PathBuf>,
}

/// A workspace around a new package.
#[derive(Debug)]
pub struct Workspace {
    /// The directory of its manifest.
    pub root: PathBuf,
    /// The text of its manifest.
    pub manifest: String,
    /// The new package's directory relative to the root, with `/`.
    pub member: RelPath,
    /// What a package there is to cargo.
    pub membership: Membership,
    /// Its packages, by name, with their manifests.
    pub packages: BTreeMap<String, PathBuf>,
}

/// What a package at a path in a workspace is to cargo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// A glob in `members` already includes it.
    Listed,
    /// It must be added to `members`.
    Missing,
    /// `exclude` excludes it.
    Excluded,
}

impl Surroundings {
    /// Searches upward from `directory`, which is absolute and may not exist yet.
    ///
    /// # Errors
    ///
    /// If a manifest above cannot be read, or is rejected by cargo: a package in a broken workspace cannot be built.
    pub fn find(directory: &Path) -> Result<Self> {
        Ok(Self {
            workspace: workspace(directory)?,
            repository: repository(directory),
        })
    }
}

/// The root of the git repository around a directory, which may be a submodule or another worktree.
pub fn repository(directory: &Path) -> Option<PathBuf> {
    let mut above = directory.ancestors();
    let top = above.find(|directory| directory.join(".git").exists());
    top.map(Path::to_owned)
}

fn workspace(directory: &Path) -> Result<Option<Workspace>> {
    // A directory with its own manifest is a crate already, which is for the caller to handle.
    for above in directory.ancestors().skip(1) {
        let path = above.join("Cargo.toml");
        let manifest = match fs::read_to_string(&path) {
            Ok(manifest) => manifest,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        let document: DocumentMut = manifest
            .parse()
            .with_context(|| format!("reading {}", path.display()))?;
        if document.get("workspace").is_none() {
            continue;
        }
        let member = below(above, directory)?;
        let membership = membership(&document, &member)?;
        let packages = packages(&path)?;
        return Ok(Some(Workspace {
            root: above.to_owned(),
            manifest,
            member,
            membership,
            packages,
        }));
    }
    Ok(None)
}

fn below(root: &Path, directory: &Path) -> Result<RelPath> {
    let relative = directory
        .strip_prefix(root)
        .with_context(|| format!("{} is not below {}", directory.display(), root.display()))?;
    let parts: Option<Vec<&str>> = relative.iter().map(std::ffi::OsStr::to_str).collect();
    let parts = parts.with_context(|| {
        format!(
            "{} is not UTF-8, as a workspace's `members` must be",
            directory.display()
        )
    })?;
    Ok(RelPath::new(parts.join("/"))?)
}

/// As in cargo: `exclude` has path prefixes, `members` has globs.
fn membership(document: &DocumentMut, member: &RelPath) -> Result<Membership> {
    let list = |key: &str| -> Vec<String> {
        let items = document
            .get("workspace")
            .and_then(|workspace| workspace.get(key))
            .and_then(|item| item.as_array());
        items
            .into_iter()
            .flatten()
            .filter_map(|item| {
                Some(
                    item.as_str()?
                        .trim_start_matches("./")
                        .trim_end_matches('/')
                        .to_owned(),
                )
            })
            .collect()
    };
    let listed = list("members").iter().try_fold(false, |listed, pattern| {
        let glob = glob::Pattern::new(pattern)
            .with_context(|| format!("reading `{pattern}` in the workspace's `members`"))?;
        let options = glob::MatchOptions {
            require_literal_separator: true,
            ..glob::MatchOptions::new()
        };
        anyhow::Ok(listed || glob.matches_with(member.as_str(), options))
    })?;
    let excluded = list("exclude")
        .iter()
        .any(|prefix| Path::new(member.as_str()).starts_with(prefix));
    Ok(match (listed, excluded) {
        (true, _) => Membership::Listed,
        (false, true) => Membership::Excluded,
        (false, false) => Membership::Missing,
    })
}

/// As cargo lists them; a workspace that cargo cannot load cannot be added to.
fn packages(manifest: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .with_context(|| format!("loading the workspace of {}", manifest.display()))?;
    Ok(metadata
        .packages
        .into_iter()
        .map(|package| (package.name.to_string(), package.manifest_path.into()))
        .collect())
}
