//! A project's monitoring: Prometheus and Alertmanager accept it, every alert is tested, and links to instructions.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::charts;
use crate::command::{command, run};
use crate::project::Project;
use crate::validators::{files, render_overlays};

const DIRECTORY: &str = "monitoring/prometheus";
const ALERTMANAGER: &str = "monitoring/alertmanager/alertmanager.yml";

/// The receivers, by the labels of the alert.
const ROUTES: [(&[&str], &str); 5] = [
    (&["severity=page", "service=x"], "page"),
    (&["severity=ticket", "service=x"], "ticket"),
    (&["severity=page", "environment=development"], "nobody"),
    (&["severity=none", "alertname=Watchdog"], "nobody"),
    (&["service=x"], "nobody"),
];

/// promtool accepts the configuration and the rules, and the rules pass their tests.
pub fn rules(project: &Project) -> Result<()> {
    let config = project.path(DIRECTORY).join("prometheus.yml");
    if !config.exists() {
        return Ok(());
    }
    run(command("promtool").args(["check", "config"]).arg(config))?;
    let tests = tests(project)?;
    ensure!(!tests.is_empty(), "the rules have no tests");
    run(command("promtool").args(["test", "rules"]).args(tests))?;
    Ok(())
}

/// amtool accepts the configuration, and routes each alert to the right receiver.
pub fn alertmanager(project: &Project) -> Result<()> {
    let config = project.path(ALERTMANAGER);
    if !config.exists() {
        return Ok(());
    }
    run(command("amtool").arg("check-config").arg(&config))?;
    for (labels, receiver) in ROUTES {
        let mut amtool = command("amtool");
        amtool.args(["config", "routes", "test", "--verify.receivers", receiver]);
        run(amtool.arg("--config.file").arg(&config).args(labels))?;
    }
    Ok(())
}

/// The rules that kustomize and the chart give to the Prometheus Operator are the tested ones, for existing pods.
pub fn operator(project: &Project) -> Result<()> {
    let Some(tested) = groups(project)? else {
        return Ok(());
    };
    let manifests = [
        render_overlays(project)?,
        charts::render_environments(project)?,
    ]
    .concat();
    for manifest in manifests {
        let objects = charts::documents(&fs::read_to_string(&manifest)?)?;
        let of_kind = |kind: &str| -> Vec<&Value> {
            let objects = objects.iter();
            objects.filter(|object| object["kind"] == kind).collect()
        };
        let place = || manifest.display().to_string();
        for rule in of_kind("PrometheusRule") {
            ensure!(
                rule["apiVersion"] == "monitoring.coreos.com/v1",
                "{}: another version",
                place()
            );
            check_rules(&rule["spec"]).with_context(place)?;
            let namespace = rule["metadata"]["namespace"].as_str().unwrap_or_default();
            let given = rule["spec"]["groups"].to_string();
            ensure!(
                given == in_namespace(&tested, namespace),
                "{}: not the tested rules",
                place()
            );
        }
        for monitor in of_kind("PodMonitor") {
            check_monitor(monitor, &of_kind("Deployment")).with_context(place)?;
        }
    }
    Ok(())
}

/// Each alert has the information that an engineer on call needs, a test that fires it and one that does not, and a section of
/// the runbook.
pub fn alerts(project: &Project) -> Result<()> {
    let Some(groups) = groups(project)? else {
        return Ok(());
    };
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for path in tests(project)? {
        let file: Value = serde_norway::from_str(&fs::read_to_string(&path)?)?;
        let cases = file["tests"].as_array().into_iter().flatten();
        let asked =
            cases.flat_map(|case| case["promql_expr_test"].as_array().into_iter().flatten());
        for asked in asked {
            let name = asked["expr"].as_str().and_then(queried_alert);
            let Some(name) = name else { continue };
            let expected = asked["exp_samples"].as_array();
            let is_fired = expected.is_some_and(|samples| !samples.is_empty());
            let seen = if is_fired { &mut fired } else { &mut silent };
            seen.insert(name);
        }
    }
    let anchors = anchors(project)?;
    let mut found = 0;
    for alert in all_rules(&groups).filter(|rule| !rule["alert"].is_null()) {
        found += 1;
        let name = alert["alert"].as_str().context("an alert without a name")?;
        let text = |of: &str, key: &str| alert[of][key].as_str().unwrap_or_default().to_owned();
        ensure!(
            ["page", "ticket"].contains(&&*text("labels", "severity")),
            "{name} is neither a page nor a ticket"
        );
        for (of, key) in [
            ("labels", "service"),
            ("annotations", "summary"),
            ("annotations", "description"),
        ] {
            ensure!(!text(of, key).is_empty(), "{name} has no {key}");
        }
        ensure!(fired.contains(name), "no test fires {name}");
        ensure!(silent.contains(name), "no test sees {name} silent");
        let url = text("annotations", "runbook_url");
        match &anchors {
            None => ensure!(url.is_empty(), "{name} links to {url}, which is missing"),
            Some(anchors) => {
                let (page, anchor) = url.split_once('#').unwrap_or_default();
                ensure!(
                    page.ends_with("docs/runbook.md") && anchors.contains(anchor),
                    "{name} links to {url}, which is missing"
                );
            }
        }
    }
    ensure!(found > 0, "there are no alerts");
    Ok(())
}

