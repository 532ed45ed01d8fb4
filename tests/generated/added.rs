//! The output of `cargo prodify add` in existing crates, checked by widely used tools.

use std::path::Path;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use walkdir::WalkDir;

use crate::command::{command, run, target};
use crate::project::Project;
use crate::validators;

/// Copies a fixture into a repository of its own, and adds every component to it that can be added.
fn add_to_fixture(fixture: &str, arguments: &[&str]) -> Result<Project> {
    let place = target()
        .join("generated/added")
        .join(fixture.replace('/', "-"));
    if place.exists() {
        fs::remove_dir_all(&place).with_context(|| format!("removing {}", place.display()))?;
    }
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let fixture = tests.join(fixture);
    for entry in WalkDir::new(&fixture) {
        let entry = entry?;
        let to = place.join(entry.path().strip_prefix(&fixture)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    // A workspace is named after its directory.
    let directory = place.join(fixture.file_name().unwrap_or_default());
    fs::rename(place.join("crate"), &directory)?;
    remove_outside_dependency(&directory)?;
    let git = |arguments: &[&str]| run(command("git").args(arguments).current_dir(&directory));
    git(&["init", "--quiet", "-b", "main"])?;
    git(&["add", "--all"])?;
    run(command(env!("CARGO_BIN_EXE_cargo-prodify"))
        .args(["prodify", "add", "--defaults", "--non-interactive"])
        .args([
            "docker",
            "compose",
            "k8s",
            "skaffold",
            "tilt",
            "ci",
            "supply-chain",
            "release-profile",
        ])
        .args(arguments)
        // The release that a fixture selects may not be on this machine.
        .envs(env::var_os("RUSTUP_TOOLCHAIN").map(|this| ("RUSTUP_TOOLCHAIN", this)))
        .current_dir(&directory))?;
    // The profiles' entries are added to the manifest, and nothing is removed from any file.
    let changed = git(&["diff", "--numstat"])?;
    let (_, counts) = changed.split_once('\t').context("nothing was changed")?;
    ensure!(
        changed.lines().count() == 1 && counts.trim_end() == "0\tCargo.toml",
        "of the crate's own files were changed:\n{changed}"
    );
    Ok(Project::existing(directory, "shop"))
}

/// Removes the dependency outside of the workspace, because of which images and CI are refused.
fn remove_outside_dependency(directory: &Path) -> Result<()> {
    let manifest = directory.join("crates/api/Cargo.toml");
    if manifest.exists() {
        let text = fs::read_to_string(&manifest)?;
        let inside = text.replace("outside = { path = \"../../../outside\" }\n", "");
        ensure!(
            inside != text,
            "{} has no such dependency",
            manifest.display()
        );
        fs::write(manifest, inside)?;
    }
    Ok(())
}

/// All validators except cargo-deny, which needs the fixture's dependencies.
fn passes_validators(fixture: &str, arguments: &[&str]) -> Result<()> {
    validators::passes_file_validators(&add_to_fixture(fixture, arguments)?)
}

#[test]
#[ignore = "slow: tests/run generated"]
fn axum_crate_passes_the_validators() -> Result<()> {
    passes_validators(
        "fixtures/axum",
        &["helm", "runbook", "monitoring", "--keep"],
    )
}

#[test]
#[ignore = "slow: tests/run generated"]
fn grpc_server_passes_the_validators() -> Result<()> {
    passes_validators("fixtures/grpc", &["helm", "runbook", "monitoring"])
}

#[test]
#[ignore = "slow: tests/run generated"]
fn worker_passes_the_validators() -> Result<()> {
    passes_validators("fixtures/sqlx", &["helm", "runbook"])
}

#[test]
#[ignore = "slow: tests/run generated"]
fn workspace_of_several_services_passes_the_validators() -> Result<()> {
    passes_validators(
        "fixtures/workspace",
        &["runbook", "--bin", "serve", "--bin", "worker"],
    )
}

#[test]
#[ignore = "slow: tests/run generated"]
fn service_with_settings_and_metrics_passes_the_validators() -> Result<()> {
    passes_validators(
        "wired/shop",
        &["config", "telemetry", "helm", "runbook", "monitoring"],
    )
}
