//! A container engine: builds images on stand-ins for their base images, and runs them with minimal privileges.

use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::command::{command, run, tool, transcript};
use crate::process::free_port;

/// Builds the image as a user would, on base images made by `tests/tools/engine`, and returns the build log. If its Dockerfile is
/// for several services, `target` selects one.
pub fn build(directory: &Path, tag: &str, target: Option<&str>) -> Result<String> {
    let dockerfile = fs::read_to_string(directory.join("Dockerfile"))?;
    create_stand_ins(&base_images(&dockerfile))?;
    let mut docker = docker()?;
    docker.args(["build", "--network", "host", "--progress", "plain"]);
    if let Some(target) = target {
        docker.args(["--target", target]);
    }
    let log = transcript(docker.args(["--tag", tag]).arg(directory))?;
    // The developers' clippy is of no use in an image, and would be downloaded.
    ensure!(
        !log.contains("downloading component"),
        "rustup downloads in the build:\n{log}"
    );
    Ok(log)
}

/// Creates the missing images.
pub fn create_stand_ins<T: AsRef<OsStr>>(images: &[T]) -> Result<()> {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/engine");
    run(command(engine).arg("stand-in").args(images))?;
    Ok(())
}

/// The base images of a Dockerfile, without its own stages.
fn base_images(dockerfile: &str) -> Vec<&str> {
    let mut stages = Vec::new();
    let mut bases = Vec::new();
    for from in dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
    {
        let (base, stage) = from.split_once(" AS ").unwrap_or((from, ""));
        if !stages.contains(&base) {
            bases.push(base);
        }
        stages.push(stage);
    }
    bases
}

/// The compiled crates, from a build log.
pub fn compiled_packages(log: &str) -> Vec<&str> {
    let lines = log.lines();
    lines
        .filter_map(|line| Some(line.split_once(" Compiling ")?.1))
        .collect()
}

/// A container that is removed at the end of the test.
pub struct Container {
    name: String,
    /// Its address.
    pub address: SocketAddr,
}

impl Container {
    /// Starts one as an unprivileged user, on a read-only file system, without capabilities; `port` is the variable that sets its
    /// port.
    pub fn start(image: &str, port: &str, arguments: &[&str]) -> Result<Self> {
        let free = free_port()?;
        let name = format!("{image}-{free}");
        let mut docker = docker()?;
        docker.args(["run", "--detach", "--name", &name, "--network", "host"]);
        docker.args([
            "--read-only",
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
        ]);
        docker.args(["--env", &format!("{port}={free}")]);
        run(docker.args(arguments).arg(image))?;
        Ok(Self {
            name,
            address: (Ipv4Addr::LOCALHOST, free).into(),
        })
    }

    pub fn inspect(&self, format: &str) -> Result<String> {
        let value = run(docker()?.args(["container", "inspect", "--format", format, &self.name]))?;
        Ok(value.trim().to_owned())
    }

    /// Its whole output.
    pub fn log(&self) -> Result<String> {
        transcript(docker()?.args(["logs", &self.name]))
    }

    /// The user of its process.
    pub fn user(&self) -> Result<String> {
        let process = self.inspect("{{.State.Pid}}")?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).with_context(|| {
            format!("its process has ended: {}", self.log().unwrap_or_default())
        })?;
        let users = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        let mut users: Vec<&str> = users.unwrap_or_default().split_whitespace().collect();
        users.dedup();
        Ok(users.join(" "))
    }

    /// Stops it, which must succeed before it is killed.
    pub fn stop(&self) -> Result<()> {
        run(docker()?.args(["stop", "--time", "60", &self.name]))?;
        let exit = self.inspect("{{.State.ExitCode}}")?;
        ensure!(exit == "0", "after `docker stop`, it ended with {exit}");
        Ok(())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Ok(mut docker) = docker() {
            // Nothing more can be done about one that remains.
            let _ = run(docker.args(["rm", "--force", &self.name]));
        }
    }
}

pub fn docker() -> Result<Command> {
    tool("docker")
}
