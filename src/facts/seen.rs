//! From what was found out about a crate that exists to what templates see of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::Result;

use super::builder::Builder;
use super::configuration;
use super::files::When;
use super::found::{Evidence, Found};
use super::inspection::Inspection;
use super::origins::SourceKind;
use super::program::{Kinds, ProgramKind, Signal};
use super::service::{Service, Variable};
use super::{Build, Carried, Facts, Outside};
use crate::names;

/// Words in the name of a variable whose value is a secret, or has one in it.
const SECRET: [&str; 10] = [
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "TOKEN",
    "KEY",
    "CREDENTIAL",
    "DSN",
    "DATABASE_URL",
    "REDIS_URL",
    "AMQP_URL",
];

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
        build: build(services, first),
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
        let secret = SECRET.iter().any(|word| name.contains(word));
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

/// What all of them together take to be built, and to run.
fn build(services: &[Inspection], first: &Inspection) -> Build {
    let all = |packages: &dyn Fn(&Inspection) -> Vec<String>| -> Vec<String> {
        let all: BTreeSet<String> = services.iter().flat_map(packages).collect();
        all.into_iter().collect()
    };
    let values = |found: &[Found<String>]| found.iter().map(|it| it.value.clone()).collect();
    let workspace = &first.workspace;
    let top = Path::new(&workspace.root);
    let mut sources = services
        .iter()
        .flat_map(|inspection| &inspection.package.sources)
        .map(|source| source.value.clone())
        .collect::<Vec<_>>();
    sources.sort();
    sources.dedup();
    let lies_apart = |kind| matches!(kind, SourceKind::Member | SourceKind::Path);
    let several_packages =
        workspace.members.len() > 1 || sources.iter().any(|source| lies_apart(source.kind));
    sources.retain(|source| source.kind != SourceKind::Member);
    let checked = |inspection: &Inspection| {
        let database = &inspection.database;
        database.checked_queries.is_some() && database.offline_data.is_some()
    };
    let mut build_env = configured(&first.builder);
    if services.iter().any(checked) {
        build_env.insert("SQLX_OFFLINE".to_owned(), "true".to_owned());
    }
    Build {
        several_packages,
        build_packages: all(&|inspection| {
            let tools = inspection.builder.tools.iter();
            let tools = tools.flat_map(|tool| tool.value.packages.clone());
            let libraries: Vec<String> = values(&inspection.system.build);
            libraries.into_iter().chain(tools).collect()
        }),
        run_packages: all(&|inspection| values(&inspection.system.run)),
        target: (first.builder.target.as_ref()).map(|target| target.value.clone()),
        target_directory: (first.builder.target_directory.as_ref())
            .filter(|directory| is_plain_and_below(&directory.value))
            .map(|directory| directory.value.clone()),
        build_env,
        files: carried(services, top),
        sources,
        outside: outside(services),
        locked: workspace.lock.is_some(),
        lock_committed: (workspace.lock.as_ref())
            .is_some_and(|lock| lock.value.tracked != Some(false)),
        toolchain_file: (workspace.toolchain.iter())
            .flat_map(|channel| &channel.evidence)
            .find_map(|evidence| evidence.in_file())
            .filter(|path| !path.contains('/'))
            .map(str::to_owned),
        databases: all(&|inspection| values(&inspection.database.engines)),
    }
}

/// The environment that overrules what cargo's configuration says of the machine that it was written for.
fn configured(builder: &Builder) -> BTreeMap<String, String> {
    let wrappers = builder.wrappers.iter();
    // Empty, it stands for none.
    let mut set: BTreeMap<String, String> = wrappers
        .map(|wrapper| (wrapper.value.variable.to_owned(), String::new()))
        .collect();
    if builder.target_directory.is_some() {
        set.insert("CARGO_TARGET_DIR".to_owned(), "target".to_owned());
    }
    set
}

/// Whether a path is one below the workspace that can stand in a list of paths as it is.
fn is_plain_and_below(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    path.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
        && path.chars().all(plain)
        && path.split('/').all(|part| !matches!(part, "." | ".."))
}

/// What the services are built from, and no checkout of the workspace holds; each once.
fn outside(services: &[Inspection]) -> Vec<Outside> {
    let mut outside: Vec<Outside> = Vec::new();
    for found in services.iter().flat_map(|it| &it.package.sources) {
        let source = &found.value;
        let is_known = outside.iter().any(|known| known.name == source.name);
        if source.kind == SourceKind::Outside && !is_known {
            let asked_for = found.evidence.first();
            outside.push(Outside {
                name: source.name.clone(),
                place: source.place.clone(),
                asked_for: asked_for.map_or_else(String::new, |it| it.place.to_string()),
            });
        }
    }
    outside
}

/// What the services read when they run, and is there: what git is likely to hold, and no file of secrets.
fn carried(services: &[Inspection], top: &Path) -> Vec<Carried> {
    let mut carried = BTreeSet::new();
    for inspection in services {
        let manifest = Path::new(&inspection.package.manifest);
        let package = manifest.parent().unwrap_or(Path::new(""));
        for asset in &inspection.files {
            if let (When::Run, Some(place)) = (asset.value.when, &asset.value.place) {
                carried.extend(carry(place, &asset.value.path));
            }
        }
        let migrations = inspection.database.migrations.iter();
        for migrations in migrations.filter(|it| it.value.when == Some(When::Run)) {
            if let Some(place) = &migrations.value.path {
                let below = Path::new(place).strip_prefix(package);
                let below = below.map_or_else(|_| place.clone(), |it| it.display().to_string());
                carried.extend(carry(place, &below));
            }
        }
        for file in &inspection.configuration.files {
            // `config/default` stands for a file of that name with any ending.
            let named = Path::new(&file.value);
            let there = named
                .ancestors()
                .take(2)
                .find(|path| !path.as_os_str().is_empty() && top.join(package).join(path).exists());
            if let Some(there) = there {
                let place = package.join(there);
                carried.extend(carry(&place.to_string_lossy(), &there.to_string_lossy()));
            }
        }
    }
    carried.into_iter().collect()
}

/// A path that a program names: only one below its directory can be carried.
fn carry(from: &str, named: &str) -> Option<Carried> {
    let to = named
        .strip_prefix("./")
        .unwrap_or(named)
        .trim_end_matches('/');
    let name = to.rsplit('/').next().unwrap_or(to);
    let is_secret = name == ".env" || name.starts_with(".env.");
    let is_below = !to.is_empty() && !to.starts_with('/') && to.split('/').all(|part| part != "..");
    (is_below && !is_secret).then(|| Carried {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{carry, is_loopback, is_plain_and_below, is_release};

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
    fn what_lies_below_is_carried_and_secrets_are_not() {
        let to = |named: &str| carry("a", named).map(|carried| carried.to);
        assert_eq!(to("./pages/").as_deref(), Some("pages"));
        assert_eq!(
            to("config/default.toml").as_deref(),
            Some("config/default.toml")
        );
        for other in [
            "/etc/x",
            "../x",
            "a/../../x",
            "",
            ".env",
            "config/.env.local",
        ] {
            assert_eq!(to(other), None, "{other}");
        }
    }

    #[test]
    fn only_a_path_below_is_left_out_of_an_image() {
        assert!(is_plain_and_below("out/build") && is_plain_and_below(".build"));
        for other in ["/tmp/target", "../target", "a/../..", ".", "my target", ""] {
            assert!(!is_plain_and_below(other), "{other}");
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
