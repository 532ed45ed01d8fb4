//! Consistency of a project: a value that is decided once is the same in every file that contains it, in every selection.

mod cluster;
mod compose;
mod credentials;
mod dashboards;
mod monitoring;

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::sync::{LazyLock, OnceLock};

use cargo_prodify::catalog::Catalog;
use cargo_prodify::tree::Tree;
use serde::de::Deserialize as _;
use serde_json::Value;
use toml_edit::{DocumentMut, Item};

use crate::selections::covering_selections;
use crate::support::render;

/// Not the defaults, so that a hard-coded number is found.
const PORT: &str = "9123";
const METRICS_PORT: &str = "9234";
const TLS_PORT: &str = "9345";

struct Project {
    selection: String,
    tree: Tree,
    objects: OnceLock<Vec<Value>>,
}

impl Project {
    fn text(&self, path: &str) -> Option<&str> {
        self.tree.get(path).map(|file| file.text.as_str())
    }

    fn toml(&self, path: &str) -> Option<DocumentMut> {
        self.text(path).map(|text| text.parse().unwrap())
    }

    /// Every object of the Kubernetes base.
    fn objects(&self) -> &[Value] {
        self.objects.get_or_init(|| {
            let base = self.tree.iter().filter(|(path, _)| {
                let path = path.as_str();
                path.starts_with("k8s/base/") && !path.ends_with("kustomization.yaml")
            });
            base.flat_map(|(_, file)| {
                serde_norway::Deserializer::from_str(&file.text)
                    .map(|document| Value::deserialize(document).unwrap())
                    .collect::<Vec<_>>()
            })
            .collect()
        })
    }

    fn object(&self, kind: &str) -> Option<&Value> {
        self.objects().iter().find(|object| object["kind"] == kind)
    }

    fn sources(&self) -> String {
        self.tree
            .iter()
            .filter(|(path, _)| path.as_str().starts_with("src/"))
            .map(|(_, file)| file.text.as_str())
            .collect()
    }

    /// The instructions of one kind in the Dockerfile.
    fn instructions(&self, instruction: &str) -> Vec<&str> {
        let prefix = format!("{instruction} ");
        self.text("Dockerfile")
            .into_iter()
            .flat_map(str::lines)
            .filter_map(|line| line.trim_start().strip_prefix(prefix.as_str()))
            .collect()
    }
}

/// If set, all combinations of four components are covered instead of three, as in `tests/run`. Covering all selections would
/// take twice as long with every additional component.
const MORE_SELECTIONS: &str = "PRODIFY_TEST_MORE_SELECTIONS";

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::embedded().unwrap());

static SELECTIONS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
    let more = env::var_os(MORE_SELECTIONS).is_some();
    covering_selections(&CATALOG, if more { 4 } else { 3 })
});

/// All tests share the same ones, since rendering them takes longer than checking.
static PROJECTS: LazyLock<Vec<Project>> = LazyLock::new(|| projects(&[]).collect());

fn for_each_project(check: impl Fn(&Project)) {
    PROJECTS.iter().for_each(check);
}

/// One for each selection, with these answers if their component is selected.
fn projects(more: &[&str]) -> impl Iterator<Item = Project> {
    let ports = [
        format!("service.port={PORT}"),
        format!("telemetry.metrics-port={METRICS_PORT}"),
        format!("tls.port={TLS_PORT}"),
    ];
    SELECTIONS.iter().map(move |selection| {
        let answers = ports.iter().map(String::as_str).chain(more.iter().copied());
        let answers: Vec<&str> = answers
            .filter(|answer| selection.contains(&answer.split('.').next().unwrap()))
            .collect();
        Project {
            tree: render(&CATALOG, "orders", selection, &answers),
            selection: selection.join("+"),
            objects: OnceLock::new(),
        }
    })
}

