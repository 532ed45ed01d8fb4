//! Requirements on a running generated service.

use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{command, run, run_failing};
use crate::http::{self, Connection, await_status};
use crate::process::{DRAIN, Service};
use crate::project::Project;
use crate::servers::Servers;

/// Clients that send requests without a pause while the service is told to stop.
const CLIENTS: usize = 8;

/// How long a load balancer takes to react; it must be shorter than the drain period.
const PROPAGATION: Duration = Duration::from_secs(1);

/// The routes respond, and the binary's commands work while the service is running.
pub fn routes_respond(project: &Project) -> Result<()> {
    let servers = Servers::start(project)?;
    let service = Service::start_with(project, servers.settings())?;
    await_status(service.address, "/ready", 200)?;
    let index = http::get(service.address, "/")?;
    ensure!(
        index.status == 200 && index.body.contains(&project.name),
        "GET / returned {index:?}"
    );
    let health = http::get(service.address, "/health")?;
    ensure!(health.status == 200, "GET /health returned {health:?}");
    let missing = http::get(service.address, "/no/such/page")?;
    ensure!(
        missing.status == 404 && missing.header("content-type") == "application/problem+json",
        "an unknown path returned {missing:?}"
    );
    if project.has("telemetry") {
        exposes_metrics(&service)?;
    }

    run(service.binary().arg("health"))?;
    let version = run(service.binary().arg("--version"))?;
    ensure!(version.contains("0.1.0"), "--version printed {version}");
    let help = run(service.binary().arg("--help"))?;
    ensure!(help.contains("health"), "--help printed {help}");

    let mut stopped = service.binary();
    ensure!(
        service.stop("TERM")?.success(),
        "SIGTERM did not stop it cleanly"
    );
    run_failing(stopped.arg("health"))?;
    Ok(())
}

/// The requests of this test are in them under their routes, and a path without a route under none.
fn exposes_metrics(service: &Service) -> Result<()> {
    let metrics = http::get(service.metrics, "/metrics")?;
    ensure!(metrics.status == 200, "GET /metrics returned {metrics:?}");
    let requests: Vec<&str> = metrics
        .body
        .lines()
        .filter(|line| line.starts_with("http_") && line.contains("_total{"))
        .collect();
    ensure!(
        requests.iter().any(|line| line.contains("\"/\"")),
        "no request to / among {requests:?}"
    );
    ensure!(
        !metrics.body.contains("/no/such/page"),
        "a label holds a raw path: {}",
        metrics.body
    );
    Ok(())
}

/// A load balancer and its clients see no error when the service is stopped, by an orchestrator's signal or by a terminal's.
pub fn loses_no_request(project: &Project) -> Result<()> {
    let servers = Servers::start(project)?;
    for signal in ["TERM", "INT"] {
        let stopped = stops_under_load(project, &servers, signal);
        stopped.with_context(|| format!("SIG{signal} under load"))?;
    }
    Ok(())
}

/// Sends `signal` while clients send requests without a pause; none of them may notice, and the service must exit successfully.
pub fn stops_under_load(project: &Project, servers: &Servers, signal: &str) -> Result<()> {
    let service = Service::start_with(project, servers.settings())?;
    let address = service.address;
    await_status(address, "/ready", 200)?;
    let in_rotation = AtomicBool::new(true);
    let (served, unready) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| send_requests(address, &in_rotation)))
            .collect();
        thread::sleep(Duration::from_millis(500));
        let unready = service.signal(signal).and_then(|()| await_unready(address));
        thread::sleep(PROPAGATION);
        in_rotation.store(false, Relaxed);
        (
            clients.into_iter().map(join).sum::<Result<usize>>(),
            unready,
        )
    });
    let served = served?;
    unready?;
    ensure!(
        served > CLIENTS * 10,
        "only {served} requests were sent, which is no load"
    );
    let status = service.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// Requests as a load balancer forwards them: on a kept connection until a response closes it, and on a new one while the service
/// is in rotation. Returns the number of responses; a missing one is an error.
fn send_requests(address: SocketAddr, in_rotation: &AtomicBool) -> Result<usize> {
    let mut served = 0;
    while in_rotation.load(Relaxed) {
        let mut connection = Connection::open(address)?;
        loop {
            let response = connection
                .get("/")
                .with_context(|| format!("request {served} of a client"))?;
            ensure!(
                response.status == 200,
                "request {served} of a client got {response:?}"
            );
            served += 1;
            if response.closes() {
                break;
            }
        }
    }
    Ok(served)
}

fn await_unready(address: SocketAddr) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < DRAIN {
        let readiness = http::get(address, "/ready")?;
        if readiness.status == 503 {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(50));
    }
    bail!("readiness did not fail")
}

fn join<T>(client: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    client.join().unwrap_or_else(|_| bail!("a client panicked"))
}

/// A value of the wrong type prevents the start, with an error that names its key and place; so does an unknown key.
pub fn rejects_invalid_settings(project: &Project) -> Result<()> {
    let mut binary = command(project.binary()?);
    binary.current_dir(&project.directory);
    if !project.has("config") {
        let output = run_failing(binary.env("PORT", "many"))?;
        ensure!(
            output.contains("--port") && output.contains("many"),
            "an invalid value was rejected with: {output}"
        );
        return Ok(());
    }
    let output = run_failing(binary.env("APP__SERVER__PORT", "many"))?;
    ensure!(
        output.contains("APP__SERVER__PORT"),
        "an invalid variable was rejected with: {output}"
    );
    binary.env_remove("APP__SERVER__PORT");

    let local = project.path("config/local.toml");
    for (text, key) in [
        ("server.port = \"many\"\n", "server.port"),
        ("server.prot = 1\n", "prot"),
    ] {
        fs::write(&local, text)?;
        let output = run_failing(&mut binary);
        fs::remove_file(&local)?;
        let output = output?;
        ensure!(
            output.contains(key) && output.contains("local.toml"),
            "`{}` was rejected with: {output}",
            text.trim()
        );
    }
    Ok(())
}
