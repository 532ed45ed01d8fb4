//! Converts the inspection of an existing crate into the facts that templates see.

use anyhow::Result;

use super::configuration;
use super::evidence::{Evidence, Found};
use super::inspection::Inspection;
use super::program::{ProgramKind, ProgramRules, Signal};
use super::secret::is_secret;
use super::service::{Service, Variable};
use super::{Facts, build, reachability};
use crate::names;

/// Variables that the system sets, rather than whoever deploys the service.
const SYSTEM: [&str; 8] = [
    "HOME", "HOSTNAME", "LANG", "PATH", "PWD", "TMPDIR", "TZ", "USER",
];

/// What templates see of a crate with these services; it is built with `toolchain` unless it selects a release itself.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn from_inspections(project: &str, toolchain: &str, services: &[Inspection]) -> Result<Facts> {
    let Some(first) = services.first() else {
        return Ok(Facts {
            existing: true,
            toolchain: toolchain.to_owned(),
            ..Facts::default()
        });
    };
    let asked_for = first.workspace.toolchain.as_ref();
    let release = asked_for.filter(|channel| is_release(&channel.value));
    let rules = ProgramRules::embedded()?;
    let mut services_seen: Vec<Service> = services
        .iter()
        .map(|inspection| service(inspection, &rules))
        .collect();
    services_seen.sort_by(|a, b| a.name.cmp(&b.name));
    match &mut services_seen[..] {
        [only] => only.name = names::slug(project),
        several => {
            for service in several {
                service.directory = format!("{}/", service.name);
            }
        }
    }
    Ok(Facts {
        existing: true,
        edition: first.package.edition.value.clone(),
        toolchain: release.map_or_else(|| toolchain.to_owned(), |release| release.value.clone()),
        services: services_seen,
        build: build::from_inspections(services, first)?,
    })
}

/// `1.88` or `1.88.0`, but not `stable` or `nightly-2026-01-01`.
fn is_release(channel: &str) -> bool {
    let numbers: Vec<&str> = channel.split('.').collect();
    let number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&numbers.len()) && numbers.iter().all(number)
}

fn service(inspection: &Inspection, rules: &ProgramRules) -> Service {
    let Inspection {
        package,
        program,
        listening,
        routes,
        ..
    } = inspection;
    let bin = &package.bin.value;
    let listens = program.kind.value == ProgramKind::Server;
    let environment = environment(inspection);
    let features = package.bins.iter().find(|found| found.value.name == *bin);
    let own = package
        .library
        .as_ref()
        .map(|library| library.value.clone());
    let value = |path: &Option<Found<String>>| path.as_ref().map(|path| path.value.clone());
    Service {
        name: names::slug(bin),
        package: package.name.value.clone(),
        package_directory: package.manifest.trim_end_matches("Cargo.toml").to_owned(),
        ident: own.unwrap_or_else(|| names::ident(&package.name.value)),
        bin: bin.clone(),
        protocol: program
            .frameworks
            .first()
            .map(|framework| framework.value.protocol)
            .unwrap_or_default(),
        grpc_health: routes.grpc_health.is_some(),
        main: features.map(|found| found.value.path.clone()),
        takes: package.takes.clone(),
        features: features
            .map(|found| found.value.required_features.clone())
            .unwrap_or_default(),
        port: (listening.port.as_ref())
            .filter(|_| listens)
            .map(|port| port.value),
        port_at: (listening.port.as_ref())
            .filter(|_| listens)
            .and_then(|port| port.evidence.iter().find_map(Evidence::source_line)),
        liveness: value(&routes.liveness),
        readiness: value(&routes.readiness),
        metrics: value(&routes.metrics),
        metrics_port: listening.metrics_port.as_ref().map(|port| port.value),
        secrets: environment.iter().any(|variable| variable.secret),
        stop_signal: (program.ends_at.as_ref())
            .filter(|signal| signal.value == Signal::Interrupt)
            .map(|signal| signal.value.to_string()),
        container_env: reachability::environment(inspection, rules),
        environment,
        ..Service::default()
    }
}

fn environment(inspection: &Inspection) -> Vec<Variable> {
    let read = inspection.configuration.environment.iter();
    let read = read.filter(|found| !SYSTEM.contains(&found.value.name.as_str()));
    let variables = read.map(|found| {
        let configuration::Variable { name, default, .. } = &found.value;
        let secret = is_secret(name, default.as_deref());
        // Development values in the sources are not secret, but not fit for production either.
        let default = default.clone().filter(|_| !secret);
        let (development, default) = if selects_development(name, default.as_deref()) {
            (default, None)
        } else {
            (None, default)
        };
        Variable {
            name: name.clone(),
            default,
            development,
            secret,
        }
    });
    variables.collect()
}

/// Whether a variable selects the program's environment, and defaults to that of developers: `APP_ENVIRONMENT` with `local`.
fn selects_development(name: &str, default: Option<&str>) -> bool {
    const LAST_WORDS: [&str; 5] = ["ENV", "ENVIRONMENT", "MODE", "PROFILE", "STAGE"];
    const DEVELOPMENT: [&str; 7] = [
        "debug",
        "dev",
        "devel",
        "develop",
        "development",
        "local",
        "test",
    ];
    let name = name.to_uppercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    let default = default.map(str::to_lowercase).unwrap_or_default();
    LAST_WORDS.contains(&last) && DEVELOPMENT.contains(&default.as_str())
}

#[cfg(test)]
mod tests {
    use super::{is_release, selects_development};

    #[test]
    fn releases_are_numeric_channels() {
        for release in ["1.88", "1.88.0"] {
            assert!(is_release(release), "{release}");
        }
        for other in [
            "stable",
            "nightly-2026-01-01",
            "1",
            "1.88.0-beta.1",
            "1..2",
            "",
        ] {
            assert!(!is_release(other), "{other}");
        }
    }

    #[test]
    fn recognizes_variables_that_select_development() {
        for (name, default) in [
            ("APP_ENVIRONMENT", "local"),
            ("RUST_ENV", "dev"),
            ("RUN_MODE", "Development"),
            ("PROFILE", "debug"),
        ] {
            assert!(selects_development(name, Some(default)), "{name}");
        }
        assert!(!selects_development("APP_ENVIRONMENT", Some("production")));
        assert!(!selects_development("APP_ENVIRONMENT", None));
        assert!(!selects_development("STORAGE", Some("local")));
    }
}
