//! The image: really built, and run with nothing that it does not need.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{self, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{command, run, tool, transcript};
use crate::http;
use crate::process::free_port;
use crate::project::Project;

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn distroless_image_serves() -> Result<()> {
    let project = Project::new("image", "--preset standard")?;
    build(&project)?;
    serves(&project)
}

/// And it is built from a crate whose lock file is not checked in.
#[test]
#[ignore = "needs a container engine: tests/run image"]
fn debian_image_serves() -> Result<()> {
    let project = Project::new("image_debian", "--preset minimal --set docker.base=debian")?;
    fs::remove_file(project.path("Cargo.lock"))?;
    build(&project)?;
    serves(&project)
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn a_source_edit_compiles_no_dependency() -> Result<()> {
    let project = Project::new("image", "--preset standard")?;
    build(&project)?;
    // New in every run of this test: the engine remembers what it has built.
    let mut main = OpenOptions::new()
        .append(true)
        .open(project.path("src/main.rs"))?;
    writeln!(
        main,
        "\n// edited by process {} at {:?}",
        process::id(),
        Instant::now()
    )?;
    let log = build(&project)?;
    let compiled: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(line.split_once(" Compiling ")?.1))
        .collect();
    ensure!(
        compiled.len() == 1 && compiled[0].starts_with(&project.name),
        "it compiled {compiled:?}"
    );
    Ok(())
}

/// Builds the image as a user would, on base images that `tests/tools/engine` made, and returns the log of the build.
fn build(project: &Project) -> Result<String> {
    let dockerfile = fs::read_to_string(project.path("Dockerfile"))?;
    let bases = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM ")?.split(' ').next());
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/engine");
    run(command(engine).arg("stand-in").args(bases))?;
    let log = transcript(
        docker()?
            .args([
                "build",
                "--network",
                "host",
                "--progress",
                "plain",
                "--tag",
                &project.name,
            ])
            .arg(&project.directory),
    )?;
    // The developers' clippy is of no use in an image, and takes a download.
    ensure!(
        !log.contains("downloading component"),
        "rustup downloads in the build:\n{log}"
    );
    Ok(log)
}

/// The image does its work as nobody in particular, on a file system that it cannot write to, without a capability.
fn serves(project: &Project) -> Result<()> {
    let container = Container::start(project)?;
    container.await_health()?;
    let index = http::get(container.address, "/")?;
    ensure!(index.status == 200, "GET / answered {index:?}");

    let status = fs::read_to_string(format!(
        "/proc/{}/status",
        container.inspect("{{.State.Pid}}")?
    ))?;
    let users = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .context("a process without a user")?;
    ensure!(
        users.split_whitespace().all(|user| user == "65532"),
        "it runs as{users}"
    );
    let title =
        container.inspect(r#"{{index .Config.Labels "org.opencontainers.image.title"}}"#)?;
    ensure!(title == project.name, "its title is {title:?}");

    run(docker()?.args(["stop", "--time", "60", &container.name]))?;
    let exit = container.inspect("{{.State.ExitCode}}")?;
    ensure!(exit == "0", "`docker stop` made it end with {exit}");
    Ok(())
}

/// A container that is removed when the test is done with it.
struct Container {
    name: String,
    address: SocketAddr,
}

impl Container {
    fn start(project: &Project) -> Result<Self> {
        let image = &project.name;
        let name = format!("{image}-{}", process::id());
        let port = free_port()?;
        let mut docker = docker()?;
        docker.args(["run", "--detach", "--name", &name, "--network", "host"]);
        docker.args([
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
        ]);
        docker.args(["--env", &format!("APP__SERVER__PORT={port}")]);
        // Any that is free: the network is the host's, where others may run too.
        docker.args(["--env", "APP__METRICS__PORT=0"]);
        if project.has("postgres") {
            // It starts without the database that it is told of.
            docker.args(["--env", "APP__DATABASE__URL=postgres://127.0.0.1:1/none"]);
        }
        if project.has("auth") {
            docker.args([
                "--env",
                "APP__AUTH__KEY=known-to-all-and-for-this-test-alone",
            ]);
        }
        // The image's own check, only more often.
        docker.args(["--health-interval", "1s", image]);
        run(&mut docker)?;
        Ok(Self {
            name,
            address: (Ipv4Addr::LOCALHOST, port).into(),
        })
    }

    /// Waits until the engine finds it healthy by the HEALTHCHECK of its image.
    fn await_health(&self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) {
            if self.inspect("{{.State.Health.Status}}")? == "healthy" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(200));
        }
        let log = transcript(docker()?.args(["logs", &self.name]))?;
        bail!(
            "it is not healthy ({}) and said: {log}",
            self.inspect("{{json .State}}")?
        )
    }

    fn inspect(&self, format: &str) -> Result<String> {
        let value = run(docker()?.args(["container", "inspect", "--format", format, &self.name]))?;
        Ok(value.trim().to_owned())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Ok(mut docker) = docker() {
            // Nothing more can be done about one that stays.
            let _ = run(docker.args(["rm", "--force", &self.name]));
        }
    }
}

fn docker() -> Result<Command> {
    tool("docker")
}
