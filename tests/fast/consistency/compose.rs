//! What Docker Compose starts agrees with the other files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Project, for_each_project, setting_keys};

/// The name of a variable in compose.yaml, with its default.
type Variables = BTreeMap<String, String>;

/// A project's compose.yaml, with all variables replaced by their defaults.
struct Compose {
    document: Value,
    variables: Variables,
}

impl Compose {
    fn parse(project: &Project) -> Option<Self> {
        let (text, variables) = interpolate(project.text("compose.yaml")?);
        let document = serde_norway::from_str(&text).unwrap();
        Some(Self {
            document,
            variables,
        })
    }

    fn services(&self) -> BTreeMap<&str, &Value> {
        entries(&self.document["services"])
    }

    fn app(&self) -> &Value {
        &self.document["services"]["app"]
    }

    /// The service's environment.
    fn environment(&self) -> BTreeMap<&str, &Value> {
        entries(&self.app()["environment"])
    }
}

/// Replaces every `${NAME:-default}` by its default; also returns those.
fn interpolate(text: &str) -> (String, Variables) {
    let mut pieces = text.split("${");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    let mut variables = Variables::new();
    for piece in pieces {
        let (variable, rest) = piece.split_once('}').unwrap();
        let (name, default) = variable.split_once(":-").unwrap();
        plain.push_str(default);
        plain.push_str(rest);
        let before = variables.insert(name.to_owned(), default.to_owned());
        assert!(before.is_none_or(|before| before == default), "{name}");
    }
    assert!(!plain.contains('$'), "{plain}");
    (plain, variables)
}

fn entries(mapping: &Value) -> BTreeMap<&str, &Value> {
    let entries = mapping.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.as_str(), value)).collect()
}

fn strings(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|item| item.as_str().unwrap()).collect()
}

/// The ports of a service: on the host, and in its container. None is reachable from other machines.
fn ports(service: &Value) -> Vec<(&str, &str)> {
    let ports = strings(&service["ports"]).into_iter();
    ports
        .map(|port| {
            let port = port.strip_prefix("127.0.0.1:").unwrap();
            port.split_once(':').unwrap()
        })
        .collect()
}

fn for_each_compose(check: impl Fn(&Project, &Compose)) {
    for_each_project(|project| {
        if let Some(compose) = Compose::parse(project) {
            check(project, &compose);
        }
    });
}

#[test]
fn container_listens_on_its_published_ports() {
    for_each_compose(|project, compose| {
        let inside: Vec<&str> = ports(compose.app()).iter().map(|(_, port)| *port).collect();
        assert_eq!(
            inside,
            project.instructions("EXPOSE"),
            "{}",
            project.selection
        );
        let mut taken = BTreeSet::new();
        for (name, service) in compose.services() {
            for (outside, _) in ports(service) {
                assert!(
                    taken.insert(outside.to_owned()),
                    "{}: {name} takes {outside} a second time",
                    project.selection
                );
            }
        }
    });
}

#[test]
fn container_is_restricted_like_the_pod() {
    for_each_compose(|project, compose| {
        let services = compose.services();
        let built = services
            .iter()
            .filter(|(_, service)| !service["build"].is_null());
        for (name, service) in built {
            let place = format!("{}: {name}", project.selection);
            assert_eq!(service["image"], compose.app()["image"], "{place}");
            assert_eq!(
                service["environment"],
                compose.app()["environment"],
                "{place}"
            );
            // The image's own user, which is also the pod's.
            assert!(service["user"].is_null(), "{place}");
            assert_eq!(service["read_only"], true, "{place}");
            assert_eq!(strings(&service["cap_drop"]), ["ALL"], "{place}");
            assert_eq!(
                strings(&service["security_opt"]),
                ["no-new-privileges:true"],
                "{place}"
            );
        }
        if let Some(deployment) = project.object("Deployment") {
            let image = &deployment["spec"]["template"]["spec"]["containers"][0]["image"];
            let name = |image: &Value| image.as_str()?.split(':').next().map(str::to_owned);
            assert_eq!(name(&compose.app()["image"]), name(image));
            let pod = &deployment["spec"]["template"]["spec"];
            assert_eq!(
                compose.app()["stop_grace_period"],
                format!("{}s", pod["terminationGracePeriodSeconds"])
            );
        }
    });
}

