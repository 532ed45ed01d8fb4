//! All facts about an existing crate, in one value.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use cargo_metadata::{DependencyKind, Metadata, Package as CargoPackage, Target, TargetKind};
use serde::Serialize;

use super::builder::{self, Builder};
use super::choice::{self, Choice, CrateSpec};
use super::configuration::{self, Configuration};
use super::database::{self, Database, DirectDependency};
use super::dependency_sources::{self, Source};
use super::evidence::{Certainty, Evidence, Found};
use super::files::{self, Asset, BaseDirectories};
use super::graph::{self, BuildTarget, LockFile, UpperBound};
use super::listening::{self, Listening};
use super::location;
use super::members::Members;
use super::overrides;
use super::package::{self, Manifests, Package, is_library};
use super::problems::{self, Problem};
use super::program::{self, Program, ProgramKind, ProgramRules};
use super::routes::{self, Routes};
use super::settings::Settings;
use super::source::{self, Root, Sources};
use super::system::{System, Table};
use super::toml::TomlFile;
use super::workspace::{self, Workspace};
use crate::versions;

/// The facts about a crate.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// The workspace.
    pub workspace: Workspace,
    /// The selected package.
    pub package: Package,
    /// What kind of program its binary is.
    pub program: Program,
    /// Where it listens.
    pub listening: Listening,
    /// The routes for the platform.
    pub routes: Routes,
    /// How it is configured.
    pub configuration: Configuration,
    /// The databases that it uses.
    pub database: Database,
    /// The files beside the sources that it reads.
    pub files: Vec<Found<Asset>>,
    /// Where it contains paths of the build machine.
    #[serde(skip)]
    pub build_machine_paths: Vec<Evidence>,
    /// The programs that it runs.
    pub programs: Vec<Found<String>>,
    /// The system packages that it needs.
    pub system: System,
    /// How the dependencies were determined.
    pub resolution: Found<Resolution>,
    /// What the builder needs.
    pub builder: Builder,
    /// Source files that could not be read, so that facts may be missing.
    pub unread: Vec<Found<String>>,
    /// What prevents running it in production.
    pub problems: Vec<Problem>,
}

/// How the dependencies of a binary were determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Resolved by cargo, with their features.
    Cargo,
    /// From Cargo.lock, which does not contain the features of registry crates.
    LockFile,
    /// The same, but Cargo.lock is out of date: the dependencies of crates that are missing from it are not known.
    StaleLockFile,
    /// From the manifests: transitive dependencies are not known.
    Manifests,
}

/// Inspects a crate, starting from a directory.
///
/// # Errors
///
/// If there is no crate, if cargo rejects it, or if it is ambiguous which package or binary is meant.
pub fn inspect(spec: &CrateSpec, directory: &Path) -> Result<Inspection> {
    let manifest = location::manifest(directory, spec.manifest_path.as_deref())?;
    inspect_in(&location::load_metadata(&manifest)?, &manifest, spec)
}

/// Inspects a crate in a workspace whose metadata was loaded for `manifest`.
///
/// # Errors
///
/// As [`inspect`].
pub fn inspect_in(metadata: &Metadata, manifest: &Path, spec: &CrateSpec) -> Result<Inspection> {
    let rules = ProgramRules::embedded()?;
    let choice = choice::choose(metadata, manifest, spec, |name| rules.serves(name))?;
    let top = metadata.workspace_root.as_std_path();
    let root = TomlFile::read(&top.join("Cargo.toml"), top)?
        .with_context(|| format!("there is no Cargo.toml in {}", top.display()))?;
    let members = Members::new(metadata);
    let uses = members.dependencies_of(choice.package.value);
    let manifests = Manifests {
        top,
        root: &root,
        uses: &uses,
    };
    let subject = Crate {
        choice: &choice,
        written: &spec.written,
        metadata,
        members: &members,
        manifests: &manifests,
    };
    subject.inspect(&rules)
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
) -> Result<Vec<(&'m CargoPackage, &'m Target)>> {
    let rules = ProgramRules::embedded()?;
    choice::candidates(metadata, manifest, spec, |name| rules.serves(name))
}

/// A crate that was selected, with its manifests.
struct Crate<'m> {
    choice: &'m Choice<'m>,
    written: &'m BTreeSet<PathBuf>,
    metadata: &'m Metadata,
    members: &'m Members<'m>,
    manifests: &'m Manifests<'m>,
}

