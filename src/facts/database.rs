//! Databases: their client crates, sqlx's queries that are checked at compile time, migrations.
//!
//! Which crates are clients of which databases is data, in `database.toml` beside this file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::semver::Version;
use serde::{Deserialize, Serialize};

use super::dependency_sources::normalize;
use super::evidence::{Certainty, Evidence, Found};
use super::files::{BaseDirectories, When};
use super::source::{Call, Form, Sources};
use super::toml::display_path;

/// How a program uses databases.
#[derive(Debug, Default, Serialize)]
pub struct Database {
    /// Its database crates.
    pub libraries: Vec<Found<String>>,
    /// The engines that it is a client of.
    pub engines: Vec<Found<String>>,
    /// Whether sqlx's macros check its queries at compile time.
    pub checked_queries: Option<Found<bool>>,
    /// What those macros read instead of a database, relative to the workspace.
    pub offline_data: Option<Found<String>>,
    /// Its migrations.
    pub migrations: Vec<Found<Migrations>>,
}

/// A set of migrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrations {
    /// Their directory, relative to the workspace; none if they are Rust code.
    pub path: Option<String>,
    /// When they are read; none if the program does not read them.
    pub when: Option<When>,
}

/// A direct dependency of the package: its line, and its features.
pub struct DirectDependency {
    /// Where it is declared.
    pub evidence: Evidence,
    /// The features that are enabled there, including `default` unless it is disabled.
    pub features: BTreeSet<String>,
    /// The packages that depend on it.
    pub by: BTreeSet<String>,
    /// The oldest version that meets the requirement, if the manifests name one.
    pub version: Option<Version>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    libraries: BTreeMap<String, Library>,
    /// Crates that only count if one of their features for an engine is on.
    optional: BTreeMap<String, Library>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Library {
    engine: Option<String>,
    #[serde(default)]
    engines: BTreeMap<String, String>,
}

/// sqlx's macros that need a database, or saved query metadata.
const CHECKED: [&str; 6] = [
    "query",
    "query_as",
    "query_scalar",
    "query_file",
    "query_file_as",
    "query_file_scalar",
];

/// Finds databases in the dependencies, the sources and the directories.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn find(
    dependencies: &BTreeMap<String, DirectDependency>,
    sources: &Sources,
    directories: &BaseDirectories<'_>,
) -> Result<Database> {
    let table: Table = toml_edit::de::from_str(include_str!("database.toml"))
        .context("reading the table of databases")?;
    let mut database = Database::default();
    for (name, library) in table.libraries.iter().chain(&table.optional) {
        let Some(dependency) = dependencies.get(name) else {
            continue;
        };
        if table.optional.contains_key(name) && library.engines_of(dependency).next().is_none() {
            continue;
        }
        database
            .libraries
            .push(Found::certain(name.clone(), dependency.evidence.clone()));
        for engine in library.engines_of(dependency) {
            match database
                .engines
                .iter_mut()
                .find(|known| known.value == *engine)
            {
                Some(known) => known.evidence.push(dependency.evidence.clone()),
                None => database
                    .engines
                    .push(Found::certain(engine.clone(), dependency.evidence.clone())),
            }
        }
    }
    let sqlx = dependencies.get("sqlx").map(|dependency| &dependency.by);
    let checks = |call: &Call<'_>| {
        let name = call.name();
        let name = name.strip_suffix("_unchecked").unwrap_or(name);
        call.form == Form::Macro
            && CHECKED.contains(&name)
            && sqlx.is_some_and(|by| by.contains(&call.file.package))
    };
    for call in sources.calls() {
        if checks(&call) {
            let evidence = call.file.evidence(call.at);
            match &mut database.checked_queries {
                Some(known) => known.evidence.push(evidence),
                None => database.checked_queries = Some(Found::likely(true, evidence)),
            }
        }
        if let Some(migrations) = migrations(&call, dependencies, directories) {
            match database
                .migrations
                .iter_mut()
                .find(|known| known.value == migrations.value)
            {
                Some(known) => known.evidence.extend(migrations.evidence),
                None => database.migrations.push(migrations),
            }
        }
    }
    // In a workspace, other packages may use it.
    database.offline_data = sqlx.and_then(|_| offline_data(sources, directories));
    if database.migrations.is_empty() && !database.libraries.is_empty() {
        database.migrations.extend(unused_migrations(directories));
    }
    Ok(database)
}

