//! A generated service that runs, and what it has to do while it does.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::command::{command, refused, run, target};
use crate::http::{self, Connection};
use crate::project::Project;

/// Clients that ask without a pause while the service is told to stop.
const CLIENTS: usize = 8;

/// How long the service still takes new connections after its readiness fails.
const DRAIN: Duration = Duration::from_secs(2);

/// How long it takes a load balancer to act on that; it has to be shorter.
const PROPAGATION: Duration = Duration::from_secs(1);

/// The routes answer, and so do the commands of the binary beside the running service.
pub fn answers(project: &Project) -> Result<()> {
    let service = Service::start(project)?;
    let index = http::get(service.address, "/")?;
    ensure!(
        index.status == 200 && index.body.contains(&project.name),
        "GET / answered {index:?}"
    );
    for probe in ["/health", "/ready"] {
        let answer = http::get(service.address, probe)?;
        ensure!(answer.status == 200, "GET {probe} answered {answer:?}");
    }
    let missing = http::get(service.address, "/no/such/page")?;
    ensure!(
        missing.status == 404 && missing.header("content-type") == "application/problem+json",
        "an unknown path answered {missing:?}"
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
        "SIGTERM did not end it well"
    );
    refused(stopped.arg("health"))?;
    Ok(())
}

/// The requests of this test stand in them under their routes, and a path of no route under none of its own.
fn exposes_metrics(service: &Service) -> Result<()> {
    let metrics = http::get(service.metrics, "/metrics")?;
    ensure!(metrics.status == 200, "GET /metrics answered {metrics:?}");
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

/// A load balancer and its clients see no error when the service is told to stop, by the signal of an orchestrator and by
/// that of a terminal.
pub fn loses_no_request(project: &Project) -> Result<()> {
    for signal in ["TERM", "INT"] {
        stops_under_load(project, signal).with_context(|| format!("SIG{signal} under load"))?;
    }
    Ok(())
}

/// Sends `signal` while clients ask without a pause; none of them may notice, and the service has to end well.
pub fn stops_under_load(project: &Project, signal: &str) -> Result<()> {
    let service = Service::start(project)?;
    let address = service.address;
    let in_rotation = AtomicBool::new(true);
    let (served, unready) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| keep_asking(address, &in_rotation)))
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
        "only {served} requests were sent: that is no load"
    );
    let status = service.wait()?;
    ensure!(status.success(), "it ended with {status}");
    Ok(())
}

/// As a load balancer forwards: on a kept connection until an answer closes it, and on a new one while the service is in
/// rotation. Returns the number of answers; any that is missing is an error.
fn keep_asking(address: SocketAddr, in_rotation: &AtomicBool) -> Result<usize> {
    let mut served = 0;
    while in_rotation.load(Relaxed) {
        let mut connection = Connection::open(address)?;
        loop {
            let answer = connection
                .get("/")
                .with_context(|| format!("request {served} of a client"))?;
            ensure!(
                answer.status == 200,
                "request {served} of a client was answered {answer:?}"
            );
            served += 1;
            if answer.closes() {
                break;
            }
        }
    }
    Ok(served)
}

fn await_unready(address: SocketAddr) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < DRAIN {
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

/// A value of the wrong type stops the start, and names its key and where it stands; so does a key that means nothing.
pub fn refuses_a_bad_setting(project: &Project) -> Result<()> {
    let mut binary = command(project.binary()?);
    binary.current_dir(&project.directory);
    if !project.has("config") {
        let said = refused(binary.env("PORT", "many"))?;
        ensure!(
            said.contains("--port") && said.contains("many"),
            "a wrong value was refused with: {said}"
        );
        return Ok(());
    }
    let said = refused(binary.env("APP__SERVER__PORT", "many"))?;
    ensure!(
        said.contains("APP__SERVER__PORT"),
        "a wrong variable was refused with: {said}"
    );
    binary.env_remove("APP__SERVER__PORT");

    let local = project.path("config/local.toml");
    for (text, key) in [
        ("server.port = \"many\"\n", "server.port"),
        ("server.prot = 1\n", "prot"),
    ] {
        fs::write(&local, text)?;
        let said = refused(&mut binary);
        fs::remove_file(&local)?;
        let said = said?;
        ensure!(
            said.contains(key) && said.contains("local.toml"),
            "`{}` was refused with: {said}",
            text.trim()
        );
    }
    Ok(())
}

/// A port that is free now, and that nobody else on this machine is likely to take next.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// A process that listens; it is killed where a test ends early.
#[derive(Debug)]
struct Service {
    child: Child,
    executable: PathBuf,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    address: SocketAddr,
    /// Where its metrics are, if it has any.
    metrics: SocketAddr,
    log: PathBuf,
}

impl Service {
    fn start(project: &Project) -> Result<Self> {
        let (port, metrics_port) = (free_port()?, free_port()?);
        let (server, metrics) = if project.has("config") {
            ("APP__SERVER__", "APP__METRICS__")
        } else {
            ("", "METRICS_")
        };
        let mut environment = vec![
            (format!("{server}PORT"), port.to_string()),
            (
                format!("{server}DRAIN_SECONDS"),
                DRAIN.as_secs().to_string(),
            ),
        ];
        if project.has("telemetry") {
            environment.push((format!("{metrics}PORT"), metrics_port.to_string()));
        }
        let executable = project.binary()?;
        let log = target()
            .join("generated")
            .join(format!("{}.log", project.name));
        let output = File::create(&log)?;
        let child = command(&executable)
            .current_dir(&project.directory)
            .envs(environment.clone())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", executable.display()))?;
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let metrics = (Ipv4Addr::LOCALHOST, metrics_port).into();
        let mut service = Self {
            child,
            executable,
            environment,
            directory: project.directory.clone(),
            address,
            metrics,
            log,
        };
        service.await_answer()?;
        Ok(service)
    }

    fn await_answer(&mut self) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(10) {
            if http::get(self.address, "/health").is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!(
                    "it ended with {status} and said: {}",
                    fs::read_to_string(&self.log)?
                );
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "it does not answer on {} and said: {}",
            self.address,
            fs::read_to_string(&self.log)?
        )
    }

    /// Its binary, with the settings it runs with.
    fn binary(&self) -> Command {
        let mut binary = command(&self.executable);
        binary
            .current_dir(&self.directory)
            .envs(self.environment.clone());
        binary
    }

    fn signal(&self, name: &str) -> Result<()> {
        run(command("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string()))?;
        Ok(())
    }

    fn stop(self, signal: &str) -> Result<ExitStatus> {
        self.signal(signal)?;
        self.wait()
    }

    fn wait(mut self) -> Result<ExitStatus> {
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!(
            "it does not stop; it said: {}",
            fs::read_to_string(&self.log)?
        )
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail where it has ended, which is how most tests end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