#[test]
fn ports_are_the_same_everywhere() {
    for_each_project(|project| {
        let Project {
            selection, tree, ..
        } = project;
        for (path, file) in tree {
            assert!(
                ["8080", "9464", "8443"]
                    .iter()
                    .all(|port| !file.text.contains(port)),
                "{selection}: {path} has a port of its own"
            );
        }
        if !tree.contains_key("src/main.rs") {
            return;
        }
        let listens = project.toml("config/default.toml").map_or_else(
            || project.sources(),
            |config| config["server"]["port"].to_string(),
        );
        assert!(listens.contains(PORT), "{selection}");
        let has_metrics = tree.contains_key("src/telemetry/metrics.rs");
        let ports = if has_metrics {
            vec![PORT, METRICS_PORT]
        } else {
            vec![PORT]
        };
        if has_metrics {
            let listens = project.toml("config/default.toml").map_or_else(
                || project.sources(),
                |config| config["metrics"]["port"].to_string(),
            );
            assert!(listens.contains(METRICS_PORT), "{selection}");
        }
        if tree.contains_key("Dockerfile") {
            assert_eq!(project.instructions("EXPOSE"), ports, "{selection}");
        }
        if let Some(deployment) = project.object("Deployment") {
            let container = &deployment["spec"]["template"]["spec"]["containers"][0];
            let open: Vec<String> = container["ports"]
                .as_array()
                .unwrap()
                .iter()
                .map(|port| port["containerPort"].to_string())
                .collect();
            assert_eq!(open, ports, "{selection}");
            if has_metrics {
                assert_eq!(
                    deployment["spec"]["template"]["metadata"]["annotations"]["prometheus.io/port"],
                    METRICS_PORT,
                    "{selection}"
                );
            }
            let name = container["ports"][0]["name"].as_str().unwrap();
            for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
                assert_eq!(
                    container[probe]["httpGet"]["port"], name,
                    "{selection}: {probe}"
                );
            }
            assert_eq!(
                project.object("Service").unwrap()["spec"]["ports"][0]["targetPort"],
                name,
                "{selection}"
            );
            let policies = project.objects().iter().filter(|object| {
                object["kind"] == "NetworkPolicy" && object["metadata"]["name"] == "orders"
            });
            for policy in policies {
                let rules = policy["spec"]["ingress"].as_array().unwrap();
                let let_in: Vec<String> = rules
                    .iter()
                    .map(|rule| rule["ports"][0]["port"].to_string())
                    .collect();
                assert_eq!(let_in, ports, "{selection}");
            }
        }
    });
}

/// TLS that terminates in the pod: the certificate is mounted where the service reads it, and clients use the HTTPS port.
#[test]
fn tls_settings_are_the_same_everywhere() {
    projects(&["tls.at=pod"]).for_each(|project| {
        let Project {
            selection, tree, ..
        } = &project;
        if !tree.contains_key("src/tls.rs") {
            return;
        }
        let default = project.toml("config/default.toml").unwrap();
        assert_eq!(default["tls"]["port"].to_string().trim(), TLS_PORT);
        assert_eq!(default["tls"]["enabled"].as_bool(), Some(false));
        let production = project.toml("config/production.toml").unwrap();
        for config in [&production, &project.toml("config/staging.toml").unwrap()] {
            assert_eq!(config["tls"]["enabled"].as_bool(), Some(true));
        }
        if tree.contains_key("Dockerfile") {
            assert!(
                project.instructions("EXPOSE").contains(&TLS_PORT),
                "{selection}"
            );
        }
        let Some(deployment) = project.object("Deployment") else {
            return;
        };
        let pod = &deployment["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let port = container["ports"]
            .as_array()
            .unwrap()
            .iter()
            .find(|port| port["containerPort"] == TLS_PORT.parse::<u16>().unwrap())
            .unwrap();
        let service = project.object("Service").unwrap();
        assert_eq!(service["spec"]["ports"][0]["targetPort"], port["name"]);
        let ingress = project.object("Ingress").unwrap();
        let backend = &ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
        assert_eq!(backend["port"]["name"], service["spec"]["ports"][0]["name"]);
        let let_in = project
            .objects()
            .iter()
            .find(|object| {
                object["kind"] == "NetworkPolicy" && object["metadata"]["name"] == "orders"
            })
            .unwrap()["spec"]["ingress"][0]["ports"][0]["port"]
            .to_string();
        assert_eq!(let_in, TLS_PORT, "{selection}");

        let (mount, volume) = (&container["volumeMounts"][0], &pod["volumes"][0]);
        assert_eq!(mount["name"], volume["name"]);
        for key in ["certificate", "key"] {
            let path = production["tls"][key].as_str().unwrap();
            let directory = path.rsplit_once('/').unwrap().0;
            assert_eq!(mount["mountPath"], directory, "{selection}");
        }
        assert_eq!(
            volume["secret"]["secretName"],
            ingress["spec"]["tls"][0]["secretName"]
        );

        let transport = project.object("ServersTransport").unwrap();
        let metadata = |key: &str| transport["metadata"][key].as_str().unwrap();
        let staging = project.text("k8s/overlays/staging/kustomization.yaml");
        let staging: Value = serde_norway::from_str(staging.unwrap()).unwrap();
        for (namespace, text) in [
            (metadata("namespace"), service["metadata"].to_string()),
            (
                staging["namespace"].as_str().unwrap(),
                staging["patches"].to_string(),
            ),
        ] {
            let name = format!("{namespace}-{}@kubernetescrd", metadata("name"));
            assert!(text.contains(&name), "{selection}: {text}");
        }
        assert_eq!(
            transport["spec"]["serverName"],
            ingress["spec"]["rules"][0]["host"]
        );
    });
}

#[test]
fn probes_request_paths_that_the_service_has() {
    for_each_project(|project| {
        let Some(deployment) = project
            .object("Deployment")
            .filter(|_| project.tree.contains_key("src/main.rs"))
        else {
            return;
        };
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let path = container[probe]["httpGet"]["path"].as_str().unwrap();
            assert!(
                project.sources().contains(&format!("\"{path}\"")),
                "{}: {probe} asks for {path}",
                project.selection
            );
        }
    });
}

