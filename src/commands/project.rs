//! The project that a command works on: a package or a workspace root, and what prodify wrote there before.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

use super::records::{self, Record};
use super::wizard;
use crate::apply::Lock;
use crate::catalog::{Component, ProjectKind, Scope, Value};
use crate::cli;
use crate::draft::ExistingCrate;
use crate::error::{Usage, list_names};
use crate::facts::choice::CrateSpec;
use crate::facts::inspection::{self, Inspection};
use crate::facts::location::{Location, RequestedCrate};
use crate::facts::{disk, surroundings, template_facts};
use crate::manifest;
use crate::names;
use crate::prompt::Prompt;
use crate::provenance;
use crate::vcs;

/// The manifest of a package or a workspace.
pub(super) const MANIFEST: &str = "Cargo.toml";

/// The files that select a workspace's toolchain.
const TOOLCHAIN: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// A directory that components are added to or removed from: a workspace root, or a package in the workspace.
pub(super) struct Project {
    /// Absolute, without links.
    pub(super) root: PathBuf,
    /// As the user would type it.
    pub(super) display_path: String,
    /// The workspace that it belongs to.
    pub(super) location: Location,
    /// The root of its git repository.
    pub(super) repository: Option<PathBuf>,
    /// What was written there before.
    pub(super) record: Record,
    /// The binaries that run in production, if specified.
    pub(super) bins: Vec<String>,
    /// The requested package.
    package: Option<String>,
    /// Keeps other runs from writing there, if this one does.
    _lock: Option<Lock>,
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It only reads.
    Read,
    /// It writes, and keeps others from writing meanwhile.
    Write,
}

impl Purpose {
    /// For writing, unless it only shows what would be written.
    pub(super) fn from_preview(preview: &cli::Preview) -> Self {
        match preview.is_dry() {
            true => Self::Read,
            false => Self::Write,
        }
    }

    /// Locks the directory if the run is going to write.
    ///
    /// # Errors
    ///
    /// As [`Lock::acquire`].
    pub(super) fn lock(self, directory: &Path) -> Result<Option<Lock>> {
        let writes = self == Self::Write;
        writes.then(|| Lock::acquire(directory)).transpose()
    }
}

impl Project {
    /// The directory for components of these scopes: the package, or the workspace root.
    ///
    /// # Errors
    ///
    /// [`Usage`] if the crate is ambiguous, or if they belong in different directories; otherwise if cargo cannot load the crate,
    /// if another run is writing there, or if the record cannot be read.
    pub(super) fn find(
        subject: &cli::Subject,
        components: &[&Component],
        purpose: Purpose,
    ) -> Result<Self> {
        Self::at(subject, purpose, |location| root_for(location, components))
    }

    /// The directory that was written to before: the package, or else the workspace root.
    ///
    /// # Errors
    ///
    /// [`Usage`] if there is none; otherwise as [`Project::find`].
    pub(super) fn written(subject: &cli::Subject, purpose: Purpose) -> Result<Self> {
        Self::at(subject, purpose, |location| {
            // In the root of a workspace with a single package, that package is not meant.
            let here = location.manifest.parent().map(Path::to_owned);
            let here = here.filter(|_| subject.package.is_none());
            let package = location.package().map(|package| package.directory.clone());
            let mut places: Vec<PathBuf> = here.into_iter().chain(package).collect();
            places.push(location.workspace.clone());
            places.dedup();
            written_root(&places)
        })
    }

    fn at(
        subject: &cli::Subject,
        purpose: Purpose,
        root: impl FnOnce(&Location) -> Result<PathBuf>,
    ) -> Result<Self> {
        let directory = env::current_dir().context("finding the current directory")?;
        let directory = fs::canonicalize(&directory).context("finding the current directory")?;
        let requested = RequestedCrate {
            manifest: subject.manifest_path.as_deref(),
            package: subject.package.as_deref(),
        };
        let location = Location::find(&directory, requested)?;
        let root = root(&location)?;
        // From here on, what is read cannot change until this run is done.
        let lock = purpose.lock(&root)?;
        let record = Record::read(&root)?;
        check_name(&record, &location, &root)?;
        let recorded = record.answers_file.bins.clone();
        let project = Self {
            display_path: relative_path(&directory, &root),
            repository: surroundings::repository(&root),
            bins: Vec::new(),
            package: subject.package.clone(),
            record,
            location,
            root,
            _lock: lock,
        };
        Ok(project.with_bins(&recorded))
    }

    /// Adds these binaries to those that were written for before, without duplicates.
    pub(super) fn with_bins(mut self, bins: &[String]) -> Self {
        for bin in bins {
            if !self.bins.contains(bin) {
                self.bins.push(bin.clone());
            }
        }
        self
    }

    /// The kind of crate that components are selected for.
    ///
    /// # Errors
    ///
    /// As [`Record::created_by_new`].
    pub(super) fn kind(&self) -> Result<ProjectKind> {
        let mut packages = self.location.packages.iter();
        Ok(if self.record.created_by_new()? {
            ProjectKind::Created
        } else if packages.any(|package| package.directory == self.root) {
            ProjectKind::Existing
        } else {
            ProjectKind::Workspace
        })
    }