#[test]
fn environment_is_read_and_names_existing_services() {
    for_each_compose(|project, compose| {
        let keys = setting_keys(project);
        for (name, value) in compose.environment() {
            let read = match name.strip_prefix("APP__") {
                Some(key) => keys.contains(&key.to_lowercase().replace("__", ".")),
                None => project.sources().contains(&format!("\"{name}\"")),
            };
            assert!(
                read || !project.tree.contains_key("src/main.rs"),
                "{}: nothing reads {name}",
                project.selection
            );
            let value = value.as_str().unwrap();
            let Some((_, address)) = value.split_once("://") else {
                continue;
            };
            let address = address.rsplit('@').next().unwrap().split('/').next();
            let (host, port) = address.unwrap().split_once(':').unwrap();
            let services = compose.services();
            let service = services.get(host);
            assert!(
                service.is_some_and(|service| ports(service).iter().any(|(_, it)| *it == port)),
                "{}: {name} is {value}",
                project.selection
            );
        }
    });
}

#[test]
fn development_config_uses_servers_that_compose_starts() {
    for_each_compose(|project, compose| {
        let Some(config) = project.toml("config/development.toml") else {
            return;
        };
        for (table, variable, service) in [
            ("database", "APP__DATABASE__URL", "db"),
            ("cache", "APP__CACHE__URL", "redis"),
        ] {
            let Some(url) = config.get(table).and_then(|table| table["url"].as_str()) else {
                continue;
            };
            let environment = compose.environment();
            let inside = environment[variable].as_str().unwrap();
            let services = compose.services();
            let (outside, within) = ports(services[service])[0];
            let expected = ["localhost", "127.0.0.1"].map(|host| {
                inside.replace(&format!("{service}:{within}"), &format!("{host}:{outside}"))
            });
            assert!(
                expected.contains(&url.to_owned()),
                "{}: {url}",
                project.selection
            );
            assert_eq!(
                config[table]["hint"].as_str(),
                Some(&*format!("docker compose up --detach {service}"))
            );
        }
    });
}

#[test]
fn env_example_has_every_variable_with_its_default() {
    for_each_compose(|project, compose| {
        let Some(example) = project.text(".env.example") else {
            assert!(compose.variables.is_empty(), "{}", project.selection);
            return;
        };
        let lines = example.lines().filter(|line| !line.starts_with('#'));
        let example: Variables = lines
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(example, compose.variables, "{}", project.selection);
    });
}

#[test]
fn dependencies_can_become_ready_and_volumes_are_declared() {
    for_each_compose(|project, compose| {
        let services = compose.services();
        let mut mounted = BTreeSet::new();
        for (name, service) in &services {
            for (other, wait) in entries(&service["depends_on"]) {
                let place = format!("{}: {name} waits for {other}", project.selection);
                let other = services[other];
                let possible = match wait["condition"].as_str().unwrap() {
                    "service_healthy" => !other["healthcheck"]["test"].is_null(),
                    "service_completed_successfully" => {
                        // A subcommand: clap derives its name from the variant's.
                        let command = strings(&other["command"]).concat();
                        let begin = command[..1].to_uppercase();
                        let variant = format!("    {begin}{},\n", &command[1..]);
                        project.text("src/cli.rs").unwrap().contains(&variant)
                    }
                    condition => condition == "service_started",
                };
                assert!(possible, "{place}");
            }
            for volume in strings(&service["volumes"]) {
                let (source, target) = volume.split_once(':').unwrap();
                // Something on the host.
                if source.starts_with('/') {
                    continue;
                }
                match source.strip_prefix("./") {
                    Some(path) => assert!(
                        target.ends_with(":ro")
                            && project
                                .tree
                                .iter()
                                .any(|(file, _)| file.as_str().starts_with(path)),
                        "{}: {volume}",
                        project.selection
                    ),
                    None => assert!(mounted.insert(source.to_owned()), "{volume}"),
                }
            }
        }
        let volumes = entries(&compose.document["volumes"]);
        let volumes: BTreeSet<String> = volumes.keys().map(|name| (*name).to_owned()).collect();
        assert_eq!(volumes, mounted, "{}", project.selection);
    });
}
