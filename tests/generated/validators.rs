//! Validators for a project's files, each at its strictest.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use walkdir::WalkDir;

use crate::charts;
use crate::command::{run, target, tool};
use crate::dashboards;
use crate::monitoring;
use crate::pages;
use crate::project::Project;

/// The Kubernetes releases that the manifests are written for.
const KUBERNETES: [&str; 4] = ["1.34", "1.35", "1.36", "1.37"];

/// Fails with its findings. Without anything to check in a project, it has none.
pub type Validator = fn(&Project) -> Result<()>;

/// Only the first one checks more than files.
const ALL: [Validator; 23] = [
    cargo_deny,
    hadolint,
    compose,
    compose_schema,
    dclint,
    dashboards::match_grafana_schema,
    dashboards::have_valid_loki_queries,
    actionlint,
    zizmor,
    workflow_schema,
    dependabot_schema,
    charts::passes_helm_lint,
    charts::matches_kustomize,
    charts::sets_image_tags,
    kubernetes,
    pages::instructions_work,
    monitoring::rules,
    monitoring::alertmanager,
    monitoring::operator,
    monitoring::alerts,
    trivy,
    shellcheck,
    shfmt,
];

/// No validator finds anything; the findings of all are shown.
pub fn passes_all_validators(project: &Project) -> Result<()> {
    run_all(&ALL, project)
}

/// Like [`passes_all_validators`], without the one for dependencies, which need not be on disk then.
pub fn passes_file_validators(project: &Project) -> Result<()> {
    run_all(&ALL[1..], project)
}

fn run_all(validators: &[Validator], project: &Project) -> Result<()> {
    let findings: Vec<String> = validators
        .iter()
        .filter_map(|validator| Some(format!("{:#}", validator(project).err()?)))
        .collect();
    ensure!(findings.is_empty(), "{}", findings.join("\n"));
    Ok(())
}

pub fn hadolint(project: &Project) -> Result<()> {
    let dockerfiles = files(project, |path| path.ends_with("Dockerfile"))?;
    run_on(&dockerfiles, "hadolint", &[])
}

/// It finds shellcheck in PATH, and runs it on every script in a workflow.
pub fn actionlint(project: &Project) -> Result<()> {
    run_on(&workflows(project)?, "actionlint", &["-no-color"])
}

pub fn zizmor(project: &Project) -> Result<()> {
    let inputs = files(project, |path| path.starts_with(".github") && is_yaml(path))?;
    run_on(
        &inputs,
        "zizmor",
        &[
            "--offline",
            "--no-progress",
            "--no-config",
            "--persona",
            "pedantic",
        ],
    )
}

pub fn workflow_schema(project: &Project) -> Result<()> {
    run_on(
        &workflows(project)?,
        "check-jsonschema",
        &["--builtin-schema", "vendor.github-workflows"],
    )
}

pub fn dependabot_schema(project: &Project) -> Result<()> {
    let updates = files(project, |path| path == Path::new(".github/dependabot.yml"))?;
    run_on(
        &updates,
        "check-jsonschema",
        &["--builtin-schema", "vendor.dependabot"],
    )
}

/// Compose parses its file, as in a fresh clone: without any variable set.
pub fn compose(project: &Project) -> Result<()> {
    for file in compose_files(project)? {
        let mut compose = tool("docker-compose")?;
        compose.current_dir(&project.directory).arg("--file");
        run(compose
            .arg(file)
            .args(["--profile", "*", "config", "--quiet"]))?;
    }
    Ok(())
}

pub fn compose_schema(project: &Project) -> Result<()> {
    run_on(
        &compose_files(project)?,
        "check-jsonschema",
        &["--builtin-schema", "vendor.compose-spec"],
    )
}

/// All rules except those about taste.
pub fn dclint(project: &Project) -> Result<()> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/dclint.yaml");
    let rules = rules.to_string_lossy();
    run_on(
        &compose_files(project)?,
        "dclint",
        &[
            "--config",
            &rules,
            "--max-warnings",
            "0",
            "--color",
            "false",
        ],
    )
}

