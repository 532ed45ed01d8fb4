//! The CI job that checks whether a project is up to date.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::tempdir;

use crate::existing::{commit, run};
use crate::support::{git, stderr};

/// A replacement for cargo: prints what it is asked to install, and provides the program under test.
const CARGO: &str = r#"#!/bin/sh
case $1 in
  +stable) shift; echo "$@" ;;
  prodify) exec PROGRAM "$@" ;;
  *) exec REAL "$@" ;;
esac
"#;

/// The commands of a job, except for those that install a toolchain.
fn commands(workflow: &str, job: &str) -> String {
    let workflow: Value = serde_norway::from_str(workflow).unwrap();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    let commands = steps.iter().filter_map(|step| step["run"].as_str());
    let commands = commands.filter(|command| !command.starts_with("rustup"));
    commands.collect::<Vec<_>>().join("\n")
}

fn job(checkout: &Path, programs: &Path) -> Output {
    let workflow = fs::read_to_string(checkout.join(".github/workflows/ci.yml")).unwrap();
    let path = format!("{}:{}", programs.display(), env!("PATH"));
    Command::new("bash")
        .args(["-ec", &commands(&workflow, "prodify")])
        .current_dir(checkout)
        .env("PATH", path)
        .output()
        .unwrap()
}

#[test]
fn ci_checks_a_project_with_the_version_that_wrote_it() {
    let dir = tempdir().unwrap();
    run(
        dir.path(),
        "new orders -y --preset standard --set ci.check=true --vcs none",
        0,
    );
    let orders = &dir.path().join("orders");
    commit(orders);
    git(dir.path(), &["clone", "-q", "orders", "checkout"]);
    let checkout = &dir.path().join("checkout");
    let programs = &dir.path().join("programs");
    fs::create_dir(programs).unwrap();
    let cargo = programs.join("cargo");
    let script = CARGO.replace("PROGRAM", env!("CARGO_BIN_EXE_cargo-prodify"));
    fs::write(&cargo, script.replace("REAL", env!("CARGO"))).unwrap();
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();

    let green = job(checkout, programs);
    assert_eq!(green.status.code(), Some(0), "{}", stderr(&green));
    assert_eq!(
        String::from_utf8_lossy(&green.stdout),
        format!(
            "install --locked cargo-prodify@{}\n",
            env!("CARGO_PKG_VERSION")
        )
    );

    let answers = fs::read_to_string(checkout.join("prodify.toml")).unwrap();
    fs::write(
        checkout.join("prodify.toml"),
        answers.replace("port = 8080", "port = 9000"),
    )
    .unwrap();
    let red = job(checkout, programs);
    assert_eq!(red.status.code(), Some(1), "{}", stderr(&red));
    assert!(
        String::from_utf8_lossy(&red.stdout).contains("::error file=Dockerfile,line="),
        "{red:?}"
    );
}
