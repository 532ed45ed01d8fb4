//! The package: facts from its manifest.

use std::path::Path;

use anyhow::Result;
use cargo_metadata::{DependencyKind, Package as CargoPackage, Target, TargetKind};
use serde::Serialize;

use super::choice::{Choice, bins};
use super::dependency_sources::{self, Source};
use super::evidence::{Certainty, Evidence, Found};
use super::toml::{TomlFile, display_path};
use crate::versions;

/// The facts about a package.
#[derive(Debug, Serialize)]
pub struct Package {
    /// Its name.
    pub name: Found<String>,
    /// Its version.
    pub version: Found<String>,
    /// Its manifest, relative to the workspace.
    pub manifest: String,
    /// Its edition.
    pub edition: Found<String>,
    /// Its minimum supported Rust version, or none.
    pub rust_version: Option<Found<String>>,
    /// The identifier of its library, or none.
    pub library: Option<Found<String>>,
    /// Its binaries.
    pub bins: Vec<Found<Bin>>,
    /// The selected binary.
    pub bin: Found<String>,
    /// Its features, sorted, without `default`.
    pub features: Vec<Found<Feature>>,
    /// The build scripts of the package and of the members that it depends on.
    pub build_scripts: Vec<Found<String>>,
    /// Its dependencies, and those of the members that it depends on, that are not in a public registry.
    pub sources: Vec<Found<Source>>,
    /// Its direct normal dependencies, each with its semver-compatible version: `axum 0.8`.
    #[serde(skip)]
    pub takes: Vec<String>,
}

/// A binary.
#[derive(Debug, Serialize)]
pub struct Bin {
    /// Its name.
    pub name: String,
    /// Its main file, relative to the workspace.
    pub path: String,
    /// The features that it requires.
    pub required_features: Vec<String>,
}

/// A feature.
#[derive(Debug, Serialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// Whether it is on by default.
    pub default: bool,
}

/// Inputs besides cargo's metadata.
pub struct Manifests<'m> {
    /// The workspace root.
    pub top: &'m Path,
    /// The manifest there.
    pub root: &'m TomlFile,
    /// The members that the package depends on.
    pub uses: &'m [&'m CargoPackage],
}

/// Reads the facts.
///
/// # Errors
///
/// If a manifest cannot be read.
pub fn read(choice: &Choice<'_>, manifests: &Manifests<'_>) -> Result<Package> {
    let package = choice.package.value;
    let path = package.manifest_path.as_std_path();
    let Manifests { top, root, uses } = *manifests;
    let file = TomlFile::read(path, top)?;
    let manifest = file.as_ref().unwrap_or(root);
    let inherited = |key: &str| inherited(manifest, root, key);
    let edition = inherited("edition").unwrap_or_else(|| {
        vec![Evidence::file(
            &manifest.display_path,
            "no `edition`, which means 2015",
        )]
    });
    let bin = |target: &Target| {
        let says = display_path(target.src_path.as_std_path(), top);
        let bin = Bin {
            name: target.name.clone(),
            path: says.clone(),
            required_features: target.required_features.clone(),
        };
        Found::certain(bin, Evidence::metadata("packages[].targets", says))
    };
    let library = package.targets.iter().find(|target| is_library(target));
    Ok(Package {
        name: choice
            .package
            .clone()
            .map(|package| package.name.to_string()),
        version: certain(
            package.version.to_string(),
            inherited("version").unwrap_or_else(|| vec![field("version")]),
        ),
        manifest: manifest.display_path.clone(),
        edition: certain(package.edition.to_string(), edition),
        rust_version: package.rust_version.as_ref().map(|version| {
            let evidence = inherited("rust-version");
            certain(
                version.to_string(),
                evidence.unwrap_or_else(|| vec![field("rust_version")]),
            )
        }),
        library: library.map(|target| {
            let says = display_path(target.src_path.as_std_path(), top);
            let evidence = Evidence::metadata("packages[].targets", says);
            Found::certain(target.name.replace('-', "_"), evidence)
        }),
        bins: bins(package).map(bin).collect(),
        bin: choice.bin.clone().map(|target| target.name.clone()),
        features: features(package, manifest),
        build_scripts: build_scripts(package, uses, top),
        sources: dependency_sources::find(package, manifests)?,
        takes: takes(package),
    })
}

fn takes(package: &CargoPackage) -> Vec<String> {
    let dependencies = package.dependencies.iter();
    let dependencies = dependencies.filter(|dependency| dependency.kind == DependencyKind::Normal);
    dependencies
        .map(|dependency| {
            format!(
                "{} {}",
                dependency.name,
                versions::compatibility(&dependency.req)
            )
        })
        .collect()
}

/// Whether a target is its package's library.
pub fn is_library(target: &Target) -> bool {
    target.kind.iter().any(|kind| {
        let library = [TargetKind::Lib, TargetKind::RLib, TargetKind::ProcMacro];
        library.contains(kind)
    })
}

fn field(name: &str) -> Evidence {
    Evidence::metadata(format!("packages[].{name}"), name)
}

fn certain<T>(value: T, evidence: Vec<Evidence>) -> Found<T> {
    Found::new(value, Certainty::Certain, evidence)
}

/// The line of a key of `[package]`: in the manifest, or in the workspace's if it is inherited.
fn inherited(manifest: &TomlFile, root: &TomlFile, key: &str) -> Option<Vec<Evidence>> {
    let own = manifest.evidence(&["package", key])?;
    let above = manifest.get(&["package", key, "workspace"]).is_some();
    let above = above.then(|| root.evidence(&["workspace", "package", key]));
    Some(above.flatten().into_iter().chain([own]).collect())
}

fn features(package: &CargoPackage, manifest: &TomlFile) -> Vec<Found<Feature>> {
    let default = default_features(package);
    let names = package.features.keys().filter(|name| *name != "default");
    names
        .map(|name| {
            let feature = Feature {
                name: name.clone(),
                default: default.contains(name),
            };
            let line = manifest.evidence(&["features", name]);
            // An optional dependency is a feature without a line of its own.
            let line = line.or_else(|| manifest.evidence(&["dependencies", name]));
            Found::certain(feature, line.unwrap_or_else(|| field("features")))
        })
        .collect()
}

/// The features that `default` enables.
fn default_features(package: &CargoPackage) -> Vec<String> {
    let mut enabled = Vec::new();
    let mut open = vec!["default".to_owned()];
    while let Some(name) = open.pop() {
        if let Some(implied) = package.features.get(&name)
            && !enabled.contains(&name)
        {
            open.extend(implied.iter().cloned());
            enabled.push(name);
        }
    }
    enabled
}

fn build_scripts(package: &CargoPackage, uses: &[&CargoPackage], top: &Path) -> Vec<Found<String>> {
    let all = [package].into_iter().chain(uses.iter().copied());
    let scripts = all
        .flat_map(|package| &package.targets)
        .filter(|target| target.kind.contains(&TargetKind::CustomBuild));
    scripts
        .map(|target| {
            let path = display_path(target.src_path.as_std_path(), top);
            Found::certain(path.clone(), Evidence::metadata("packages[].targets", path))
        })
        .collect()
}