/// Manifests for the API server, and those next to them that are filled in by hand.
pub fn kubernetes(project: &Project) -> Result<()> {
    let examples = files(project, |path| {
        path.starts_with("k8s") && path.to_string_lossy().ends_with(".example.yaml")
    })?;
    let charts = charts::render_environments(project)?;
    let manifests = [render_overlays(project)?, examples, charts].concat();
    for release in KUBERNETES {
        run_on(
            &manifests,
            "kubernetes-validate",
            &["--strict", "--quiet", "--kubernetes-version", release],
        )?;
    }
    Ok(())
}

/// The project itself, and the overlays and the chart as rendered by kustomize and Helm.
pub fn trivy(project: &Project) -> Result<()> {
    render_overlays(project)?;
    charts::render_environments(project)?;
    let registries = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/trivy");
    for directory in [project.directory.clone(), render_directory(project)] {
        let mut trivy = tool("trivy")?;
        trivy.current_dir(&project.directory).arg("config");
        trivy.args(["--quiet", "--exit-code", "1", "--disable-telemetry"]);
        trivy.args(["--skip-check-update", "--skip-version-check"]);
        trivy.arg("--config-data").arg(&registries);
        run(trivy.arg(directory))?;
    }
    Ok(())
}

pub fn shellcheck(project: &Project) -> Result<()> {
    run_on(&scripts(project)?, "shellcheck", &["--severity", "style"])
}

pub fn shfmt(project: &Project) -> Result<()> {
    run_on(
        &scripts(project)?,
        "shfmt",
        &["--diff", "--indent", "2", "--case-indent"],
    )
}

/// Without `advisories`, which are fetched from a repository that can only be reached by git.
pub fn cargo_deny(project: &Project) -> Result<()> {
    if project.path("deny.toml").exists() {
        run(tool("cargo-deny")?.current_dir(&project.directory).args([
            "--offline",
            "check",
            "bans",
            "licenses",
            "sources",
        ]))?;
    }
    Ok(())
}

fn run_on(files: &[PathBuf], name: &str, arguments: &[&str]) -> Result<()> {
    if !files.is_empty() {
        run(tool(name)?.args(arguments).args(files))?;
    }
    Ok(())
}

/// The overlays, each built into a file of its own.
pub fn render_overlays(project: &Project) -> Result<Vec<PathBuf>> {
    let rendered = render_directory(project);
    fs::create_dir_all(&rendered).with_context(|| format!("making {}", rendered.display()))?;
    let mut overlays = Vec::new();
    for kustomization in files(project, |path| {
        path.starts_with("k8s/overlays") && path.ends_with("kustomization.yaml")
    })? {
        let directory = kustomization
            .parent()
            .context("a kustomization at the root")?;
        let manifest = rendered
            .join(directory.file_name().context("an overlay without a name")?)
            .with_extension("yaml");
        fs::write(
            &manifest,
            run(tool("kubectl")?.arg("kustomize").arg(directory))?,
        )?;
        overlays.push(manifest);
    }
    Ok(overlays)
}

pub fn render_directory(project: &Project) -> PathBuf {
    target().join("generated/overlays").join(&project.name)
}

fn compose_files(project: &Project) -> Result<Vec<PathBuf>> {
    files(project, |path| path == Path::new("compose.yaml"))
}

fn workflows(project: &Project) -> Result<Vec<PathBuf>> {
    files(project, |path| {
        path.starts_with(".github/workflows") && is_yaml(path)
    })
}

fn scripts(project: &Project) -> Result<Vec<PathBuf>> {
    let mut scripts = Vec::new();
    for file in files(project, |path| {
        path.extension().is_none_or(|extension| extension == "sh")
    })? {
        if fs::read(&file)?.starts_with(b"#!") {
            scripts.push(file);
        }
    }
    Ok(scripts)
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yml" || extension == "yaml")
}

/// The files of a project whose relative path passes, without those of git.
pub fn files(project: &Project, wanted: impl Fn(&Path) -> bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in WalkDir::new(&project.directory)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.file_name() != OsStr::new(".git"))
    {
        let entry = entry?;
        if entry.file_type().is_file() && wanted(entry.path().strip_prefix(&project.directory)?) {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}
