//! compose.yaml: it starts the service and its servers in order, and they work together.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Result, ensure};

use super::engine::{build, create_stand_ins, docker};
use crate::command::{run, tool};
use crate::http;
use crate::process::free_port;
use crate::project::Project;

/// The engine of these tests only has the host's network: a name there resolves to this machine, and no port can be published.
const HOST_NETWORK: &str = "
    network_mode: host
    extra_hosts: [\"db:127.0.0.1\", \"redis:127.0.0.1\"]
    ports: !reset []
";

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn compose_starts_the_service_with_its_servers() -> Result<()> {
    let project = super::project()?;
    // Compose's own build needs a newer engine.
    let image = format!("{}:development", project.name);
    build(&project.directory, &image, None)?;
    let stack = Stack::new(&project)?;
    create_stand_ins(&stack.images()?)?;

    stack.compose(&["up", "--no-build", "--detach", "--wait", "app"])?;
    let migrated = stack.inspect("migrate", "{{.State.Status}} {{.State.ExitCode}}")?;
    ensure!(migrated == "exited 0", "the migrations: {migrated}");
    let ready = http::get(stack.address, "/ready")?;
    ensure!(ready.status == 200, "GET /ready returned {ready:?}");
    let item = http::post(stack.address, "/api/v1/items", r#"{"name": "a sample"}"#)?;
    ensure!(item.status == 201, "POST returned {item:?}");
    for _ in 0..2 {
        let found = http::get(stack.address, item.header("location"))?;
        ensure!(found.status == 200, "GET returned {found:?}");
    }
    let metrics = http::get(stack.metrics, "/metrics")?.body;
    let hits = metrics
        .lines()
        .find_map(|line| line.strip_prefix("cache_requests_total{outcome=\"hit\"} "));
    ensure!(
        hits.is_some_and(|hits| hits != "0"),
        "nothing came from the cache:\n{metrics}"
    );
    let confined = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.Config.User}}";
    let confined = stack.inspect("app", confined)?;
    ensure!(
        confined == "true [ALL] [no-new-privileges:true] 65532:65532",
        "it runs as {confined}"
    );

    stack.compose(&["stop", "app"])?;
    let stopped = stack.inspect("app", "{{.State.ExitCode}}")?;
    ensure!(stopped == "0", "it stopped with {stopped}");

    // New containers, with the previous ones' data in a volume.
    stack.compose(&["down"])?;
    stack.compose(&["up", "--no-build", "--detach", "--wait", "app"])?;
    let kept = http::get(stack.address, item.header("location"))?;
    ensure!(kept.status == 200, "GET returned {kept:?}");
    Ok(())
}

/// A project's containers and volumes, which are removed at the end of the test.
struct Stack {
    name: String,
    directory: PathBuf,
    /// The address of the service.
    address: SocketAddr,
    metrics: SocketAddr,
}

impl Stack {
    fn new(project: &Project) -> Result<Self> {
        let (port, metrics_port) = (free_port()?, free_port()?);
        let stack = Self {
            name: project.name.clone(),
            directory: project.directory.clone(),
            address: (Ipv4Addr::LOCALHOST, port).into(),
            metrics: (Ipv4Addr::LOCALHOST, metrics_port).into(),
        };
        let mut changes = String::from("services:\n");
        for service in ["app", "migrate", "db", "redis"] {
            changes.push_str(&format!("  {service}:{HOST_NETWORK}"));
            if service == "app" {
                changes.push_str(&format!(
                    "    environment:\n      APP__SERVER__PORT: {port}\n      APP__METRICS__PORT: {metrics_port}\n"
                ));
            }
        }
        // Compose reads it by default.
        fs::write(stack.directory.join("compose.override.yaml"), changes)?;
        Ok(stack)
    }

    /// The images of the servers.
    fn images(&self) -> Result<Vec<String>> {
        let images = self.compose(&["config", "--images", "db", "redis"])?;
        Ok(images.lines().map(str::to_owned).collect())
    }

    fn compose(&self, arguments: &[&str]) -> Result<String> {
        run(tool("compose")?
            .current_dir(&self.directory)
            .args(arguments))
    }

    fn inspect(&self, service: &str, format: &str) -> Result<String> {
        let container = format!("{}-{service}-1", self.name);
        let value = run(docker()?.args(["container", "inspect", "--format", format, &container]))?;
        Ok(value.trim().to_owned())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Nothing more can be done about remains.
        let _ = self.compose(&["down", "--volumes", "--remove-orphans"]);
    }
}
