//! The facts that `inspect` finds about published servers, compared with the table in `docs/inspect.md`.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::command::{command, run, target};

/// The number of computed cells in a row; the rest is what the authors say.
const COMPUTED: usize = 6;

#[test]
#[ignore = "downloads sources: tests/run published"]
fn table_of_published_servers_is_up_to_date() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/inspect.md");
    let document = fs::read_to_string(&path)?;
    let rows: Vec<&str> = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    ensure!(
        rows.len() >= 12,
        "{} has {} rows",
        path.display(),
        rows.len()
    );
    let mut wrong = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (name, version) = cells[0]
            .split_once(' ')
            .context("a row begins with a crate and its version")?;
        let name = name.trim_matches('`');
        let found = inspect(&source(name, version)?)?;
        let computed = computed_cells(&found, name, version).join(" | ");
        if computed != cells[..COMPUTED].join(" | ") {
            wrong.push(format!(
                "| {computed} | {} |",
                cells[COMPUTED..].join(" | ")
            ));
        }
    }
    ensure!(
        wrong.is_empty(),
        "these rows of {} have to be:\n{}",
        path.display(),
        wrong.join("\n")
    );
    Ok(())
}

/// The sources of a published crate, in `target/published`.
pub fn source(name: &str, version: &str) -> Result<PathBuf> {
    let place = target().join("published").join(format!("{name}-{version}"));
    if place.join("Cargo.toml").is_file() {
        return Ok(place);
    }
    // It downloads and unpacks the crate to show its README.
    run(command("cargo").args(["info", "--quiet", &format!("{name}@{version}")]))?;
    let home = env::var_os("CARGO_HOME").map_or_else(
        || {
            env::home_dir()
                .map(|home| home.join(".cargo"))
                .context("there is no home directory")
        },
        |home| Ok(PathBuf::from(home)),
    )?;
    let registries = fs::read_dir(home.join("registry/src"))?;
    let unpacked = registries
        .filter_map(|registry| Some(registry.ok()?.path().join(format!("{name}-{version}"))))
        .find(|path| path.is_dir())
        .with_context(|| format!("cargo did not unpack {name} {version}"))?;
    fs::create_dir_all(target().join("published"))?;
    run(command("cp").arg("-r").arg(unpacked).arg(&place))?;
    Ok(place)
}

/// The facts without any downloads: what is on this machine must not affect them.
fn inspect(directory: &Path) -> Result<Value> {
    let empty = tempfile::tempdir()?;
    let mut inspect = Command::new(env!("CARGO_BIN_EXE_cargo-prodify"));
    let inspect = inspect
        .args(["prodify", "inspect", "--format", "json"])
        .current_dir(directory)
        .env("CARGO_HOME", empty.path());
    Ok(serde_json::from_str(&run(inspect)?)?)
}

fn computed_cells(found: &Value, name: &str, version: &str) -> [String; COMPUTED] {
    let frameworks = list(&found["program"]["frameworks"], |value| {
        value["name"].clone()
    });
    let kind = match frameworks.as_str() {
        "–" => shown(&found["program"]["kind"], Clone::clone),
        _ => frameworks,
    };
    let packages = |key: &str| list(&found["system"][key], Clone::clone).replace('?', "");
    [
        format!("`{name}` {version}"),
        kind,
        shown(&found["listening"]["port"], Clone::clone),
        shown(&found["routes"]["liveness"], Clone::clone),
        packages("build"),
        packages("run"),
    ]
}

fn list(facts: &Value, value: impl Fn(&Value) -> Value) -> String {
    let facts = facts.as_array().into_iter().flatten();
    let shown: Vec<String> = facts.map(|fact| shown(fact, &value)).collect();
    if shown.is_empty() {
        "–".to_owned()
    } else {
        shown.join(", ")
    }
}

fn shown(fact: &Value, value: impl Fn(&Value) -> Value) -> String {
    if fact.is_null() {
        return "–".to_owned();
    }
    let guess = if fact["certainty"] == "guess" {
        "?"
    } else {
        ""
    };
    let value = value(&fact["value"]);
    value.as_str().map_or_else(
        || format!("{value}{guess}"),
        |text| format!("{text}{guess}"),
    )
}
