//! A PostgreSQL and a Redis for a single test, which may stop them; they end with it.

use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::command::{command, run};
use crate::process::free_port;
use crate::project::Project;

/// How long a server may take to start or to stop.
const TIMEOUT: Duration = Duration::from_secs(30);

/// All servers that a project can use.
#[derive(Debug)]
pub struct Servers {
    pub postgres: Option<Postgres>,
    pub redis: Option<Redis>,
}

impl Servers {
    pub fn start(project: &Project) -> Result<Self> {
        let postgres = project.has("postgres").then(Postgres::start);
        let redis = project.has("redis").then(Redis::start);
        Ok(Self {
            postgres: postgres.transpose()?,
            redis: redis.transpose()?,
        })
    }

    /// The settings of the service that refer to them.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        self.variables("APP__DATABASE__URL", "APP__CACHE__URL")
    }

    /// The settings of its tests.
    pub fn test_settings(&self) -> Vec<(&'static str, String)> {
        self.variables("DATABASE_URL", "REDIS_URL")
    }

    fn variables(
        &self,
        postgres: &'static str,
        redis: &'static str,
    ) -> Vec<(&'static str, String)> {
        let of_postgres = self.postgres.iter().map(|server| (postgres, server.url()));
        let of_redis = self.redis.iter().map(|server| (redis, server.url()));
        of_postgres.chain(of_redis).collect()
    }
}

/// A PostgreSQL with an empty database.
#[derive(Debug)]
pub struct Postgres {
    /// Not in `target`: the server's user may have no access to this repository.
    directory: TempDir,
    port: u16,
    server: Option<Child>,
}

impl Postgres {
    pub fn start() -> Result<Self> {
        let mut postgres = Self {
            directory: TempDir::new()?,
            port: free_port()?,
            server: None,
        };
        postgres.initialise()?;
        postgres.resume()?;
        Ok(postgres)
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it again, on the same port and with the same data.
    pub fn resume(&mut self) -> Result<()> {
        let mut server = Self::program("postgres")?;
        server
            .arg("-D")
            .arg(self.data())
            .args(["-p", &self.port.to_string(), "-h", "127.0.0.1"]);
        // No test depends on surviving a power cut, but many would wait for the disk.
        server.args(["-c", "fsync=off", "-c", "unix_socket_directories="]);
        server.stdout(Stdio::null()).stderr(Stdio::null());
        self.server = Some(server.spawn().context("starting PostgreSQL")?);
        self.await_connections()
    }

    /// Stops it, closing all its connections.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            return Ok(());
        };
        // "Fast": does not wait for clients.
        run(command("kill").args(["-INT", &server.id().to_string()]))?;
        server.wait()?;
        Ok(())
    }

    /// Runs a statement in it, and returns the output.
    pub fn query(&self, statement: &str) -> Result<String> {
        let mut client = command("psql");
        run(client.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statement,
            &self.url(),
        ]))
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn initialise(&self) -> Result<()> {
        Self::give_ownership(self.directory.path())?;
        let mut initdb = Self::program("initdb")?;
        initdb.args(["-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"]);
        run(initdb.args(["--locale", "C", "-D"]).arg(self.data()))?;
        Ok(())
    }

    fn await_connections(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            if self.query("select 1").is_ok() {
                return Ok(());
            }
            let ended = self.server.as_mut().map(Child::try_wait).transpose()?;
            if let Some(status) = ended.flatten() {
                bail!("PostgreSQL ended with {status}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("PostgreSQL does not respond")
    }

    /// From the newest installed release.
    pub fn binaries() -> Result<PathBuf> {
        let mut releases: Vec<_> = Path::new("/usr/lib/postgresql")
            .read_dir()
            .context("PostgreSQL is missing: `tests/run validators` installs it")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .collect();
        releases.sort_unstable();
        let newest = releases.last().context("PostgreSQL has no release")?;
        Ok(format!("/usr/lib/postgresql/{newest}/bin").into())
    }

    /// Runs a program as a user with which PostgreSQL runs: not as root.
    pub fn run_as(path: &Path) -> Result<Command> {
        if !is_root()? {
            return Ok(command(path));
        }
        let mut program = command("setpriv");
        program.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
        program.arg(path).current_dir("/");
        Ok(program)
    }

    /// Gives that user ownership of a directory.
    pub fn give_ownership(directory: &Path) -> Result<()> {
        if is_root()? {
            run(command("chown").args(["-R", "postgres"]).arg(directory))?;
        }
        Ok(())
    }

    fn program(name: &str) -> Result<Command> {
        Self::run_as(&Self::binaries()?.join(name))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The error of the test that ends here is the one to report.
        let _ = self.stop();
    }
}

/// A Redis without persistence.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    server: Child,
}

impl Redis {
    pub fn start() -> Result<Self> {
        let port = free_port()?;
        let server = Self::spawn(port)?;
        let mut redis = Self { port, server };
        redis.await_connections()?;
        Ok(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it again, on the same port and empty.
    pub fn resume(&mut self) -> Result<()> {
        self.server = Self::spawn(self.port)?;
        self.await_connections()
    }

    /// Kills it without notifying its clients.
    pub fn kill(&mut self) -> Result<()> {
        self.server.kill()?;
        self.server.wait()?;
        Ok(())
    }

    fn spawn(port: u16) -> Result<Child> {
        let mut server = command("redis-server");
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        server.args(["--save", "", "--appendonly", "no"]);
        server
            .stdout(Stdio::null())
            .spawn()
            .context("starting redis-server, which `tests/run validators` installs")
    }

    fn await_connections(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                bail!("Redis ended with {status}");
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("Redis does not respond")
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // The test may have killed it.
        let _ = self.kill();
    }
}

fn is_root() -> Result<bool> {
    Ok(run(command("id").arg("-u"))?.trim() == "0")
}
