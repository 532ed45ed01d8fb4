//! Code that `cargo prodify add` writes into existing crates, wired in as instructed: `tests/wired/*/main.rs` is the crate's main
//! file after the user's edit.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use walkdir::WalkDir;

use crate::command::{command, run, run_failing, target};
use crate::http;
use crate::process::free_port;
use crate::project::{Project, lock_file};

/// A crate of `tests/wired`, with the code added to the package and wired in.
fn wire_in(case: &str, package: &str, edition: &str) -> Result<Project> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wired")
        .join(case);
    let top = target().join("generated/wired").join(case);
    if top.exists() {
        fs::remove_dir_all(&top).with_context(|| format!("removing {}", top.display()))?;
    }
    let crate_directory = sources.join("crate");
    for entry in WalkDir::new(&crate_directory) {
        let entry = entry?;
        let to = top.join(entry.path().strip_prefix(&crate_directory)?);
        if entry.file_type().is_dir() {
            fs::create_dir_all(to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    fs::copy(lock_file()?, top.join("Cargo.lock"))?;
    let directory = top.join(package);
    let manifest = directory.join("Cargo.toml");
    let text = fs::read_to_string(&manifest)?;
    let text = text.replace("edition = \"2021\"", &format!("edition = \"{edition}\""));
    fs::write(&manifest, text)?;

    let report = run(command(env!("CARGO_BIN_EXE_cargo-prodify"))
        .args(["prodify", "add", "config", "telemetry"])
        .args(["--defaults", "--non-interactive", "--format", "json"])
        .current_dir(&directory))?;
    let report: Value = serde_json::from_str(&report)?;
    let main = fs::read_to_string(sources.join("main.rs"))?;
    for wiring in report["wire"].as_array().context("nothing to wire in")? {
        let code = wiring["code"].as_str().unwrap_or_default();
        for line in code.lines().filter(|line| !line.is_empty()) {
            ensure!(main.contains(line), "{case} is wired without `{line}`");
        }
    }
    fs::write(directory.join("src/main.rs"), main)?;
    let name = directory.file_name().unwrap_or_default().to_string_lossy();
    let project = Project::existing(directory.clone(), &name);
    run(project.cargo("update").args(["--workspace", "--quiet"]))?;
    Ok(project)
}

/// The checks that a reviewer of the crate would run.
fn passes_checks(project: &Project) -> Result<()> {
    run(project.cargo("fmt").arg("--check"))?;
    let lints = ["--", "-D", "warnings", "-W", "clippy::pedantic"];
    run(project
        .cargo("clippy")
        .args(["--quiet", "--all-targets"])
        .args(lints))?;
    run(project.cargo("test").arg("--quiet"))?;
    Ok(())
}

/// A process that is killed if a test ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the binary with these settings, and waits until it serves its metrics; its log goes into a file.
fn start(
    project: &Project,
    port: u16,
    settings: &[(&str, String)],
) -> Result<(Running, SocketAddr)> {
    let metrics: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
    let log = fs::File::create(project.path("log"))?;
    let child = command(project.binary()?)
        .current_dir(&project.directory)
        .envs(settings.iter().cloned())
        .env("METRICS_PORT", port.to_string())
        .stdout(log.try_clone()?)
        .stderr(Stdio::from(log))
        .spawn()?;
    let running = Running(child);
    let start = Instant::now();
    while http::get(metrics, "/metrics").is_err() {
        let output = fs::read_to_string(project.path("log"))?;
        ensure!(
            start.elapsed() < Duration::from_secs(10),
            "no metrics: {output}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok((running, metrics))
}

#[test]
#[ignore = "slow: tests/run generated"]
fn axum_service_has_settings_log_and_metrics_in_every_edition() -> Result<()> {
    for edition in ["2018", "2024", "2021"] {
        passes_checks(&wire_in("shop", "", edition)?)?;
    }
    let shop = Project::existing(target().join("generated/wired/shop"), "shop");
    let (port, metrics_port) = (free_port()?, free_port()?);
    let settings = [("APP__SERVER__PORT", port.to_string())];
    let (_running, metrics) = start(&shop, metrics_port, &settings)?;
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
    let response = http::get(address, "/things/7")?;
    ensure!(response.status == 200, "{response:?}");
    let id = response.header("x-request-id").to_owned();
    ensure!(id.len() == 32, "{response:?}");
    http::get(address, "/health")?;

    let exposed = http::get(metrics, "/metrics")?.body;
    let counted = "http_requests_total{method=\"GET\",route=\"/things/{id}\",status=\"200\"} 1";
    for line in [counted, "build_info{name=\"shop\",version=\"0.1.0\"} 1"] {
        ensure!(exposed.contains(line), "no `{line}` in {exposed}");
    }
    ensure!(
        exposed.contains("process_resident_memory_bytes"),
        "{exposed}"
    );
    let log = fs::read_to_string(shop.path("log"))?;
    let line: Value = serde_json::from_str(log.lines().next().context("no log")?)?;
    ensure!(
        line["path"] == "/things/7" && line["span"]["request_id"] == id,
        "{log}"
    );
    ensure!(!log.contains("/health"), "a probe is logged: {log}");

    let output = run_failing(
        command(shop.binary()?)
            .env("APP__SERVER__PORT", "x")
            .current_dir(&shop.directory),
    )?;
    let error = "APP__SERVER__PORT: server.port: invalid type: string \"x\", expected u16";
    ensure!(output.contains(error), "{output}");
    let output = run_failing(
        command(shop.binary()?)
            .env("RUST_LOG", "loud")
            .current_dir(&shop.directory),
    )?;
    ensure!(output.contains("`loud` is not a level"), "{output}");
    Ok(())
}

#[test]
#[ignore = "slow: tests/run generated"]
fn worker_inherits_workspace_dependencies_and_serves_metrics() -> Result<()> {
    let courier = wire_in("market", "courier", "2021")?;
    let manifest = fs::read_to_string(courier.path("Cargo.toml"))?;
    for line in [
        "anyhow.workspace = true\n",
        "serde = { workspace = true, features = [\"derive\"] }\n",
    ] {
        ensure!(manifest.contains(line), "no `{line}` in {manifest}");
    }
    passes_checks(&courier)?;
    let (_running, metrics) = start(&courier, free_port()?, &[])?;
    let exposed = http::get(metrics, "/metrics")?.body;
    ensure!(exposed.contains("build_info{name=\"courier\""), "{exposed}");
    Ok(())
}
