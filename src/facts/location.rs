//! Where a crate is that exists already, as cargo sees it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::error::{Usage, did_you_mean};

/// A workspace, and the package in it that is meant; a package on its own is a workspace of one.
#[derive(Debug)]
pub struct Location {
    /// The manifest that cargo was asked about.
    pub manifest: PathBuf,
    /// What it answered.
    pub metadata: Metadata,
    /// The directory of the manifest whose profiles, lock file and members count.
    pub workspace: PathBuf,
    /// The packages of the workspace, in the order of their names.
    pub packages: Vec<Package>,
    /// The one that is meant, where that is one.
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
    /// The oldest release of Rust that it takes: major, minor, patch.
    pub rust_version: Option<(u64, u64, u64)>,
}

/// Which crate is meant.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// `--manifest-path`
    pub manifest: Option<&'a Path>,
    /// `--package`
    pub package: Option<&'a str>,
}

impl Location {
    /// Asks cargo, from `directory`; it neither resolves dependencies nor uses the network.
    ///
    /// # Errors
    ///
    /// [`Usage`] where there is no manifest, or no package of that name; otherwise what cargo has to say of a manifest that it
    /// cannot load.
    pub fn find(directory: &Path, wanted: Wanted<'_>) -> Result<Self> {
        let manifest = manifest(directory, wanted.manifest)?;
        let metadata = ask_cargo(&manifest)?;
        let mut location = Self {
            workspace: real(metadata.workspace_root.as_std_path())?,
            packages: packages(&metadata)?,
            chosen: None,
            metadata,
            manifest,
        };
        let here = location.manifest.parent().unwrap_or(directory);
        location.chosen = match wanted.package {
            Some(name) => Some(location.named(name)?),
            None => location.at(here),
        };
        Ok(location)
    }

    /// The package that is meant.
    pub fn package(&self) -> Option<&Package> {
        self.packages.get(self.chosen?)
    }

    fn named(&self, name: &str) -> Result<usize> {
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

    /// The package of a directory, or the only one there is.
    fn at(&self, directory: &Path) -> Option<usize> {
        let here = self
            .packages
            .iter()
            .position(|package| package.directory == directory);
        here.or((self.packages.len() == 1).then_some(0))
    }
}

/// What cargo knows of the workspace of a manifest: without its dependencies, which would take the package cache's lock, write
/// a Cargo.lock, and need every crate on the disk.
///
/// # Errors
///
/// Where cargo cannot load it; the words are cargo's.
pub fn ask_cargo(manifest: &Path) -> Result<Metadata> {
    let asked = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec();
    let asked = asked.map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            let said = stderr.trim_end();
            anyhow::Error::msg(said.strip_prefix("error: ").unwrap_or(said).to_owned())
        }
        error => error.into(),
    });
    asked.with_context(|| format!("asking cargo about {}", manifest.display()))
}

/// The manifest that is meant, as cargo looks for it: the one that is named, or the nearest one upward.
///
/// # Errors
///
/// [`Usage`] where there is none.
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
            _ => "is no Cargo.toml: name that of a crate",
        };
        let named = named.display().to_string();
        let named = named.escape_debug();
        return Err(Usage::new(format!("`--manifest-path {named}` {why}")).into());
    }
    // Its directory and not itself, which may be a link.
    let above = real(path.parent().unwrap_or(directory))?;
    Ok(above.join("Cargo.toml"))
}

fn packages(metadata: &Metadata) -> Result<Vec<Package>> {
    let mut packages = Vec::new();
    for package in metadata.workspace_packages() {
        let manifest = package.manifest_path.as_std_path();
        let version = package.rust_version.as_ref();
        packages.push(Package {
            name: package.name.to_string(),
            directory: real(manifest.parent().unwrap_or(manifest))?,
            description: package.description.clone(),
            repository: package.repository.clone(),
            rust_version: version.map(|version| (version.major, version.minor, version.patch)),
        });
    }
    packages.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(packages)
}

fn real(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).with_context(|| format!("looking at {}", path.display()))
}
