//! Dashboards, as Grafana reads them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command::{command, run, target, tool};
use crate::project::Project;
use crate::validators::files;

/// They are valid for the types of Grafana's own schema, as a whole and for each kind of panel.
pub fn match_grafana_schema(project: &Project) -> Result<()> {
    let dashboards = dashboard_files(project)?;
    if dashboards.is_empty() {
        return Ok(());
    }
    let place = create_directory_with_packages(project, "dashboard.ts")?;
    let mut check = tool("tsc")?;
    check.current_dir(&place).args([
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--pretty",
        "false",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
    ]);
    for dashboard in dashboards {
        let text = fs::read_to_string(&dashboard)?;
        let name = dashboard.file_name().context("a file without a name")?;
        let module = place.join(name).with_extension("ts");
        // On the first line, so that the line numbers in errors are those of the JSON.
        let head = "import type { Dashboard } from \"./dashboard\"; export const it: Dashboard =";
        fs::write(&module, format!("{head} {text}"))?;
        check.arg(module);
    }
    run(&mut check)?;
    Ok(())
}

/// Grafana's own grammar accepts the queries to Loki, which does not run here.
pub fn have_valid_loki_queries(project: &Project) -> Result<()> {
    let queries = expressions(project, "loki")?;
    let place = create_directory_with_packages(project, "logql.mjs")?;
    let mut check = command("node");
    check.current_dir(place).arg("logql.mjs");
    for (_, expression) in &queries {
        let expression = expression.replace("$__auto", "1m");
        check.arg(expression.replace("$__range", "1h"));
    }
    run(&mut check).context("a query of a dashboard")?;
    Ok(())
}

/// A directory with one of the files of `tests/tools/packages`, in which its imports can be resolved.
fn create_directory_with_packages(project: &Project, file: &str) -> Result<PathBuf> {
    let place = target().join("generated/dashboards").join(&project.name);
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("removing {}", place.display()))?;
    }
    fs::create_dir_all(&place).with_context(|| format!("making {}", place.display()))?;
    let packages = target().join("tools/packages/node_modules");
    symlink(packages, place.join("node_modules"))?;
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/packages");
    fs::copy(sources.join(file), place.join(file))?;
    Ok(place)
}

/// The queries of all dashboards' panels to a kind of data source, with their places.
pub fn expressions(project: &Project, kind: &str) -> Result<Vec<(String, String)>> {
    let mut expressions = Vec::new();
    for path in dashboard_files(project)? {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
        for panel in dashboard["panels"].as_array().into_iter().flatten() {
            if panel["datasource"]["type"] != kind {
                continue;
            }
            let place = format!("{}: {}", dashboard["title"], panel["title"]);
            let targets = panel["targets"].as_array().into_iter().flatten();
            for target in targets {
                let expression = target["expr"].as_str();
                let expression = expression.with_context(|| format!("{place} asks nothing"))?;
                expressions.push((place.clone(), expression.to_owned()));
            }
        }
    }
    Ok(expressions)
}

fn dashboard_files(project: &Project) -> Result<Vec<PathBuf>> {
    files(project, |path| {
        path.starts_with("monitoring/grafana/dashboards")
    })
}
