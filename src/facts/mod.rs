//! What a crate is: as templates see it, and as it is found.
//!
//! [`inspection::inspect`] is the way in for a crate that exists. Each module has one kind of fact; what is known about other people's crates is
//! data, in the TOML files beside them.

pub mod builder;
pub mod choice;
pub mod configuration;
pub mod database;
pub mod disk;
pub mod files;
pub mod found;
pub mod graph;
pub mod inspection;
pub mod listening;
pub mod location;
pub mod origins;
pub mod package;
pub mod problems;
pub mod program;
pub mod routes;
pub mod settings;
pub mod source;
pub mod sources;
pub mod surroundings;
pub mod system;
pub mod toml;
pub mod workspace;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::answers::Answers;
use crate::catalog::{Component, Fact};
use crate::names;

/// What a crate is: the `crate` of the templates. Each is `None` where the crate has no such thing.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The package.
    pub name: String,
    /// The library, as an identifier.
    pub ident: String,
    /// The binary that is the service.
    pub bin: String,
    /// The edition.
    pub edition: String,
    /// The release of Rust that it is built with.
    pub toolchain: String,
    /// Where it listens.
    #[serde(default)]
    pub port: Option<u16>,
    /// Where TLS ends in production: `pod` means the service itself, `ingress` what is before it.
    #[serde(default)]
    pub tls_at: Option<String>,
    /// The port for https, where that is the pod.
    #[serde(default)]
    pub tls_port: Option<u16>,
    /// The directory of `tls.crt` and `tls.key`, where that is the pod.
    #[serde(default)]
    pub tls_dir: Option<String>,
    /// The path that answers as long as the process lives.
    #[serde(default)]
    pub liveness: Option<String>,
    /// The path that answers while it can take requests.
    #[serde(default)]
    pub readiness: Option<String>,
    /// The path of its Prometheus metrics.
    #[serde(default)]
    pub metrics: Option<String>,
    /// The port that those have for themselves; none or 0 where they are served beside the rest.
    #[serde(default)]
    pub metrics_port: Option<u16>,
    /// The path of the document that describes its API.
    #[serde(default)]
    pub openapi: Option<String>,
    /// The arguments with which the binary checks its own health.
    #[serde(default)]
    pub health_args: Option<Vec<String>>,
    /// The arguments with which the binary brings its database to the state that it needs.
    #[serde(default)]
    pub migrate_args: Option<Vec<String>>,
    /// For how many seconds readiness is red before the listener closes.
    #[serde(default)]
    pub drain_seconds: Option<u32>,
    /// How many seconds requests in flight may take after that.
    #[serde(default)]
    pub shutdown_seconds: Option<u32>,
    /// The variable that selects the configuration layer.
    #[serde(default)]
    pub environment_variable: Option<String>,
    /// The directory of configuration that it reads at run time.
    #[serde(default)]
    pub config_dir: Option<String>,
    /// Whether it has settings that nobody may see.
    #[serde(default)]
    pub secrets: bool,
    /// The environment that its image sets.
    #[serde(default)]
    pub container_env: BTreeMap<String, String>,
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
        let mut facts = Map::new();
        for (key, value) in [
            ("name", name),
            ("ident", &names::ident(name)),
            ("bin", name),
            ("edition", "2024"),
            ("toolchain", toolchain),
        ] {
            facts.insert(key.to_owned(), Json::from(value));
        }
        for component in components {
            for (key, fact) in &component.facts {
                let value = match fact {
                    Fact::Value(value) => value.clone(),
                    Fact::Answer { answer } => {
                        let key = format!("{}.{answer}", component.name);
                        serde_json::to_value(
                            answers
                                .get(&key)
                                .with_context(|| format!("there is no answer `{key}`"))?,
                        )?
                    }
                };
                facts.insert(key.clone(), value);
            }
        }
        serde_json::from_value(Json::Object(facts))
            .context("reading the [facts] of the chosen components")
    }
}