    /// The present components.
    pub(super) fn components(&self) -> &[String] {
        self.record
            .answers_file
            .components
            .as_deref()
            .unwrap_or_default()
    }

    /// The widest scope of which this is the root.
    pub(super) fn widest(&self) -> Scope {
        match &self.repository {
            _ if self.root != self.location.workspace => Scope::Package,
            Some(top) if *top != self.root => Scope::Workspace,
            _ => Scope::Repository,
        }
    }

    /// The project's name: the recorded one, its package's, or its directory's.
    ///
    /// # Errors
    ///
    /// [`Usage`] for a workspace of several packages in a directory whose name is not valid.
    pub(super) fn name(&self) -> Result<String> {
        if let Some(name) = &self.record.answers_file.name {
            return Ok(name.clone());
        }
        let packages = &self.location.packages;
        if let Some(package) = packages
            .iter()
            .find(|package| package.directory == self.root)
        {
            return Ok(package.name.clone());
        }
        let own = self.root.file_name().unwrap_or_default().to_string_lossy();
        if names::check_package(&own).is_ok() {
            return Ok(own.into_owned());
        }
        let package = self.location.package().map(|package| package.name.clone());
        package.ok_or_else(|| {
            let packages = packages.iter().map(|package| &*package.name);
            Usage::new(format!(
                "the workspace at {} has several packages: choose with --package the one to name the project after ({})",
                self.display_path,
                list_names(packages)
            ))
            .into()
        })
    }

    /// The manifest of the surrounding workspace; none if this is the workspace itself.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub(super) fn workspace_manifest(&self) -> Result<Option<String>> {
        let workspace = &self.location.workspace;
        if *workspace == self.root {
            return Ok(None);
        }
        records::read_text(workspace, MANIFEST)
    }

    /// Inspects its services; if it is not specified which of several they are, asks the user.
    ///
    /// # Errors
    ///
    /// As [`inspection::inspect_in`], or if the answer was interrupted.
    pub(super) fn inspect(&self, prompt: Option<&mut dyn Prompt>) -> Result<Vec<Inspection>> {
        let Location {
            metadata, manifest, ..
        } = &self.location;
        let spec = CrateSpec {
            manifest_path: None,
            package: self.package.clone(),
            bin: None,
            written: self.written_files()?,
        };
        let asked = match prompt {
            Some(prompt) if self.bins.is_empty() => {
                let candidates = inspection::candidates(metadata, manifest, &spec)?;
                wizard::bins(prompt, &candidates)?
            }
            _ => Vec::new(),
        };
        let bins = if asked.is_empty() { &self.bins } else { &asked };
        let services: Result<Vec<_>> = match &bins[..] {
            [] => inspection::inspect_in(metadata, manifest, &spec).map(|only| vec![only]),
            bins => bins
                .iter()
                .map(|bin| self.inspect_bin(bin, &spec))
                .collect(),
        };
        let mut services = services?;
        // prodify's own manifest entries are no evidence of the crate's.
        let is_written = |name: &&str| self.record.base.files.contains_key(*name);
        if TOOLCHAIN.iter().any(is_written) {
            for service in &mut services {
                service.workspace.toolchain = None;
            }
        }
        Ok(services)
    }

    /// The files that prodify added there, and to packages of the workspace: not those of a package created by `new`, which has
    /// no others.
    ///
    /// # Errors
    ///
    /// As [`Record::read`].
    pub(super) fn written_files(&self) -> Result<BTreeSet<PathBuf>> {
        let mut files: BTreeSet<PathBuf> = self.record.added_files(&self.root)?.collect();
        let packages = self.location.packages.iter();
        for package in packages.filter(|package| package.directory != self.root) {
            let record = Record::read(&package.directory)?;
            files.extend(record.added_files(&package.directory)?);
        }
        Ok(files)
    }

    /// Facts from its manifests and from the inspection of its services.
    ///
    /// # Errors
    ///
    /// As [`template_facts::from_inspections`].
    pub(super) fn existing_crate(
        &self,
        toolchain: &str,
        services: &[Inspection],
    ) -> Result<ExistingCrate> {
        let mut existing = ExistingCrate::default();
        // At least what the most demanding package requires.
        let versions = self
            .location
            .packages
            .iter()
            .filter_map(|package| package.rust_version);
        let needed = versions
            .max()
            .filter(|needed| parse_release(toolchain).is_none_or(|it| it < *needed));
        let needed = needed.map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"));
        let toolchain = needed.unwrap_or_else(|| toolchain.to_owned());
        existing.facts = template_facts::from_inspections(&self.name()?, &toolchain, services)?;
        let packages = &self.location.packages;
        let own = packages
            .iter()
            .find(|package| package.directory == self.root);
        for service in &mut existing.facts.services {
            service.here = own.is_some_and(|own| own.name == service.package);
        }
        if let Some(branch) = vcs::branch(&self.root) {
            let key = "project.branch".to_owned();
            existing.answers.insert(key, Value::Text(branch));
        }
        if let Some(package) = self.location.package().or(own) {
            let answered_by_manifest = [
                ("project.description", &package.description),
                ("project.repository", &package.repository),
            ];
            let answered_by_manifest = answered_by_manifest
                .into_iter()
                .filter_map(|(key, text)| Some((key, text.clone()?)));
            existing.answers.extend(
                answered_by_manifest.map(|(key, text)| (key.to_owned(), Value::Text(text))),
            );
        }
        Ok(existing)
    }

    /// Inspects one of its binaries: those listed in prodify.toml are the same wherever they are read from.
    fn inspect_bin(&self, bin: &String, spec: &CrateSpec) -> Result<Inspection> {
        let (manifest, package) = match self.record.answers_file.bins.contains(bin) {
            true => (&self.root.join(MANIFEST), None),
            false => (&self.location.manifest, spec.package.clone()),
        };
        let spec = CrateSpec {
            package,
            bin: Some(bin.clone()),
            ..spec.clone()
        };
        inspection::inspect_in(&self.location.metadata, manifest, &spec)
    }
}

