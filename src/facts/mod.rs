//! What a crate is: as templates see it, and as it is found.
//!
//! [`Facts`] is what templates see. [`inspection::inspect`] is the way in for a crate that exists, and [`seen`] leads from what is found
//! there to those. Each other module has one kind of fact; what is known about other people's crates is data, in the TOML files beside
//! them.

pub mod builder;
mod building;
pub mod choice;
pub mod configuration;
pub mod database;
pub mod disk;
mod fallback;
pub mod files;
pub mod found;
pub mod graph;
pub mod inspection;
pub mod listening;
pub mod location;
pub mod members;
pub mod origins;
pub mod package;
pub mod problems;
pub mod program;
mod reachable;
pub mod routes;
pub mod said;
mod secret;
pub mod secret_files;
pub mod seen;
pub mod service;
pub mod settings;
pub mod source;
pub mod sources;
pub mod surroundings;
pub mod system;
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

/// What a crate is: the `crate` of the templates, beside what its first service is, or the one that a file is about.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Facts {
    /// Whether it was there before prodify.
    pub existing: bool,
    /// The edition.
    pub edition: String,
    /// The release of Rust that it is built with.
    pub toolchain: String,
    /// What runs in production: one or more binaries, in the order of their names.
    pub services: Vec<Service>,
    /// How it is built, where it was there before.
    #[serde(flatten)]
    pub build: Build,
}

/// What is to be known of a crate that exists to build it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Build {
    /// Whether its packages are several, so that cargo has to be told which of them to build.
    pub several_packages: bool,
    /// Packages of Debian that compiling takes.
    pub build_packages: Vec<String>,
    /// Packages of Debian that running takes.
    pub run_packages: Vec<String>,
    /// The target that cargo's configuration names: what is built for it has a directory of its own.
    pub target: Option<String>,
    /// The directory below the workspace that developers build into, where that is not `target`.
    pub target_directory: Option<String>,
    /// Environment that compiling takes.
    pub build_env: BTreeMap<String, String>,
    /// Files and directories that the services read.
    pub files: Vec<Carried>,
    /// Files that hold secrets, and that no image carries.
    pub secret_files: SecretFiles,
    /// Where its dependencies are from, beside crates.io and the members of its workspace.
    pub sources: Vec<origins::Source>,
    /// Dependencies that lie outside of the workspace.
    pub outside: Vec<Outside>,
    /// Whether there is a Cargo.lock.
    pub locked: bool,
    /// Whether git tracks it.
    pub lock_committed: bool,
    /// The file that says which toolchain it takes.
    pub toolchain_file: Option<String>,
    /// The engines of the databases that it uses: `postgres`, `redis`.
    pub databases: Vec<String>,
}

/// A dependency that lies where a checkout of the workspace does not hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outside {
    /// The dependency.
    pub name: String,
    /// Its directory.
    pub place: String,
    /// The line that asks for it.
    pub asked_for: String,
}

/// A file or directory that an image carries.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Carried {
    /// Its path below the workspace.
    pub from: String,
    /// Its path below the directory that the service runs in.
    pub to: String,
}

impl Facts {
    /// The facts of a crate that is about to be made of `components`, in their order.
    ///
    /// # Errors
    ///
    /// Where a component gives a fact that there is not, or of the wrong type.
    pub fn of_new(
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
        service.extend(given(components, answers, None)?);
        let service = serde_json::from_value(Json::Object(service))
            .context("reading the [facts] of the chosen components")?;
        Ok(Self {
            edition: "2024".to_owned(),
            toolchain: toolchain.to_owned(),
            services: vec![service],
            ..Self::default()
        })
    }

    /// With what `components` make of the services of the package that they are added to.
    ///
    /// # Errors
    ///
    /// As [`Facts::of_new`].
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
            for (key, value) in given(components, answers, Some(&service.takes))? {
                // Of a map, what is there stays, and what is given is added.
                match (whole.get_mut(&key), value) {
                    (Some(Json::Object(there)), Json::Object(more)) => there.extend(more),
                    (_, value) => drop(whole.insert(key, value)),
                }
            }
            *service = serde_json::from_value(Json::Object(whole))
                .context("reading the [facts] of the chosen components")?;
            if let Some(directory) = &service.config_dir {
                let carried = service.package_directory.clone() + directory;
                self.build.files.retain(|file| file.from != carried);
            }
        }
        Ok(self)
    }

    /// With the images that the answers name: one for each service, which is called after it where there are several.
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

/// What the components say that a service is; a later one's word wins. `taken` are its dependencies, where it is there already.
fn given(
    components: &[&Component],
    answers: &Answers,
    taken: Option<&[String]>,
) -> Result<Map<String, Json>> {
    let mut given = Map::new();
    for component in components {
        for (key, fact) in &component.facts {
            let value = match fact {
                Fact::Value(value) => value.clone(),
                Fact::Taken { takes } => {
                    let is_taken = |name| taken.is_none_or(|taken| taken.contains(name));
                    Json::Bool(takes.iter().any(is_taken))
                }
                Fact::Answer { answer } => {
                    let key = format!("{}.{answer}", component.name);
                    let answer = answers.get(&key);
                    serde_json::to_value(
                        answer.with_context(|| format!("there is no answer `{key}`"))?,
                    )?
                }
            };
            given.insert(key.clone(), value);
        }
    }
    Ok(given)
}
