//! Facts about a crate: as templates see them, and as they are found.
//!
//! [`Facts`] is what templates see. [`inspection::inspect`] is the entry point for an existing crate, and [`template_facts`] converts
//! its result into [`Facts`]. Every other module finds one kind of fact; what is known about published crates is data, in the TOML
//! files beside the modules.

mod build;
pub mod builder;
pub mod choice;
pub mod configuration;
pub mod database;
pub mod dependency_sources;
pub mod disk;
pub mod evidence;
mod fallback;
pub mod files;
pub mod graph;
pub mod inspection;
pub mod listening;
pub mod location;
pub mod members;
pub mod mentions;
pub mod overrides;
pub mod package;
pub mod problems;
pub mod program;
mod reachability;
pub mod routes;
mod secret;
pub mod secret_files;
pub mod service;
pub mod settings;
pub mod source;
pub mod surroundings;
pub mod system;
pub mod template_facts;
pub mod toml;
pub mod walk;
pub mod workspace;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use secret_files::SecretFiles;
pub use service::Service;

use crate::answers::Answers;
use crate::catalog::{Component, Fact};
use crate::names;

/// The facts about a crate: the `crate` of the templates, along with the fields of its first service, or of the one that a file
/// is for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// Whether it existed before prodify.
    pub existing: bool,
    /// The edition.
    pub edition: String,
    /// The Rust release that it is built with.
    pub toolchain: String,
    /// What runs in production: one or more binaries, by name.
    pub services: Vec<Service>,
    /// How it is built, if it existed before.
    #[serde(flatten)]
    pub build: Build,
}

/// How to build an existing crate.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Build {
    /// Whether it has several packages, so that cargo must be told which to build.
    pub several_packages: bool,
    /// Debian packages for compiling.
    pub build_packages: Vec<String>,
    /// Debian packages for running.
    pub run_packages: Vec<String>,
    /// The build target in cargo's configuration, which has its own directory for build output.
    pub target: Option<String>,
    /// The developers' target directory, relative to the workspace, if it is not `target`.
    pub target_directory: Option<String>,
    /// Environment for compiling.
    pub build_env: BTreeMap<String, String>,
    /// Files and directories that the services read.
    pub files: Vec<CarriedFile>,
    /// Files of secrets, which are left out of images.
    pub secret_files: SecretFiles,
    /// The sources of its dependencies, other than crates.io and the members of its workspace.
    pub sources: Vec<dependency_sources::Source>,
    /// Dependencies outside of the workspace.
    pub outside: Vec<OutsideDependency>,
    /// Whether there is a Cargo.lock.
    pub locked: bool,
    /// Whether git tracks it.
    pub lock_committed: bool,
    /// The file that selects its toolchain.
    pub toolchain_file: Option<String>,
    /// The engines of the databases that it uses: `postgres`, `redis`.
    pub databases: Vec<String>,
}

/// A dependency that is not part of a checkout of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutsideDependency {
    /// The dependency.
    pub name: String,
    /// Its directory.
    pub place: String,
    /// The line that declares it.
    pub asked_for: String,
}

/// A file or directory that an image carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CarriedFile {
    /// Its path relative to the workspace.
    pub from: String,
    /// Its path relative to the service's working directory.
    pub to: String,
}

impl Facts {
    /// The facts about a new crate with these `components`, in their order.
    ///
    /// # Errors
    ///
    /// If a component has an unknown fact, or one of the wrong type.
    pub fn for_new_crate(
        name: &str,
        toolchain: &str,
        components: &[&Component],
        answers: &Answers,
    ) -> Result<Self> {
        let mut service = Map::new();
        for (key, value) in [
            ("name", &*names::slug(name)),
            ("package", name),
            ("ident", &names::ident(name)),
            ("bin", name),
        ] {
            service.insert(key.to_owned(), Json::from(value));
        }
        if let Some(image) = answers.get("project.image") {
            service.insert("image".to_owned(), Json::from(image.to_string()));
        }
        service.extend(component_facts(components, answers, None)?);
        let service = serde_json::from_value(Json::Object(service))
            .context("reading the [facts] of the selected components")?;
        Ok(Self {
            edition: "2024".to_owned(),
            toolchain: toolchain.to_owned(),
            services: vec![service],
            ..Self::default()
        })
    }

    /// Adds the facts that `components` give to the services of the package that they are added to.
    ///
    /// # Errors
    ///
    /// As [`Facts::for_new_crate`].
    pub fn with_components(
        mut self,
        is_theirs: impl Fn(&Service) -> bool,
        components: &[&Component],
        answers: &Answers,
    ) -> Result<Self> {
        let theirs = self
            .services
            .iter_mut()
            .filter(|service| is_theirs(service));
        for service in theirs {
            let Json::Object(mut whole) = serde_json::to_value(&*service)? else {
                continue;
            };
            for (key, value) in component_facts(components, answers, Some(&service.takes))? {
                // Maps are merged: existing entries stay, and new ones are added.
                match (whole.get_mut(&key), value) {
                    (Some(Json::Object(there)), Json::Object(more)) => there.extend(more),
                    (_, value) => drop(whole.insert(key, value)),
                }
            }
            *service = serde_json::from_value(Json::Object(whole))
                .context("reading the [facts] of the selected components")?;
            if let Some(directory) = &service.config_dir {
                let carried = service.package_directory.clone() + directory;
                self.build.files.retain(|file| file.from != carried);
            }
        }
        Ok(self)
    }

    /// Adds the images from the answers: one per service, named after it if there are several.
    #[must_use]
    pub fn with_images(mut self, answers: &Answers) -> Self {
        let Some(image) = answers.get("project.image") else {
            return self;
        };
        let several = self.services.len() > 1;
        for service in &mut self.services {
            service.image = image.to_string();
            if several {
                service.image += &format!("-{}", service.name);
            }
        }
        self
    }
}

/// The components' facts about a service with these dependencies, or about a new one; a later component overrides earlier ones.
fn component_facts(
    components: &[&Component],
    answers: &Answers,
    dependencies: Option<&[String]>,
) -> Result<Map<String, Json>> {
    let mut facts = Map::new();
    for component in components {
        for (key, fact) in &component.facts {
            let value = match fact {
                Fact::Value(value) => value.clone(),
                Fact::DependsOn { takes } => {
                    let is_dependency =
                        |name| dependencies.is_none_or(|dependencies| dependencies.contains(name));
                    Json::Bool(takes.iter().any(is_dependency))
                }
                Fact::Answer { answer } => {
                    let key = format!("{}.{answer}", component.name);
                    let answer = answers.get(&key);
                    serde_json::to_value(
                        answer.with_context(|| format!("there is no answer `{key}`"))?,
                    )?
                }
            };
            facts.insert(key.clone(), value);
        }
    }
    Ok(facts)
}
