//! The image: actually built, and run with minimal privileges.

mod compose;
mod crates;
mod engine;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::http;
use crate::project::Project;
use engine::{Container, build, compiled_packages};

/// The project of most of these tests: its dependencies, which take minutes, are compiled by the first of them.
fn project() -> Result<Project> {
    Project::new("image", "--preset full")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn distroless_image_serves() -> Result<()> {
    let project = project()?;
    build(&project.directory, &project.name, None)?;
    serves(&project)
}

/// It is also built from a crate whose lock file is not committed.
#[test]
#[ignore = "needs a container engine: tests/run image"]
fn debian_image_serves() -> Result<()> {
    let project = Project::new("image_debian", "--preset minimal --set docker.base=debian")?;
    fs::remove_file(project.path("Cargo.lock"))?;
    build(&project.directory, &project.name, None)?;
    serves(&project)
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn source_edit_recompiles_no_dependency() -> Result<()> {
    let project = project()?;
    build(&project.directory, &project.name, None)?;
    edit(&project.path("src/main.rs"))?;
    let log = build(&project.directory, &project.name, None)?;
    let compiled = compiled_packages(&log);
    ensure!(
        compiled.len() == 1 && compiled[0].starts_with(&project.name),
        "it compiled {compiled:?}"
    );
    Ok(())
}

/// Makes a source file unique: the engine caches what it has built.
fn edit(source: &Path) -> Result<()> {
    let mut source = OpenOptions::new()
        .append(true)
        .open(source)
        .with_context(|| format!("opening {}", source.display()))?;
    let (process, now) = (process::id(), Instant::now());
    writeln!(source, "\n// edited by process {process} at {now:?}")?;
    Ok(())
}

/// The image works as an unprivileged user, on a read-only file system, without capabilities.
fn serves(project: &Project) -> Result<()> {
    let container = start(project)?;
    await_health(&container)?;
    let index = http::get(container.address, "/")?;
    ensure!(index.status == 200, "GET / returned {index:?}");

    let user = container.user()?;
    ensure!(user == "65532", "it runs as {user}");
    let title =
        container.inspect(r#"{{index .Config.Labels "org.opencontainers.image.title"}}"#)?;
    ensure!(title == project.name, "its title is {title:?}");

    container.stop()
}

fn start(project: &Project) -> Result<Container> {
    // Any free port for metrics: the network is the host's, in which others may run too. And the image's own health check, only
    // more often.
    let mut arguments = vec!["--env", "APP__METRICS__PORT=0", "--health-interval", "1s"];
    if project.has("postgres") {
        // It starts without its database.
        arguments.extend(["--env", "APP__DATABASE__URL=postgres://127.0.0.1:1/none"]);
    }
    if project.has("auth") {
        arguments.extend([
            "--env",
            "APP__AUTH__KEY=known-to-all-and-for-this-test-alone",
        ]);
    }
    Container::start(&project.name, "APP__SERVER__PORT", &arguments)
}

/// Waits until the engine reports it healthy, by its image's HEALTHCHECK.
fn await_health(container: &Container) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if container.inspect("{{.State.Health.Status}}")? == "healthy" {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    bail!(
        "it is not healthy ({}); its log: {}",
        container.inspect("{{json .State}}")?,
        container.log()?
    )
}
