//! From what was found out about a crate that exists to what templates see of it.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use anyhow::Result;

use super::configuration;
use super::found::{Evidence, Found};
use super::inspection::Inspection;
use super::program::{Kinds, ProgramKind, Signal};
use super::secret::is_secret;
use super::service::{Service, Variable};
use super::{Facts, building};
use crate::names;

/// Variables that the system sets, and not who deploys the service.
const SYSTEM: [&str; 8] = [
    "HOME", "HOSTNAME", "LANG", "PATH", "PWD", "TMPDIR", "TZ", "USER",
];

/// What templates see of a crate, whose services these are; it is built with `toolchain` where it asks for no release itself.
///
/// # Errors
///
/// Where the data is broken, which a test rules out.
pub fn facts(project: &str, toolchain: &str, services: &[Inspection]) -> Result<Facts> {
    let Some(first) = services.first() else {
        return Ok(Facts {
            existing: true,
            toolchain: toolchain.to_owned(),
            ..Facts::default()
        });
    };
    let asked_for = first.workspace.toolchain.as_ref();
    let release = asked_for.filter(|channel| is_release(&channel.value));
    let kinds = Kinds::embedded()?;
    let mut seen: Vec<Service> = services
        .iter()
        .map(|inspection| service(inspection, &kinds))
        .collect();
    seen.sort_by(|a, b| a.name.cmp(&b.name));
    match &mut seen[..] {
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
        services: seen,
        build: building::build(services, first),
    })
}

/// `1.88` or `1.88.0`, and not `stable` or `nightly-2026-01-01`.
fn is_release(channel: &str) -> bool {
    let numbers: Vec<&str> = channel.split('.').collect();
    let number = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&numbers.len()) && numbers.iter().all(number)
}

fn service(inspection: &Inspection, kinds: &Kinds) -> Service {
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
        container_env: reachable(inspection, kinds),
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
        Variable {
            name: name.clone(),
            // What stands in the sources for development is no secret, and no value for production either.
            default: default.clone().filter(|_| !secret),
            secret,
        }
    });
    variables.collect()
}

/// The environment in which it listens on more than the loopback interface, where that takes any.
fn reachable(inspection: &Inspection, kinds: &Kinds) -> BTreeMap<String, String> {
    let listening = &inspection.listening;
    let mut set = BTreeMap::new();
    for framework in &inspection.program.frameworks {
        if let Some(known) = kinds.frameworks.get(&framework.value.name) {
            set.extend(known.reachable.clone());
        }
    }
    for found in &inspection.configuration.environment {
        let Some(default) = &found.value.default else {
            continue;
        };
        // A database may be expected on the same interface: what counts is the port, or that it is the very same place.
        let port = listening.port.as_ref().map(|port| port.value);
        let host = listening.host.as_ref();
        let here = host.is_some_and(|host| {
            let places = |place| {
                found
                    .evidence
                    .iter()
                    .any(|evidence| evidence.place == place)
            };
            host.evidence
                .iter()
                .any(|evidence| places(evidence.place.clone()))
        });
        let outside = match default.replace("localhost", "127.0.0.1").parse() {
            Ok(SocketAddr::V4(at)) if at.ip().is_loopback() && Some(at.port()) == port => {
                Some(format!("0.0.0.0:{}", at.port()))
            }
            Ok(SocketAddr::V6(at)) if at.ip().is_loopback() && Some(at.port()) == port => {
                Some(format!("[::]:{}", at.port()))
            }
            _ if here && is_loopback(default) => Some("0.0.0.0".to_owned()),
            _ => None,
        };
        set.extend(outside.map(|outside| (found.value.name.clone(), outside)));
    }
    set
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|it: IpAddr| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{is_loopback, is_release};

    #[test]
    fn a_release_is_a_channel_of_numbers() {
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
    fn the_loopback_interface_has_several_names() {
        assert!(
            ["localhost", "127.0.0.1", "127.1.2.3", "::1"]
                .into_iter()
                .all(is_loopback)
        );
        assert!(!["0.0.0.0", "::", "db", ""].into_iter().any(is_loopback));
    }
}
