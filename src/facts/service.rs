//! A service: one of the binaries of a crate, as templates see it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::program::Protocol;

/// A binary that runs in production. An optional field is `None` if the service has no such thing.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// Its name in a cluster: the project's if it is the only one, otherwise the binary's as a DNS label.
    pub name: String,
    /// The directory of its own files, with a slash, relative to that of all services; empty if it is the only one.
    pub directory: String,
    /// Its package.
    pub package: String,
    /// The identifier of the package's library.
    pub ident: String,
    /// The binary.
    pub bin: String,
    /// The binary's main file, relative to the workspace.
    pub main: Option<String>,
    /// The directory of its package relative to the workspace, with a slash; empty for the workspace root.
    pub package_directory: String,
    /// Whether its package is the one that is written to.
    pub here: bool,
    /// The direct dependencies of its package, each with its semver-compatible version: `axum 0.8`.
    pub takes: Vec<String>,
    /// Its image, without a tag.
    pub image: String,
    /// Its protocol, if it listens.
    pub protocol: Protocol,
    /// Whether it has a gRPC health service.
    pub grpc_health: bool,
    /// The features that it requires.
    pub features: Vec<String>,
    /// The environment variables that it reads.
    pub environment: Vec<Variable>,
    /// Where it listens.
    pub port: Option<u16>,
    /// The line of its sources that sets the port: `src/main.rs:12`.
    pub port_at: Option<String>,
    /// Where TLS terminates in production: `pod` means the service itself, `ingress` a proxy before it.
    pub tls_at: Option<String>,
    /// The HTTPS port, if TLS terminates in the pod.
    pub tls_port: Option<u16>,
    /// The directory of `tls.crt` and `tls.key`, if TLS terminates in the pod.
    pub tls_dir: Option<String>,
    /// The path that responds as long as the process is alive.
    pub liveness: Option<String>,
    /// The path that responds while it can take requests.
    pub readiness: Option<String>,
    /// The path of its Prometheus metrics.
    pub metrics: Option<String>,
    /// A separate port for metrics; none or 0 if they are served on the main port.
    pub metrics_port: Option<u16>,
    /// The path of the document that describes its API.
    pub openapi: Option<String>,
    /// The arguments with which the binary checks its own health.
    pub health_args: Option<Vec<String>>,
    /// The arguments with which the binary migrates its database.
    pub migrate_args: Option<Vec<String>>,
    /// The Compose file that starts it with its dependencies.
    pub compose_file: Option<String>,
    /// The directory of the Helm chart that installs it.
    pub chart: Option<String>,
    /// Its namespace in production, if that is a cluster.
    pub namespace: Option<String>,
    /// Whether its requests are measured, as `http_requests_total` and `http_request_duration_seconds`.
    pub http_metrics: bool,
    /// Whether its process is measured, as `process_open_fds` and the like.
    pub process_metrics: bool,
    /// The directory of its monitoring.
    pub monitoring: Option<String>,
    /// Its runbook's page.
    pub runbook: Option<String>,
    /// How many seconds it reports unready before the listener closes.
    pub drain_seconds: Option<u32>,
    /// How many seconds requests in flight may take after that.
    pub shutdown_seconds: Option<u32>,
    /// The signal that stops it, if that is not SIGTERM.
    pub stop_signal: Option<String>,
    /// The variable that selects the configuration layer.
    pub environment_variable: Option<String>,
    /// The directory of configuration that it reads at run time.
    pub config_dir: Option<String>,
    /// Whether it has secret settings.
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
    /// The default, if it may be used in production.
    pub default: Option<String>,
    /// The default, if it is only for development.
    pub development: Option<String>,
    /// Whether its value is secret, judging by its name or its default in the sources.
    pub secret: bool,
}
