//! A running generated service.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::command::{command, run, target};
use crate::http;
use crate::project::Project;

/// How long the service still accepts new connections after its readiness fails.
pub const DRAIN: Duration = Duration::from_secs(2);

/// A port that is free now, and that no other process on this machine is likely to use next.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Options for starting a service.
#[derive(Debug, Default)]
pub struct StartOptions<'a> {
    pub settings: Vec<(&'a str, String)>,
    /// The output of its log, if not a file.
    pub output: Option<Stdio>,
    /// Its limit on open files, if not that of this test.
    pub files: Option<u32>,
}

impl StartOptions<'_> {
    pub fn start(self, project: &Project) -> Result<Service> {
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
        let settings = self.settings.into_iter();
        environment.extend(settings.map(|(name, value)| (name.to_owned(), value)));
        let executable = project.binary()?;
        let log = log(project);
        let errors = File::create(&log)?;
        let output = match self.output {
            Some(output) => output,
            None => errors.try_clone()?.into(),
        };
        let mut start = command(&executable);
        if let Some(files) = self.files {
            start = command("prlimit");
            start
                .arg(format!("--nofile={files}:{files}"))
                .arg(&executable);
        }
        let child = start
            .current_dir(&project.directory)
            .envs(environment.clone())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {}", executable.display()))?;
        let address = (Ipv4Addr::LOCALHOST, port).into();
        let metrics = (Ipv4Addr::LOCALHOST, metrics_port).into();
        let mut service = Service {
            child,
            executable,
            environment,
            directory: project.directory.clone(),
            address,
            metrics,
            log,
        };
        service.wait_until_ready()?;
        Ok(service)
    }
}

/// A listening process; it is killed if a test ends early.
#[derive(Debug)]
pub struct Service {
    child: Child,
    executable: PathBuf,
    environment: Vec<(String, String)>,
    directory: PathBuf,
    pub address: SocketAddr,
    /// The address of its metrics, if it has any.
    pub metrics: SocketAddr,
    log: PathBuf,
}

impl Service {
    pub fn start(project: &Project) -> Result<Self> {
        StartOptions::default().start(project)
    }

    /// Starts it with additional settings.
    pub fn start_with(project: &Project, settings: Vec<(&str, String)>) -> Result<Self> {
        let start = StartOptions {
            settings,
            ..StartOptions::default()
        };
        start.start(project)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(10) {
            if http::get(self.address, "/health").is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}; its log: {}", self.log()?);
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!(
            "it does not respond on {}; its log: {}",
            self.address,
            self.log()?
        )
    }

    /// Its binary, with the settings it runs with.
    pub fn binary(&self) -> Command {
        let mut binary = command(&self.executable);
        binary
            .current_dir(&self.directory)
            .envs(self.environment.clone());
        binary
    }

    /// What it has logged so far.
    pub fn log(&self) -> Result<String> {
        Ok(fs::read_to_string(&self.log)?)
    }

    pub fn signal(&self, name: &str) -> Result<()> {
        run(command("kill")
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string()))?;
        Ok(())
    }

    pub fn stop(self, signal: &str) -> Result<ExitStatus> {
        self.signal(signal)?;
        self.wait()
    }

    pub fn wait(mut self) -> Result<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("it does not stop; its log: {}", self.log()?)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail if it has ended, which is how most tests end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log(project: &Project) -> PathBuf {
    target()
        .join("generated")
        .join(format!("{}.log", project.name))
}
