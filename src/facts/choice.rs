//! Selects the package and its binary: by the flags, by cargo's rules, or because only one is a candidate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cargo_metadata::{DependencyKind, Metadata, Package, Target, TargetKind};

use super::evidence::{Evidence, Found};
use super::toml::{TomlFile, display_path};
use crate::error::{Usage, did_you_mean, list_names};

/// Which crate to inspect.
#[derive(Clone, Debug, Default)]
pub struct CrateSpec {
    /// Its manifest; by default, the nearest one in the current directory or above.
    pub manifest_path: Option<PathBuf>,
    /// The package, in a workspace.
    pub package: Option<String>,
    /// The binary.
    pub bin: Option<String>,
    /// Files written by prodify, which are no evidence of the crate's own properties.
    pub written: BTreeSet<PathBuf>,
}

/// The selected package and binary.
#[derive(Debug)]
pub struct Choice<'m> {
    /// The package, and why it was selected.
    pub package: Found<&'m Package>,
    /// The binary, and why it was selected.
    pub bin: Found<&'m Target>,
}

/// The selection, as far as it can be made.
enum Match<'m, T> {
    One(Found<T>),
    Several(AmbiguousBins<'m>),
}

/// Binaries of which several may run in production, if nothing says which ones do.
#[derive(Debug)]
pub struct AmbiguousBins<'m> {
    /// Each with its package.
    pub bins: Vec<(&'m Package, &'m Target)>,
    /// Why it is ambiguous, and how to specify it.
    why: String,
}

/// Selects the package and the binary; `serves` tells whether a dependency makes a package a server.
///
/// # Errors
///
/// If what was requested does not exist, or if there are several candidates, which are then listed.
pub fn choose<'m>(
    metadata: &'m Metadata,
    manifest: &Path,
    spec: &CrateSpec,
    serves: impl Fn(&str) -> bool,
) -> Result<Choice<'m>> {
    match resolve(metadata, manifest, spec, serves)? {
        Ok(choice) => Ok(choice),
        Err(several) => Err(Usage::new(several.why).into()),
    }
}

/// The binaries among which the user has to choose; none if the choice is clear.
///
/// # Errors
///
/// If what was requested does not exist.
pub fn candidates<'m>(
    metadata: &'m Metadata,
    manifest: &Path,
    spec: &CrateSpec,
    serves: impl Fn(&str) -> bool,
) -> Result<Vec<(&'m Package, &'m Target)>> {
    let found = resolve(metadata, manifest, spec, serves)?;
    Ok(found.err().map(|several| several.bins).unwrap_or_default())
}

fn resolve<'m>(
    metadata: &'m Metadata,
    manifest: &Path,
    spec: &CrateSpec,
    serves: impl Fn(&str) -> bool,
) -> Result<Result<Choice<'m>, AmbiguousBins<'m>>> {
    let package = match package(metadata, manifest, spec, serves)? {
        Match::One(package) => package,
        Match::Several(several) => return Ok(Err(several)),
    };
    Ok(match bin(metadata, package.value, spec.bin.as_deref())? {
        Match::One(bin) => Ok(Choice { package, bin }),
        Match::Several(several) => Err(several),
    })
}

/// The binaries of a package, in cargo's order, without examples, tests and benches.
pub fn bins(package: &Package) -> impl Iterator<Item = &Target> {
    package
        .targets
        .iter()
        .filter(|target| target.kind.contains(&TargetKind::Bin))
}

fn package<'m>(
    metadata: &'m Metadata,
    manifest: &Path,
    spec: &CrateSpec,
    serves: impl Fn(&str) -> bool,
) -> Result<Match<'m, &'m Package>> {
    let members = metadata.workspace_packages();
    if let Some(name) = &spec.package {
        let named = members.iter().find(|package| package.name == *name);
        return named.map_or_else(
            || Err(unknown_package("package", name, &members)),
            |package| {
                Ok(Match::One(Found::certain(
                    *package,
                    flag_evidence("--package", name),
                )))
            },
        );
    }
    let here = members
        .iter()
        .copied()
        .find(|package| is_same(package.manifest_path.as_std_path(), manifest));
    // A member stands for itself; only the workspace root may stand for one of its members.
    let is_alone = members.len() == 1
        || here.is_some_and(|package| !metadata.workspace_root.eq(&root_of(package)));
    if let Some(package) = here.filter(|package| is_alone || bins(package).next().is_some()) {
        let has_bin = |bin: &String| bins(package).any(|target| target.name == *bin);
        if is_alone || spec.bin.as_ref().is_none_or(has_bin) {
            let evidence = Evidence::file(&manifest_path(metadata, package), "the nearest one");
            return Ok(Match::One(Found::certain(package, evidence)));
        }
    }
    member(&members, spec, serves)
}

