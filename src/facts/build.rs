//! How to build an existing crate, as templates see it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Result;

use super::builder::Builder;
use super::dependency_sources::SourceKind;
use super::evidence::Found;
use super::files::When;
use super::inspection::Inspection;
use super::secret_files::SecretFiles;
use super::{Build, CarriedFile, OutsideDependency};

/// What all services together need to be built, and to run.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub(super) fn from_inspections(services: &[Inspection], first: &Inspection) -> Result<Build> {
    let secrets = SecretFiles::embedded()?;
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
    let is_separate = |kind| matches!(kind, SourceKind::Member | SourceKind::Path);
    let several_packages =
        workspace.members.len() > 1 || sources.iter().any(|source| is_separate(source.kind));
    sources.retain(|source| source.kind != SourceKind::Member);
    let checked = |inspection: &Inspection| {
        let database = &inspection.database;
        database.checked_queries.is_some() && database.offline_data.is_some()
    };
    let mut build_env = overriding_environment(&first.builder);
    if services.iter().any(checked) {
        build_env.insert("SQLX_OFFLINE".to_owned(), "true".to_owned());
    }
    Ok(Build {
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
        files: carried_files(services, top, &secrets),
        secret_files: secrets,
        sources,
        outside: outside_dependencies(services),
        locked: workspace.lock.is_some(),
        lock_committed: (workspace.lock.as_ref())
            .is_some_and(|lock| lock.value.tracked != Some(false)),
        toolchain_file: (workspace.toolchain.iter())
            .flat_map(|channel| &channel.evidence)
            .find_map(|evidence| evidence.in_file())
            .filter(|path| !path.contains('/'))
            .map(str::to_owned),
        databases: all(&|inspection| values(&inspection.database.engines)),
    })
}

/// The environment that overrides the settings in cargo's configuration that are specific to a developer's machine.
fn overriding_environment(builder: &Builder) -> BTreeMap<String, String> {
    let wrappers = builder.wrappers.iter();
    // An empty value disables it.
    let mut set: BTreeMap<String, String> = wrappers
        .map(|wrapper| (wrapper.value.variable.to_owned(), String::new()))
        .collect();
    if builder.target_directory.is_some() {
        set.insert("CARGO_TARGET_DIR".to_owned(), "target".to_owned());
    }
    set
}

/// Whether a path is below the workspace, and can be used in a list of paths without quoting.
fn is_plain_and_below(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    path.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'))
        && path.chars().all(plain)
        && path.split('/').all(|part| !matches!(part, "." | ".."))
}

/// The services' dependencies outside of the workspace, without duplicates.
fn outside_dependencies(services: &[Inspection]) -> Vec<OutsideDependency> {
    let mut outside: Vec<OutsideDependency> = Vec::new();
    for found in services.iter().flat_map(|it| &it.package.sources) {
        let source = &found.value;
        let is_known = outside.iter().any(|known| known.name == source.name);
        if source.kind == SourceKind::Outside && !is_known {
            let asked_for = found.evidence.first();
            outside.push(OutsideDependency {
                name: source.name.clone(),
                place: source.place.clone(),
                asked_for: asked_for.map_or_else(String::new, |it| it.place.to_string()),
            });
        }
    }
    outside
}

/// The existing files that the services read at run time: those that git is likely to track, without files of secrets.
fn carried_files(services: &[Inspection], top: &Path, secrets: &SecretFiles) -> Vec<CarriedFile> {
    let mut carried = BTreeSet::new();
    for inspection in services {
        let manifest = Path::new(&inspection.package.manifest);
        let package = manifest.parent().unwrap_or(Path::new(""));
        for asset in &inspection.files {
            if let (When::Run, Some(place)) = (asset.value.when, &asset.value.place) {
                carried.extend(carried_file(place, &asset.value.path));
            }
        }
        let migrations = inspection.database.migrations.iter();
        for migrations in migrations.filter(|it| it.value.when == Some(When::Run)) {
            if let Some(place) = &migrations.value.path {
                let below = Path::new(place).strip_prefix(package);
                let below = below.map_or_else(|_| place.clone(), |it| it.display().to_string());
                carried.extend(carried_file(place, &below));
            }
        }
        for file in &inspection.configuration.files {
            // `config/default` means a file of that name with any extension.
            let named = Path::new(&file.value);
            let existing = named
                .ancestors()
                .take(2)
                .find(|path| !path.as_os_str().is_empty() && top.join(package).join(path).exists());
            if let Some(existing) = existing {
                let place = package.join(existing);
                carried.extend(carried_file(
                    &place.to_string_lossy(),
                    &existing.to_string_lossy(),
                ));
            }
        }
    }
    // A file that is excluded from the build context cannot be copied from it.
    carried.retain(|it: &CarriedFile| !secrets.covers(&it.from, top));
    carried.into_iter().collect()
}

/// A path as a program names it: it can only be carried if it is below the program's directory.
fn carried_file(from: &str, named: &str) -> Option<CarriedFile> {
    let to = named
        .strip_prefix("./")
        .unwrap_or(named)
        .trim_end_matches('/');
    let is_below = !to.is_empty() && !to.starts_with('/') && to.split('/').all(|part| part != "..");
    is_below.then(|| CarriedFile {
        from: from.to_owned(),
        to: to.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{carried_file, is_plain_and_below};

    #[test]
    fn carries_only_paths_below_the_package() {
        let to = |named: &str| carried_file("a", named).map(|carried| carried.to);
        assert_eq!(to("./pages/").as_deref(), Some("pages"));
        assert_eq!(
            to("config/default.toml").as_deref(),
            Some("config/default.toml")
        );
        for other in ["/etc/x", "../x", "a/../../x", ""] {
            assert_eq!(to(other), None, "{other}");
        }
    }

    #[test]
    fn accepts_only_plain_paths_below_the_workspace() {
        assert!(is_plain_and_below("out/build") && is_plain_and_below(".build"));
        for other in ["/tmp/target", "../target", "a/../..", ".", "my target", ""] {
            assert!(!is_plain_and_below(other), "{other}");
        }
    }
}
