//! Dashboards that Grafana can display unchanged, wherever they are imported.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Project, for_each_project};

/// The kinds of data sources that dashboards may use, if none is provisioned.
const DATA_SOURCE_TYPES: [&str; 3] = ["jaeger", "loki", "prometheus"];

/// The width of the grid.
const COLUMNS: u64 = 24;

/// Grafana rejects longer identifiers; this much of one is the project's name, with a dash.
const MAX_UID_LENGTH: usize = 40;
const MAX_PREFIX_LENGTH: usize = 30;

fn dashboards(project: &Project) -> BTreeMap<&str, Value> {
    let files = project.tree.iter();
    files
        .map(|(path, file)| (path.as_str(), file.text.as_str()))
        .filter(|(path, _)| path.starts_with("monitoring/grafana/dashboards/"))
        .map(|(path, text)| (path, serde_json::from_str(text).unwrap()))
        .collect()
}

fn for_each_dashboard(check: impl Fn(&Project, &str, &Value)) {
    for_each_project(|project| {
        for (path, dashboard) in dashboards(project) {
            check(
                project,
                &format!("{}: {path}", project.selection),
                &dashboard,
            );
        }
    });
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The kinds of data sources of Compose's Grafana, by their identifiers.
fn provisioned_data_sources(project: &Project) -> BTreeMap<String, String> {
    let files = project.tree.iter().filter(|(path, _)| {
        path.as_str()
            .starts_with("monitoring/grafana/provisioning/datasources/")
    });
    let mut sources = BTreeMap::new();
    for (path, file) in files {
        let document: Value = serde_norway::from_str(&file.text).unwrap();
        for source in items(&document["datasources"]) {
            let [uid, kind] = ["uid", "type"].map(|key| source[key].as_str().unwrap().to_owned());
            assert!(sources.insert(uid, kind).is_none(), "{path}");
        }
    }
    sources
}

#[test]
fn panels_query_the_selected_data_sources() {
    for_each_dashboard(|project, place, dashboard| {
        let sources = provisioned_data_sources(project);
        let known: BTreeSet<&str> = if sources.is_empty() {
            DATA_SOURCE_TYPES.into()
        } else {
            sources.values().map(String::as_str).collect()
        };
        let variables = || items(&dashboard["templating"]["list"]);
        let chosen: BTreeMap<String, &str> = variables()
            .filter(|variable| variable["type"] == "datasource")
            .map(|variable| {
                let name = variable["name"].as_str().unwrap();
                (format!("${{{name}}}"), variable["query"].as_str().unwrap())
            })
            .collect();
        for kind in chosen.values() {
            assert!(known.contains(kind), "{place}: there is no {kind}");
        }
        let mut used_sources = BTreeSet::new();
        let panels = items(&dashboard["panels"]).filter(|panel| panel["type"] != "row");
        let queries = variables().filter(|variable| variable["type"] == "query");
        for querying in panels.chain(queries) {
            let source = &querying["datasource"];
            let uid = source["uid"].as_str().unwrap();
            assert_eq!(source["type"], chosen[uid], "{place}: {querying:#}");
            used_sources.insert(uid);
        }
        assert_eq!(used_sources.len(), chosen.len(), "{place}: {chosen:?}");
    });
}

#[test]
fn panels_do_not_overlap_and_are_described() {
    for_each_dashboard(|_, place, dashboard| {
        let mut ids = BTreeSet::new();
        let mut taken = BTreeSet::new();
        for panel in items(&dashboard["panels"]) {
            let title = &panel["title"];
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{place}: {title}"
            );
            let [x, y, w, h] =
                ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
            assert!(x + w <= COLUMNS && w > 0 && h > 0, "{place}: {title}");
            for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
                assert!(taken.insert(cell), "{place}: {title} is above another one");
            }
            if panel["type"] == "row" {
                continue;
            }
            for text in [title, &panel["description"]] {
                assert!(!text.as_str().unwrap().is_empty(), "{place}: {panel:#}");
            }
            assert!(items(&panel["targets"]).count() > 0, "{place}: {title}");
            let measures = !["logs", "table", "heatmap"].contains(&panel["type"].as_str().unwrap());
            assert!(
                !measures || panel["fieldConfig"]["defaults"]["unit"].is_string(),
                "{place}: {title} has no unit"
            );
        }
    });
}

#[test]
fn dashboard_uid_is_unique_and_stable() {
    for_each_project(|project| {
        let mut uids = BTreeSet::new();
        for (path, dashboard) in dashboards(project) {
            let uid = dashboard["uid"].as_str().unwrap().to_owned();
            let file = path.rsplit('/').next().unwrap().trim_end_matches(".json");
            assert_eq!(uid, format!("orders-{file}"));
            assert!(MAX_PREFIX_LENGTH + file.len() <= MAX_UID_LENGTH, "{path}");
            assert!(dashboard["id"].is_null(), "{path}: an id is Grafana's own");
            assert!(uids.insert(uid), "{path}");
        }
    });
}

#[test]
fn queries_use_only_defined_variables() {
    for_each_dashboard(|_, place, dashboard| {
        let names: BTreeSet<&str> = items(&dashboard["templating"]["list"])
            .map(|variable| variable["name"].as_str().unwrap())
            .collect();
        let mut text = Vec::new();
        let panels = items(&dashboard["panels"]);
        for target in panels.flat_map(|panel| items(&panel["targets"])) {
            text.push(target["expr"].as_str().unwrap_or_default());
        }
        for variable in items(&dashboard["templating"]["list"]) {
            text.push(variable["query"]["query"].as_str().unwrap_or_default());
        }
        let text = text.join(" ");
        for used in text.split('$').skip(1) {
            let end = used.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let used = &used[..end.unwrap_or(used.len())];
            assert!(
                used.is_empty() || used.starts_with("__") || names.contains(used),
                "{place}: there is no ${used}"
            );
        }
    });
}