/// The member that is the service.
fn member<'m>(
    members: &[&'m Package],
    spec: &CrateSpec,
    serves: impl Fn(&str) -> bool,
) -> Result<Match<'m, &'m Package>> {
    let field = "packages[].targets";
    let mut with_bins: Vec<&Package> = members
        .iter()
        .copied()
        .filter(|package| bins(package).next().is_some())
        .collect();
    if let Some(bin) = &spec.bin {
        let all: Vec<String> = with_bins
            .iter()
            .flat_map(|package| bins(package))
            .map(|target| target.name.clone())
            .collect();
        with_bins.retain(|package| bins(package).any(|target| target.name == *bin));
        if with_bins.is_empty() {
            return Err(unknown_name("the workspace has no binary", bin, &all));
        }
        if let [package] = with_bins[..] {
            return Ok(Match::One(Found::certain(
                package,
                flag_evidence("--bin", bin),
            )));
        }
    }
    let servers: Vec<&Package> = with_bins
        .iter()
        .copied()
        .filter(|package| {
            let normal = |kind| kind == DependencyKind::Normal;
            package
                .dependencies
                .iter()
                .any(|dependency| normal(dependency.kind) && serves(&dependency.name))
        })
        .collect();
    match (&with_bins[..], &servers[..]) {
        ([], _) => {
            let message =
                "the workspace has no binary, and so nothing that could run in production";
            Err(Usage::new(message).into())
        }
        ([only], _) => {
            let evidence = Evidence::metadata(field, "the only package with a binary");
            Ok(Match::One(Found::certain(*only, evidence)))
        }
        (_, [only]) => {
            let says = "the only package with a binary that depends on a server's framework";
            let evidence = Evidence::metadata("packages[].dependencies", says);
            Ok(Match::One(Found::likely(*only, evidence)))
        }
        (_, several) => {
            let several = if several.is_empty() {
                &with_bins
            } else {
                several
            };
            let why = format!(
                "the workspace has {} packages that could be the service: {}; name one with --package, or its binary with --bin, which `add` accepts more than once",
                several.len(),
                list_names(several.iter().map(|package| package.name.as_str()))
            );
            let of = |package: &&'m Package| {
                let package = *package;
                bins(package).map(move |bin| (package, bin))
            };
            let bins = several.iter().flat_map(of).collect();
            Ok(Match::Several(AmbiguousBins { bins, why }))
        }
    }
}

fn bin<'m>(
    metadata: &Metadata,
    package: &'m Package,
    requested: Option<&str>,
) -> Result<Match<'m, &'m Target>> {
    let bins: Vec<&Target> = bins(package).collect();
    let names: Vec<String> = bins.iter().map(|bin| bin.name.clone()).collect();
    let named = |name: &str| bins.iter().copied().find(|bin| bin.name == name);
    if let Some(name) = requested {
        let what = format!("package `{}` has no binary", package.name);
        return named(name).map_or_else(
            || Err(unknown_name(&what, name, &names)),
            |bin| {
                Ok(Match::One(Found::certain(
                    bin,
                    flag_evidence("--bin", name),
                )))
            },
        );
    }
    let manifest = TomlFile::read(
        package.manifest_path.as_std_path(),
        metadata.workspace_root.as_std_path(),
    )?;
    if let Some(bin) = package.default_run.as_deref().and_then(named) {
        let line = manifest.and_then(|manifest| manifest.evidence(&["package", "default-run"]));
        let field = || Evidence::metadata("packages[].default_run", &bin.name);
        return Ok(Match::One(Found::certain(bin, line.unwrap_or_else(field))));
    }
    let field = "packages[].targets";
    match (&bins[..], named(&package.name)) {
        ([], _) => {
            let members = metadata.workspace_packages();
            let others = members
                .iter()
                .any(|other| self::bins(other).next().is_some());
            let hint = if others {
                "; name another one with --package"
            } else {
                ""
            };
            Err(Usage::new(format!(
                "package `{}` has no binary, and so nothing that could run in production{hint}",
                package.name
            ))
            .into())
        }
        ([only], _) => {
            let evidence = Evidence::metadata(field, "its only binary");
            Ok(Match::One(Found::certain(*only, evidence)))
        }
        (_, Some(bin)) => {
            let says = format!("of {} binaries the one with the package's name", bins.len());
            let evidence = Evidence::metadata(field, says);
            Ok(Match::One(Found::likely(bin, evidence)))
        }
        (_, None) => {
            let why = format!(
                "package `{}` has {} binaries and no `default-run`: {}; name one with --bin, which `add` accepts more than once",
                package.name,
                bins.len(),
                list_names(names.iter().map(String::as_str))
            );
            let bins = bins.into_iter().map(|bin| (package, bin)).collect();
            Ok(Match::Several(AmbiguousBins { bins, why }))
        }
    }
}

fn flag_evidence(flag: &str, name: &str) -> Evidence {
    Evidence::argument(format!("{flag} {name}"))
}

fn unknown_package(kind: &str, name: &str, members: &[&Package]) -> anyhow::Error {
    let names: Vec<String> = members
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    unknown_name(&format!("the workspace has no {kind}"), name, &names)
}

/// `what` and the unknown name, with similar names or, if there are none, with all.
fn unknown_name(what: &str, name: &str, names: &[String]) -> anyhow::Error {
    let mut near = did_you_mean(name, names.iter().map(String::as_str));
    if near.is_empty() && !names.is_empty() {
        near = format!(
            "; there is {}",
            list_names(names.iter().map(String::as_str))
        );
    }
    Usage::new(format!("{what} `{name}`{near}")).into()
}

fn root_of(package: &Package) -> PathBuf {
    package
        .manifest_path
        .parent()
        .map(|directory| directory.as_std_path().to_owned())
        .unwrap_or_default()
}

fn manifest_path(metadata: &Metadata, package: &Package) -> String {
    display_path(
        package.manifest_path.as_std_path(),
        metadata.workspace_root.as_std_path(),
    )
}

/// Whether two paths are the same file; cargo may have resolved a link that the caller did not.
fn is_same(a: &Path, b: &Path) -> bool {
    a == b
        || a.canonicalize()
            .is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}
