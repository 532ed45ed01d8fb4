//! What a service is: one of the binaries of a crate, as templates see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::program::Protocol;

/// A binary that runs in production. Each field that may be missing is `None` where the service has no such thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// What it is called on a cluster: the project's name where it is the only one, else the binary's, as a DNS label.
    pub name: String,
    /// The directory of its own files below those of all services, with a slash; empty where it is the only one.
    pub directory: String,
    /// Its package.
    pub package: String,
    /// The library of that, as an identifier.
    pub ident: String,
    /// The binary.
    pub bin: String,
    /// The main file of that, below the workspace.
    pub main: Option<String>,
    /// The directory of its package below the workspace, with a slash; empty where that is the workspace's own.
    pub package_directory: String,
    /// Whether its package is the one that is written to.
    pub here: bool,
    /// The crates that its package takes itself, each with the part of its version that promises compatibility: `axum 0.8`.
    pub takes: Vec<String>,
    /// Its image, without a tag.
    pub image: String,
    /// What it speaks, where it listens.
    pub protocol: Protocol,
    /// Whether gRPC's health service answers.
    pub grpc_health: bool,
    /// The features without which cargo does not build it.
    pub features: Vec<String>,
    /// The environment variables that it reads.
    pub environment: Vec<Variable>,
    /// Where it listens.
    pub port: Option<u16>,
    /// The line of its sources that says so: `src/main.rs:12`.
    pub port_at: Option<String>,
    /// Where TLS ends in production: `pod` means the service itself, `ingress` what is before it.
    pub tls_at: Option<String>,
    /// The port for https, where that is the pod.
    pub tls_port: Option<u16>,
    /// The directory of `tls.crt` and `tls.key`, where that is the pod.
    pub tls_dir: Option<String>,
    /// The path that answers as long as the process lives.
    pub liveness: Option<String>,
    /// The path that answers while it can take requests.
    pub readiness: Option<String>,
    /// The path of its Prometheus metrics.
    pub metrics: Option<String>,
    /// The port that those have for themselves; none or 0 where they are served beside the rest.
    pub metrics_port: Option<u16>,
    /// The path of the document that describes its API.
    pub openapi: Option<String>,
    /// The arguments with which the binary checks its own health.
    pub health_args: Option<Vec<String>>,
    /// The arguments with which the binary brings its database to the state that it needs.
    pub migrate_args: Option<Vec<String>>,
    /// The file by which Docker Compose starts it with all that it stands on.
    pub compose_file: Option<String>,
    /// The directory of a chart that installs it.
    pub chart: Option<String>,
    /// The namespace that it runs in in production, where that is a cluster.
    pub namespace: Option<String>,
    /// Whether its requests are measured, as `http_requests_total` and `http_request_duration_seconds`.
    pub http_metrics: bool,
    /// Whether its process is measured, as `process_open_fds` and the like.
    pub process_metrics: bool,
    /// The directory of what watches it.
    pub monitoring: Option<String>,
    /// The page that says what to do when it is in trouble.
    pub runbook: Option<String>,
    /// For how many seconds readiness is red before the listener closes.
    pub drain_seconds: Option<u32>,
    /// How many seconds requests in flight may take after that.
    pub shutdown_seconds: Option<u32>,
    /// The signal that ends it, where that is not SIGTERM.
    pub stop_signal: Option<String>,
    /// The variable that selects the configuration layer.
    pub environment_variable: Option<String>,
    /// The directory of configuration that it reads at run time.
    pub config_dir: Option<String>,
    /// Whether it has settings that nobody may see.
    pub secrets: bool,
    /// The environment that its image sets.
    pub container_env: BTreeMap<String, String>,
}

/// An environment variable that a service reads.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What is taken where it is not set, and may be in production.
    pub default: Option<String>,
    /// What is taken where it is not set, and is for development alone.
    pub development: Option<String>,
    /// Whether its value is nobody else's business, by its name or by what the sources take in its place.
    pub secret: bool,
}