#[test]
fn grace_period_is_longer_than_the_shutdown() {
    for_each_project(|project| {
        let (Some(deployment), Some(config)) = (
            project.object("Deployment"),
            project.toml("config/production.toml"),
        ) else {
            return;
        };
        let grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
            .as_i64()
            .unwrap();
        let default = project.toml("config/default.toml").unwrap();
        let seconds = |key: &str| {
            config["server"]
                .get(key)
                .or(default["server"].get(key))
                .and_then(Item::as_integer)
                .unwrap()
        };
        assert!(
            grace > seconds("drain_seconds") + seconds("shutdown_seconds"),
            "{}",
            project.selection
        );
        assert!(
            seconds("drain_seconds") > 0,
            "{}: endpoints take a moment to go",
            project.selection
        );
    });
}

#[test]
fn image_stages_use_one_debian_suite_and_one_rust_release() {
    for_each_project(|project| {
        let stages = project.instructions("FROM");
        let [build, run] = stages[..] else {
            assert!(stages.is_empty(), "{}: {stages:?}", project.selection);
            return;
        };
        let catalog = Catalog::embedded().unwrap();
        let debian = &catalog.versions["images"]["debian"];
        let (suite, number) = (
            debian["suite"].as_str().unwrap(),
            debian["version"].to_string(),
        );
        assert!(build.contains(suite), "{build}");
        assert!(
            run.contains(suite) || run.contains(&format!("debian{}:", number.trim())),
            "{run}"
        );

        let release = catalog.versions["toolchain"]["channel"].as_str().unwrap();
        assert!(build.contains(&format!("rust:{release}-")), "{build}");
        if let Some(toolchain) = project.toml("rust-toolchain.toml") {
            assert_eq!(
                toolchain["toolchain"]["channel"].as_str(),
                Some(release),
                "{}",
                project.selection
            );
        }
        if let Some(manifest) = project
            .toml("Cargo.toml")
            .filter(|manifest| manifest.contains_key("package"))
        {
            assert_eq!(
                manifest["package"]["rust-version"].as_str(),
                Some(release),
                "{}",
                project.selection
            );
        }
    });
}

#[test]
fn image_and_pod_have_the_same_user() {
    for_each_project(|project| {
        let (Some(deployment), [.., user]) = (
            project.object("Deployment"),
            &project.instructions("USER")[..],
        ) else {
            return;
        };
        let context = &deployment["spec"]["template"]["spec"]["securityContext"];
        assert_eq!(
            *user,
            format!("{}:{}", context["runAsUser"], context["runAsGroup"]),
            "{}",
            project.selection
        );
        assert_ne!(context["runAsUser"], 0);
    });
}

