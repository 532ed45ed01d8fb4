//! Locates an existing crate, as cargo does.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::error::{Usage, did_you_mean};

/// A workspace, and the selected package in it; a package on its own is a workspace of one.
#[derive(Debug)]
pub struct Location {
    /// The manifest for which cargo was run.
    pub manifest: PathBuf,
    /// Cargo's metadata.
    pub metadata: Metadata,
    /// The directory of the root manifest, with the profiles, the lock file and the members.
    pub workspace: PathBuf,
    /// The packages of the workspace, by name.
    pub packages: Vec<Package>,
    /// The selected one, if any.
    pub chosen: Option<usize>,
}

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// The directory of its manifest.
    pub directory: PathBuf,
    /// One line on what it does.
    pub description: Option<String>,
    /// Where its sources are published.
    pub repository: Option<String>,
    /// The oldest Rust release that it supports: major, minor, patch.
    pub rust_version: Option<(u64, u64, u64)>,
}

/// The requested crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestedCrate<'a> {
    /// `--manifest-path`
    pub manifest: Option<&'a Path>,
    /// `--package`
    pub package: Option<&'a str>,
}

impl Location {
    /// Runs `cargo metadata` in `directory`; it neither resolves dependencies nor uses the network.
    ///
    /// # Errors
    ///
    /// [`Usage`] if there is no manifest, or no package of that name; otherwise cargo's own error about a manifest that it cannot
    /// load.
    pub fn find(directory: &Path, requested: RequestedCrate<'_>) -> Result<Self> {
        let manifest = manifest(directory, requested.manifest)?;
        let metadata = load_metadata(&manifest)?;
        let mut location = Self {
            workspace: canonicalize(metadata.workspace_root.as_std_path())?,
            packages: packages(&metadata)?,
            chosen: None,
            metadata,
            manifest,
        };
        let here = location.manifest.parent().unwrap_or(directory);
        location.chosen = match requested.package {
            Some(name) => Some(location.index_of_name(name)?),
            None => location.index_in_directory(here),
        };
        Ok(location)
    }

    /// The selected package.
    pub fn package(&self) -> Option<&Package> {
        self.packages.get(self.chosen?)
    }

    fn index_of_name(&self, name: &str) -> Result<usize> {
        let named = self
            .packages
            .iter()
            .position(|package| package.name == name);
        named.ok_or_else(|| {
            let hint = did_you_mean(name, self.packages.iter().map(|package| &*package.name));
            let workspace = self.workspace.display();
            Usage::new(format!(
                "the workspace at {workspace} has no package `{name}`{hint}"
            ))
            .into()
        })
    }

    /// The package in a directory, or the only one there is.
    fn index_in_directory(&self, directory: &Path) -> Option<usize> {
        let here = self
            .packages
            .iter()
            .position(|package| package.directory == directory);
        here.or((self.packages.len() == 1).then_some(0))
    }
}

/// Cargo's metadata of a workspace, without its dependencies: these would lock the package cache, write a Cargo.lock, and require
/// every crate to be downloaded.
///
/// # Errors
///
/// If cargo cannot load it; the message is cargo's.
pub fn load_metadata(manifest: &Path) -> Result<Metadata> {
    let loaded = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec();
    let loaded = loaded.map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            let message = stderr.trim_end();
            anyhow::Error::msg(
                message
                    .strip_prefix("error: ")
                    .unwrap_or(message)
                    .to_owned(),
            )
        }
        error => error.into(),
    });
    loaded.with_context(|| format!("loading {}", manifest.display()))
}

/// The manifest as cargo finds it: the given one, or the nearest one in `directory` or above.
///
/// # Errors
///
/// [`Usage`] if there is none.
pub fn manifest(directory: &Path, named: Option<&Path>) -> Result<PathBuf> {
    let Some(named) = named else {
        let nearest = directory.ancestors().map(|above| above.join("Cargo.toml"));
        let nearest = nearest.into_iter().find(|path| path.exists());
        return nearest.ok_or_else(|| {
            let directory = directory.display();
            Usage::new(format!(
                "there is no Cargo.toml in {directory} or above it: go to a crate, or name one with --manifest-path"
            ))
            .into()
        });
    };
    let path = directory.join(named);
    if !path.is_file() || !path.ends_with("Cargo.toml") {
        let why = match path {
            _ if path.join("Cargo.toml").is_file() => "is a directory: name the Cargo.toml in it",
            _ if !path.exists() => "does not exist: name the Cargo.toml of a crate",
            _ => "is not a Cargo.toml: name that of a crate",
        };
        let named = named.display().to_string();
        let named = named.escape_debug();
        return Err(Usage::new(format!("`--manifest-path {named}` {why}")).into());
    }
    // Resolves its directory rather than the file, which may be a link.
    let above = canonicalize(path.parent().unwrap_or(directory))?;
    Ok(above.join("Cargo.toml"))
}

fn packages(metadata: &Metadata) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.as_std_path();
        let version = package.rust_version.as_ref();
        packages.push(Package {
            name: package.name.to_string(),
            directory: canonicalize(manifest.parent().unwrap_or(manifest))?,
            description: package.description.clone(),
            repository: package.repository.clone(),
            rust_version: version.map(|version| (version.major, version.minor, version.patch)),
        });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn canonicalize(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("looking at {}", path.display()))
}