/// Checks whether the project's name in prodify.toml is valid: as that of an existing package, or of a new one.
///
/// # Errors
///
/// [`Usage`] if it is not.
fn check_name(record: &Record, location: &Location, root: &Path) -> Result<()> {
    let Some(name) = &record.answers_file.name else {
        return Ok(());
    };
    let mut packages = location.packages.iter();
    let is_theirs = !record.created_by_new()? && packages.any(|package| package.name == *name);
    let fits = names::check_package(name);
    match fits.err().filter(|_| !is_theirs) {
        None => Ok(()),
        Some(why) => Err(Usage::new(format!(
            "in {}: `project.name` cannot be `{name}`: it {why}",
            root.join(provenance::ANSWERS).display()
        ))
        .into()),
    }
}

/// Whether manifest entries define a package, rather than only add to one.
pub(super) fn is_package(entries: &str) -> Result<bool> {
    Ok(manifest::value(entries, "package.name")?.is_some())
}

fn root_for(location: &Location, components: &[&Component]) -> Result<PathBuf> {
    let package = location.package().map(|package| &package.directory);
    let of_package = components
        .iter()
        .find(|component| component.scope == Scope::Package);
    let of_workspace = components
        .iter()
        .find(|component| component.scope > Scope::Package);
    match (of_package, of_workspace) {
        (None, _) => Ok(location.workspace.clone()),
        (Some(component), _) if package.is_none() => {
            let packages = location.packages.iter().map(|package| &*package.name);
            Err(Usage::new(format!(
                "`{}` belongs to a package: choose one with --package ({})",
                component.name,
                list_names(packages)
            ))
            .into())
        }
        (Some(one), Some(other)) if package != Some(&location.workspace) => Err(Usage::new(format!(
            "`{}` belongs to the package and `{}` to the root of the workspace: add or remove them one after the other",
            one.name, other.name
        ))
        .into()),
        (Some(_), _) => Ok(package.unwrap_or(&location.workspace).clone()),
    }
}

/// The first directory that was written to.
fn written_root(places: &[PathBuf]) -> Result<PathBuf> {
    let has_record = |place: &&PathBuf| {
        let records = [provenance::ANSWERS, provenance::BASE];
        records.iter().any(|record| place.join(record).is_file()) || disk::was_interrupted(place)
    };
    if let Some(root) = places.iter().find(has_record) {
        return Ok(root.clone());
    }
    let places = places.iter().map(|place| place.display().to_string());
    let places: Vec<String> = places.collect();
    Err(Usage::new(format!(
        "cargo prodify wrote nothing there: {} has no {}",
        places.join(" or "),
        provenance::ANSWERS
    ))
    .into())
}

/// A directory's path as typed in another directory.
fn relative_path(from: &Path, to: &Path) -> String {
    if let Ok(below) = to.strip_prefix(from) {
        return match below.display().to_string() {
            here if here.is_empty() => ".".to_owned(),
            below => below,
        };
    }
    match from.strip_prefix(to) {
        Ok(above) => vec![".."; above.components().count()].join("/"),
        Err(_) => to.display().to_string(),
    }
}

fn parse_release(toolchain: &str) -> Option<(u64, u64, u64)> {
    let mut numbers = toolchain.split('.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some((next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{parse_release, relative_path};

    #[test]
    fn relative_path_is_what_a_user_would_type() {
        let show = |from: &str, to: &str| relative_path(Path::new(from), Path::new(to));
        assert_eq!(show("/a/b", "/a/b"), ".");
        assert_eq!(show("/a/b", "/a"), "..");
        assert_eq!(show("/a/b/c", "/a"), "../..");
        assert_eq!(show("/a", "/a/b/c"), "b/c");
        assert_eq!(show("/a/b", "/c"), "/c");
    }

    #[test]
    fn parses_a_release_of_three_numbers() {
        assert_eq!(parse_release("1.95.0"), Some((1, 95, 0)));
        assert_eq!(parse_release("stable"), None);
    }
}