/// The groups of the rules, if there are any.
fn groups(project: &Project) -> Result<Option<Value>> {
    let mut groups = Vec::new();
    let rules = project.path(DIRECTORY).join("rules");
    if !rules.exists() {
        return Ok(None);
    }
    for path in files(project, |path| {
        path.parent() == Some(&Path::new(DIRECTORY).join("rules"))
    })? {
        let file: Value = serde_norway::from_str(&fs::read_to_string(&path)?)?;
        groups.extend(file["groups"].as_array().cloned().unwrap_or_default());
    }
    Ok(Some(Value::from(groups)))
}

fn tests(project: &Project) -> Result<Vec<PathBuf>> {
    files(project, |path| {
        path.starts_with(Path::new(DIRECTORY).join("tests"))
    })
}

fn all_rules(groups: &Value) -> impl Iterator<Item = &Value> {
    let groups = groups.as_array().into_iter().flatten();
    groups.flat_map(|group| group["rules"].as_array().into_iter().flatten())
}

/// The alert that an expression of a test queries.
fn queried_alert(expression: &str) -> Option<String> {
    let (_, rest) = expression.split_once("ALERTS{alertname=\"")?;
    Some(rest.split('"').next()?.to_owned())
}

/// The headings of the runbook, as GitHub's anchors.
fn anchors(project: &Project) -> Result<Option<BTreeSet<String>>> {
    let page = project.path("docs/runbook.md");
    if !page.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(page)?;
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchors = headings.map(|line| {
        let words = line.trim_start_matches('#').trim().to_lowercase();
        let kept = words
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    });
    Ok(Some(anchors.collect()))
}

/// Prometheus accepts them by themselves.
fn check_rules(spec: &Value) -> Result<()> {
    let place = TempDir::new()?;
    let file = place.path().join("rules.json");
    fs::write(&file, json!({ "groups": spec["groups"] }).to_string())?;
    run(command("promtool").args(["check", "rules"]).arg(file))?;
    let keys: Vec<_> = spec
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
        .collect();
    ensure!(keys == ["groups"], "the spec has {keys:?}");
    Ok(())
}

/// The rules as a text, for another namespace: a chart inserts that of its release.
fn in_namespace(groups: &Value, namespace: &str) -> String {
    const SELECTS: &str = "namespace=\\\"";
    let text = groups.to_string();
    let own = text
        .split(SELECTS)
        .nth(1)
        .and_then(|rest| rest.split('\\').next());
    let own = own.unwrap_or_default();
    text.replace(
        &format!("{SELECTS}{own}\\"),
        &format!("{SELECTS}{namespace}\\"),
    )
}

/// The pods that it selects exist, in a Deployment, and have such a port.
fn check_monitor(monitor: &Value, deployments: &[&Value]) -> Result<()> {
    let spec = &monitor["spec"];
    let keys: BTreeSet<&str> = spec
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| &**key)
        .collect();
    ensure!(
        keys == BTreeSet::from(["jobLabel", "podMetricsEndpoints", "selector"]),
        "the spec has {keys:?}"
    );
    let wanted: BTreeMap<_, _> = labels(&spec["selector"]["matchLabels"]);
    let pods = deployments.iter().map(|it| &it["spec"]["template"]);
    let pod = pods
        .into_iter()
        .find(|pod| {
            let has = labels(&pod["metadata"]["labels"]);
            wanted
                .iter()
                .all(|(label, value)| has.get(label) == Some(value))
        })
        .context("no pods have the labels that it selects")?;
    let endpoint = &spec["podMetricsEndpoints"][0];
    let ports = pod["spec"]["containers"][0]["ports"].as_array();
    let port = ports
        .into_iter()
        .flatten()
        .find(|port| port["name"] == endpoint["port"]);
    let annotations = &pod["metadata"]["annotations"];
    let port = port.context("the pods have no such port")?["containerPort"].to_string();
    ensure!(
        annotations["prometheus.io/port"] == port
            && annotations["prometheus.io/path"] == endpoint["path"],
        "the pods expose their metrics elsewhere"
    );
    ensure!(
        wanted.contains_key(spec["jobLabel"].as_str().unwrap_or_default()),
        "nothing sets the name of its job"
    );
    Ok(())
}

fn labels(value: &Value) -> BTreeMap<String, String> {
    let labels = value.as_object().into_iter().flatten();
    labels
        .filter_map(|(label, value)| Some((label.clone(), value.as_str()?.to_owned())))
        .collect()
}