impl Crate<'_> {
    fn inspect(&self, rules: &ProgramRules) -> Result<Inspection> {
        let Manifests { top, root, .. } = *self.manifests;
        let table = Table::embedded()?;
        let built_from = self.built_from(&table)?;
        let mut package = package::read(self.choice, self.manifests)?;
        dependency_sources::add_undeclared(&mut package.sources, built_from.sources);
        let directory = self.directory();
        let directories = BaseDirectories {
            top,
            package: &directory,
        };
        let sources = source::read(&self.roots(), top, self.written);
        let scripts = source::read(&self.scripts(), top, self.written);
        let dependencies = self.direct_dependencies()?;
        let direct = dependencies
            .iter()
            .map(|(name, dependency)| (name.clone(), dependency.evidence.clone()));
        let program = rules.classify(&direct.collect(), &sources);
        let (listening, routes) = self.server(rules, &program, &sources)?;
        let mut configuration = configuration::find(&sources, &scripts, &directory);
        if configuration.files.is_empty() {
            let takes = |name: &str| dependencies.contains_key(name);
            let read = Settings::embedded()?.directory(&directory, takes);
            configuration.files.extend(read);
        }
        let mut inspection = Inspection {
            workspace: workspace::read(self.metadata, self.members, root)?,
            package,
            program,
            listening,
            routes,
            configuration,
            database: database::find(&dependencies, &sources, &directories)?,
            files: files::find(&sources, &scripts, &directories, &dependencies)?,
            build_machine_paths: files::build_machine_paths(&sources, &dependencies)?,
            programs: program::started_programs(&sources),
            system: built_from.system,
            resolution: built_from.resolution,
            builder: builder::read(top, &table.linkers)?,
            unread: sources.unread,
            problems: Vec::new(),
        };
        let package = self.choice.package.value;
        let manifest = TomlFile::read(package.manifest_path.as_std_path(), top)?;
        overrides::apply(package, manifest.as_ref().unwrap_or(root), &mut inspection)?;
        inspection.problems = problems::find(&inspection, rules);
        Ok(inspection)
    }

    /// Where it listens and which routes it has, if it is a server.
    fn server(
        &self,
        rules: &ProgramRules,
        program: &Program,
        sources: &Sources,
    ) -> Result<(Listening, Routes)> {
        if program.kind.value != ProgramKind::Server {
            return Ok((Listening::default(), Routes::default()));
        }
        let mut listening = listening::find(sources);
        let is_guess = |port: &Found<u16>| port.certainty == Certainty::Guess;
        if listening.port.as_ref().is_none_or(is_guess) {
            let (directory, top) = (self.directory(), self.manifests.top);
            let port = Settings::embedded()?.port(&[&directory, top], top);
            listening.prefer(port);
        }
        rules.apply_default_port(program, &mut listening);
        Ok((listening, routes::find(sources)?))
    }

    fn directory(&self) -> PathBuf {
        let manifest = self.choice.package.value.manifest_path.as_std_path();
        manifest.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// The package, and the workspace members that it depends on.
    fn packages(&self) -> impl Iterator<Item = &CargoPackage> {
        let uses = self.manifests.uses.iter().copied();
        [self.choice.package.value].into_iter().chain(uses)
    }

    /// The main file of the binary, and the libraries that it may be built from.
    fn roots(&self) -> Vec<Root> {
        let main = Root::new(self.choice.package.value, self.choice.bin.value);
        [main].into_iter().chain(self.targets(is_library)).collect()
    }

    fn scripts(&self) -> Vec<Root> {
        self.targets(|target| target.kind.contains(&TargetKind::CustomBuild))
            .collect()
    }

    /// Targets of the package and of the members that it depends on.
    fn targets(&self, wanted: impl Fn(&Target) -> bool) -> impl Iterator<Item = Root> {
        self.packages().flat_map(move |package| {
            let targets = package.targets.iter().filter(|target| wanted(target));
            targets
                .map(|target| Root::new(package, target))
                .collect::<Vec<_>>()
        })
    }

    /// The direct dependencies of the package and of the members that it depends on.
    fn direct_dependencies(&self) -> Result<BTreeMap<String, DirectDependency>> {
        let mut dependencies: BTreeMap<String, DirectDependency> = BTreeMap::new();
        let on = self.build_target().features();
        for package in self.packages() {
            let file = TomlFile::read(package.manifest_path.as_std_path(), self.manifests.top)?;
            let manifest = file.as_ref().unwrap_or(self.manifests.root);
            let none = BTreeSet::new();
            let on = on.get(package.name.as_str()).unwrap_or(&none);
            let built = package.dependencies.iter().filter(|dependency| {
                dependency.kind == DependencyKind::Normal
                    && graph::is_built(dependency)
                    && graph::is_enabled(dependency, on)
            });
            for dependency in built {
                let evidence = || {
                    let evidence =
                        dependency_sources::declaration(dependency, manifest, self.manifests.root);
                    evidence.into_iter().next_back()
                };
                let known = dependencies
                    .entry(dependency.name.clone())
                    .or_insert_with(|| DirectDependency {
                        evidence: evidence().unwrap_or_else(|| {
                            Evidence::file(&manifest.display_path, &dependency.name)
                        }),
                        features: BTreeSet::new(),
                        by: BTreeSet::new(),
                        version: versions::lowest(&dependency.req),
                    });
                known.features.extend(dependency.features.iter().cloned());
                if dependency.uses_default_features {
                    known.features.insert("default".to_owned());
                }
                known
                    .features
                    .extend(self.features_of(package, &dependency.name, on));
                known.by.insert(package.name.to_string());
            }
        }
        Ok(dependencies)
    }

    /// The features of a dependency that features of the package enable: `sqlx/postgres`.
    fn features_of(
        &self,
        package: &CargoPackage,
        name: &str,
        on: &BTreeSet<String>,
    ) -> Vec<String> {
        let enabled = on
            .iter()
            .filter_map(|feature| package.features.get(feature))
            .flatten();
        let for_dependency = enabled.filter_map(|entry| {
            let (dependency, feature) = entry.split_once('/')?;
            (dependency.trim_end_matches('?') == name).then(|| feature.to_owned())
        });
        for_dependency.collect()
    }

    fn build_target(&self) -> BuildTarget<'_> {
        BuildTarget {
            package: self.choice.package.value,
            features: &self.choice.bin.value.required_features,
            members: self.members,
        }
    }

    /// The system packages that the dependencies need, and where the dependencies come from; cargo is only run if it may change
    /// the result.
    fn built_from(&self, table: &Table) -> Result<BuiltFrom> {
        let target = self.build_target();
        let lock = LockFile::read(self.manifests.top)?;
        let UpperBound { graph, unlocked } = target.upper_bound(lock.as_ref());
        let of_cargo = |resolution, says: String| {
            let evidence = Evidence::command("cargo tree --locked --offline", says);
            Found::certain(resolution, evidence)
        };
        let (resolution, graph) = if lock.is_none() {
            let evidence = Evidence::file("Cargo.toml", "there is no Cargo.lock beside it");
            (Found::certain(Resolution::Manifests, evidence), graph)
        } else if !unlocked.is_empty() {
            let names: Vec<String> = unlocked.iter().map(|name| format!("`{name}`")).collect();
            let says = format!("does not match the manifests: {}", names.join(", "));
            let evidence = Evidence::file("Cargo.lock", says);
            (Found::certain(Resolution::StaleLockFile, evidence), graph)
        } else if table.applies_to(&graph) {
            match graph::resolve_with_cargo(target.package, target.features) {
                Ok(exact) => {
                    let says = "which crates and features are built".to_owned();
                    (of_cargo(Resolution::Cargo, says), exact)
                }
                Err(error) => (of_cargo(Resolution::LockFile, format!("{error:#}")), graph),
            }
        } else {
            let says = "not run: no crate in Cargo.lock needs a system library".to_owned();
            (of_cargo(Resolution::LockFile, says), graph)
        };
        let lock = lock.as_ref();
        Ok(BuiltFrom {
            resolution,
            system: table.resolve(&graph, lock),
            sources: lock.map_or_else(Vec::new, |lock| {
                dependency_sources::from_lock_file(&graph, lock)
            }),
        })
    }
}

/// Facts about all dependencies of the binary.
struct BuiltFrom {
    resolution: Found<Resolution>,
    system: System,
    /// Those that are not from crates.io.
    sources: Vec<Found<Source>>,
}