impl Library {
    /// The engines for which a dependency is used, by its features.
    fn engines_of(&self, dependency: &DirectDependency) -> impl Iterator<Item = &String> {
        let engines = self.engines.iter();
        let by_feature = engines.filter(|(feature, _)| dependency.features.contains(*feature));
        by_feature.map(|(_, engine)| engine).chain(&self.engine)
    }
}

/// What `cargo sqlx prepare` has saved: in a package, or in the workspace root.
fn offline_data(sources: &Sources, directories: &BaseDirectories<'_>) -> Option<Found<String>> {
    let holds_queries = |path: &Path| {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name())
            .any(|name| name.to_string_lossy().starts_with("query-"))
    };
    let packages: BTreeSet<&Path> = sources
        .files
        .iter()
        .map(|file| file.directory.as_path())
        .collect();
    let all = [directories.package]
        .into_iter()
        .chain(packages)
        .chain([directories.top]);
    all.into_iter().find_map(|directory| {
        // Before sqlx 0.7, it was a single file.
        let (new, old) = (directory.join(".sqlx"), directory.join("sqlx-data.json"));
        let path = if holds_queries(&new) {
            new
        } else {
            Some(old).filter(|path| path.is_file())?
        };
        let shown = display_path(&path, directories.top);
        Some(Found::certain(
            shown.clone(),
            Evidence::file(&shown, "exists"),
        ))
    })
}

/// The migrations that a call runs.
fn migrations(
    call: &Call<'_>,
    dependencies: &BTreeMap<String, DirectDependency>,
    directories: &BaseDirectories<'_>,
) -> Option<Found<Migrations>> {
    let when = match call.form {
        Form::Macro if call.is("migrate") || call.is("embed_migrations") => Some(When::Build),
        Form::Function
            if call.is("Migrator::new") || call.path.contains("FileBasedMigrations::") =>
        {
            Some(When::Run)
        }
        Form::Function
            if call.is("Migrator::up") && dependencies.contains_key("sea-orm-migration") =>
        {
            None
        }
        _ => return None,
    };
    let evidence = call.file.evidence(call.at);
    let Some(when) = when else {
        // sea-orm's migrations are Rust code, and therefore part of the binary.
        let migrations = Migrations {
            path: None,
            when: Some(When::Build),
        };
        return Some(Found::likely(migrations, evidence));
    };
    // `Migrator::new(Path::new("./migrations"))` has the path in a nested call.
    let mut inside = call.arguments.iter().cloned().flatten();
    let written = inside.find_map(|at| call.file.text(at));
    let written = written.unwrap_or_else(|| "migrations".to_owned());
    let bases = [&call.file.directory, directories.package, directories.top];
    let path = bases
        .iter()
        .map(|base| normalize(&base.join(&written)))
        .find(|path| path.is_dir());
    let certainty = if path.is_some() {
        Certainty::Likely
    } else {
        Certainty::Guess
    };
    let migrations = Migrations {
        path: Some(path.map_or(written, |path| display_path(&path, directories.top))),
        when: Some(when),
    };
    Some(Found::new(migrations, certainty, vec![evidence]))
}

/// Migrations that exist but are not run by the program itself.
fn unused_migrations(directories: &BaseDirectories<'_>) -> Option<Found<Migrations>> {
    let directory = [directories.package, directories.top].map(|base| base.join("migrations"));
    let directory = directory.into_iter().find(|path| path.is_dir())?;
    let shown = display_path(&directory, directories.top);
    let migrations = Migrations {
        path: Some(shown.clone()),
        when: None,
    };
    let says = "exists, and nothing in the sources runs it";
    Some(Found::new(
        migrations,
        Certainty::Guess,
        vec![Evidence::file(&shown, says)],
    ))
}