#[test]
fn overlays_set_the_tag_of_the_deployed_image() {
    for_each_project(|project| {
        let Some(deployment) = project.object("Deployment") else {
            return;
        };
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap();
        let name = image.split(':').next().unwrap();
        for overlay in ["staging", "production"] {
            let text = project
                .text(&format!("k8s/overlays/{overlay}/kustomization.yaml"))
                .unwrap();
            let kustomization: Value = serde_norway::from_str(text).unwrap();
            assert_eq!(
                kustomization["images"][0]["name"], name,
                "{}",
                project.selection
            );
            assert_ne!(kustomization["images"][0]["newTag"], "latest");
        }
    });
}

/// The service reads the environment variables that the image and the manifests set.
#[test]
fn every_variable_that_is_set_is_read() {
    for_each_project(|project| {
        if !project.tree.contains_key("src/main.rs") {
            return;
        }
        let mut set: BTreeSet<String> = project
            .instructions("ENV")
            .iter()
            .filter_map(|line| line.split('=').next())
            .map(str::to_owned)
            .collect();
        for (_, file) in project
            .tree
            .iter()
            .filter(|(path, _)| path.as_str().ends_with("kustomization.yaml"))
        {
            let kustomization: Value = serde_norway::from_str(&file.text).unwrap();
            let generated = ["configMapGenerator", "secretGenerator"]
                .into_iter()
                .filter_map(|key| kustomization[key].as_array())
                .flatten();
            let literals =
                generated.flat_map(|map| map["literals"].as_array().cloned().unwrap_or_default());
            set.extend(
                literals
                    .filter_map(|literal| Some(literal.as_str()?.split('=').next()?.to_owned())),
            );
        }
        let keys = setting_keys(project);
        for variable in set {
            let read = match variable.strip_prefix("APP__") {
                Some(key) => keys.contains(&key.to_lowercase().replace("__", ".")),
                // clap derives the variable's name from the field's.
                None => {
                    project.sources().contains(&format!("\"{variable}\""))
                        || project
                            .sources()
                            .contains(&format!("{}:", variable.to_lowercase()))
                }
            };
            assert!(read, "{}: nothing reads {variable}", project.selection);
        }
    });
}

/// The dotted keys of `config/default.toml`, which has a value for every key.
fn setting_keys(project: &Project) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    if let Some(config) = project.toml("config/default.toml") {
        for (table, items) in config.iter() {
            keys.extend(
                items
                    .as_table_like()
                    .into_iter()
                    .flat_map(|items| items.iter())
                    .map(|(key, _)| format!("{table}.{key}")),
            );
        }
    }
    keys
}

/// A component that is not selected leaves no trace: no file is empty, and none contains what only its component would write.
#[test]
fn unselected_component_leaves_no_trace() {
    let traces = BTreeMap::from([
        ("telemetry", "/metrics"),
        ("config", "config/default.toml"),
        ("docker", "docker build"),
        ("k8s", "kubectl"),
        ("tls", "certificate"),
        ("traces", "opentelemetry"),
        ("openapi", "openapi"),
        ("postgres", "sqlx"),
        ("redis", "redis"),
        ("backup", "docs/backup.md"),
    ]);
    for_each_project(|project| {
        for (path, file) in &project.tree {
            assert!(
                !file.text.trim().is_empty() || path.as_str().ends_with(".gitkeep"),
                "{}: {path} is empty",
                project.selection
            );
            assert!(
                !file.text.contains("\n\n\n"),
                "{}: {path} has a gap",
                project.selection
            );
            assert!(
                file.text.ends_with('\n') && !file.text.ends_with("\n\n"),
                "{}: {path} ends badly",
                project.selection
            );
            assert!(
                file.text.lines().all(|line| line.trim_end() == line),
                "{}: {path} has trailing spaces",
                project.selection
            );
            for (component, trace) in &traces {
                let chosen = project.selection.split('+').any(|name| name == *component);
                let code = path.as_str().starts_with("src/")
                    || path.as_str() == "README.md"
                    || path.as_str() == "Cargo.toml";
                assert!(
                    chosen || !code || !file.text.to_lowercase().contains(trace),
                    "{}: {path} mentions {trace}",
                    project.selection
                );
            }
        }
    });
}
