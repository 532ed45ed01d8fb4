//! What Prometheus scrapes, and what its rules use, is what the service exports.

use std::collections::BTreeSet;

use cargo_prodify::catalog::{Catalog, Kind};
use serde_json::Value;

use crate::support::render;

use super::{METRICS_PORT, Project, for_each_project};

const RULES: &str = "monitoring/prometheus/rules/alerts.yml";

/// Metrics of the process, and Prometheus's own for each target.
const BUILT_IN_METRICS: [&str; 3] = ["process_max_fds", "process_open_fds", "up"];

fn yaml(project: &Project, path: &str) -> Option<Value> {
    Some(serde_norway::from_str(project.text(path)?).unwrap())
}

#[test]
fn prometheus_scrapes_the_metrics_port() {
    for_each_project(|project| {
        let Some(config) = yaml(project, "monitoring/prometheus/prometheus.yml") else {
            return;
        };
        let selection = &project.selection;
        let jobs = config["scrape_configs"].as_array().unwrap();
        let job = jobs.iter().find(|job| job["job_name"] == "orders").unwrap();
        assert_eq!(job["metrics_path"], "/metrics");
        assert!(project.sources().contains("\"/metrics\""), "{selection}");
        let target = job["static_configs"][0]["targets"][0].as_str().unwrap();
        let (host, port) = target.split_once(':').unwrap();
        assert_eq!(port, METRICS_PORT, "{selection}");
        match yaml(project, "compose.yaml") {
            Some(compose) => assert!(!compose["services"][host].is_null(), "{selection}: {host}"),
            None => assert_eq!(host, "localhost", "{selection}"),
        }
        // The labels by which the rules select the service exist, in Compose and on the pods.
        let deployment = project.object("Deployment");
        let namespace = &job["static_configs"][0]["labels"]["namespace"];
        let production = deployment
            .as_ref()
            .map(|it| it["metadata"]["namespace"].clone());
        assert_eq!(*namespace, production.unwrap_or_default(), "{selection}");
        let Some(monitor) = yaml(project, "k8s/monitoring/pod-monitor.yaml") else {
            assert!(deployment.is_none(), "{selection}: no PodMonitor");
            return;
        };
        let pod = &deployment.unwrap()["spec"]["template"];
        let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
        assert_eq!(endpoint["path"], job["metrics_path"]);
        let ports = pod["spec"]["containers"][0]["ports"].as_array().unwrap();
        let port = ports.iter().find(|port| port["name"] == endpoint["port"]);
        assert_eq!(port.unwrap()["containerPort"].to_string(), METRICS_PORT);
        let label = monitor["spec"]["jobLabel"].as_str().unwrap();
        assert_eq!(pod["metadata"]["labels"][label], job["job_name"]);
    });
}

/// A bound without a bucket would count nothing.
#[test]
fn latency_threshold_is_the_bound_of_a_bucket() {
    let catalog = Catalog::embedded().unwrap();
    let questions = catalog.questions().map(|(_, question)| question);
    let latency = questions
        .into_iter()
        .find(|it| it.key == "latency")
        .unwrap();
    let Kind::Choice { choices } = &latency.kind else {
        panic!("it is no choice");
    };
    for choice in choices {
        let answer = format!("monitoring.latency={}", choice.value);
        let tree = render(&catalog, "orders", &["monitoring"], &[&answer]);
        let text = |path: &str| {
            let found = tree.iter().find(|(it, _)| it.as_str() == path);
            found.unwrap().1.text.as_str()
        };
        let buckets = text("src/telemetry/metrics.rs");
        let buckets = buckets.split("const BUCKETS: ").nth(1).unwrap();
        let buckets = buckets.split(';').nth(1).unwrap();
        for rule in text(RULES).split(", le=").skip(1) {
            // Prometheus releases write whole numbers in two ways.
            let le = rule.split('"').nth(1).unwrap().split('|').next().unwrap();
            let bound = if le.contains('.') {
                format!(" {le},")
            } else {
                format!(" {le}.0,")
            };
            assert!(buckets.contains(&bound), "{le}: {buckets}");
        }
    }
}

#[test]
fn rules_use_only_exposed_metrics() {
    for_each_project(|project| {
        let Some(rules) = yaml(project, RULES) else {
            return;
        };
        let sources = project.sources();
        let groups = rules["groups"].as_array().unwrap().iter();
        let rules: Vec<&Value> = groups
            .flat_map(|group| group["rules"].as_array().unwrap())
            .collect();
        let recorded: BTreeSet<&str> = rules
            .iter()
            .filter_map(|rule| rule["record"].as_str())
            .collect();
        let mut found = 0;
        for rule in &rules {
            let pieces: Vec<&str> = rule["expr"].as_str().unwrap().split('{').collect();
            for pair in pieces.windows(2) {
                let (labels, name) = (pair[1].split('}').next().unwrap(), pair[0]);
                if !labels.contains("job=\"orders\"") {
                    continue;
                }
                found += 1;
                let is_name_char = |c: char| c.is_ascii_alphanumeric() || "_:".contains(c);
                let name = name.rsplit(|c| !is_name_char(c)).next().unwrap();
                let exposed = name.trim_end_matches("_bucket").trim_end_matches("_count");
                assert!(
                    recorded.contains(name)
                        || BUILT_IN_METRICS.contains(&name)
                        || sources.contains(&format!("\"{exposed}\"")),
                    "{}: nothing exposes {name}",
                    project.selection
                );
            }
        }
        assert!(found > 10, "{}: {found}", project.selection);
    });
}
