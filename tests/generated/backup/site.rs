//! The environment of a backup: a server with a database, a storage, and a project's scripts.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::command::{command, run, tool};
use crate::process::free_port;
use crate::project::Project;
use crate::servers::Postgres;

pub const BUCKET: &str = "orders-backups";

/// All types whose text depends on a setting, names that must be quoted, and parts of a table other than its rows.
const CONTENTS: &str = r#"
    CREATE TABLE items (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, weight float8, price numeric,
        made timestamptz DEFAULT now(), took interval, photo bytea, tags text[], more jsonb);
    INSERT INTO items (name, weight, price, took, photo, tags, more)
        SELECT 'item ' || n, n / 7.0, n / 100.0, n * interval '1 hour', decode(md5(n::text), 'hex'), ARRAY['a', NULL],
            jsonb_build_object('n', n)
        FROM generate_series(1, 2000) AS n;
    CREATE SCHEMA "odd one";
    CREATE TABLE "odd one"."Rows | of it" (t int, "a ""quoted""" text);
    INSERT INTO "odd one"."Rows | of it" VALUES (1, E'a\nb|c'), (NULL, NULL), (NULL, NULL);
    CREATE TABLE of_nothing ();
    CREATE VIEW names AS SELECT name FROM items;
"#;

/// A server with a database, a storage with a bucket, and a project's scripts.
pub struct Site {
    pub postgres: Postgres,
    storage: Storage,
    /// Not in `target`: the server's user, with which the scripts run, may have no access to this repository.
    directory: TempDir,
    environment: Vec<(String, String)>,
}

impl Site {
    pub fn start(encryption: &str) -> Result<Self> {
        let arguments =
            format!("--preset minimal --with backup --set backup.encryption={encryption}");
        let project = Project::render(&format!("backup_{encryption}"), &arguments)?;
        let directory = TempDir::new()?;
        for name in ["bin", "stored", "work"] {
            fs::create_dir(directory.path().join(name))?;
        }
        run(command("cp")
            .arg("-r")
            .arg(project.path("backup"))
            .arg(directory.path()))?;
        let storage = Storage::start()?;
        let mut site = Self {
            postgres: Postgres::start()?,
            environment: Vec::new(),
            storage,
            directory,
        };
        site.set_environment()?;
        site.generate_keys(encryption)?;
        Postgres::give_ownership(site.directory.path())?;
        site.rclone(&["mkdir", &format!("storage:{BUCKET}")])?;
        site.postgres.query("CREATE DATABASE orders")?;
        site.query("orders", CONTENTS)?;
        Ok(site)
    }

    fn set_environment(&mut self) -> Result<()> {
        let own = self.directory.path().join("bin");
        let paths = env::var_os("PATH").unwrap_or_default();
        let paths = [own, Postgres::binaries()?]
            .into_iter()
            .chain(env::split_paths(&paths));
        let paths = env::join_paths(paths)?;
        let work = self.directory.path().join("work");
        for (name, value) in [
            ("PATH", paths.to_string_lossy().as_ref()),
            ("WORK_DIR", &work.to_string_lossy()),
            ("DATABASE_URL", &self.url("orders")),
            ("S3_ENDPOINT", &self.storage.endpoint.clone()),
            ("S3_REGION", "us-east-1"),
            ("S3_BUCKET", BUCKET),
            ("S3_PREFIX", "test"),
            ("KEEP_COUNT", "14"),
            ("KEEP_DAYS", "30"),
        ] {
            self.set(name, value);
        }
        Ok(())
    }

    fn generate_keys(&mut self, encryption: &str) -> Result<()> {
        let place = self.directory.path().to_owned();
        let path = |name: &str| place.join(name).to_string_lossy().into_owned();
        match encryption {
            "age" => {
                let identity = path("identity");
                run(command("age-keygen").args(["--output", &identity]))?;
                let recipient = run(command("age-keygen").args(["-y", &identity]))?;
                self.set("AGE_IDENTITY_FILE", &identity);
                self.set("AGE_RECIPIENTS", recipient.trim());
            }
            "gpg" => {
                let home = TempDir::new()?;
                let gpg = || {
                    let mut gpg = command("gpg");
                    gpg.arg("--homedir").arg(home.path());
                    gpg.args(["--batch", "--quiet", "--passphrase", ""]);
                    gpg
                };
                run(gpg().args([
                    "--quick-generate-key",
                    "backup",
                    "rsa2048",
                    "encrypt",
                    "never",
                ]))?;
                let (public, private) = (path("public"), path("private"));
                run(gpg().args(["--armor", "--output", &public, "--export"]))?;
                run(gpg().args(["--armor", "--output", &private, "--export-secret-keys"]))?;
                self.set("GPG_PUBLIC_KEYS_FILE", &public);
                self.set("GPG_PRIVATE_KEY_FILE", &private);
            }
            _ => {}
        }
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(other, _)| other != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    pub fn script(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let mut script = Postgres::run_as(&self.directory.path().join("backup").join(name))?;
        script.args(arguments).envs(self.storage.credentials());
        script.env_remove("AWS_CA_BUNDLE");
        script.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(script)
    }

    pub fn url(&self, database: &str) -> String {
        let url = self.postgres.url();
        format!("{}/{database}", url.trim_end_matches("/postgres"))
    }

    pub fn query(&self, database: &str, statement: &str) -> Result<String> {
        let mut client = command("psql");
        client.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        run(client.arg(self.url(database)))
    }

    /// Every row, read independently of the scripts.
    pub fn contents(&self, database: &str) -> Result<String> {
        let rows = [
            "SELECT i, i.tableoid::regclass FROM items AS i ORDER BY id",
            "SELECT r FROM \"odd one\".\"Rows | of it\" AS r ORDER BY r::text",
            "SELECT count(*) FROM of_nothing",
            "SELECT count(*) FROM names",
        ];
        let rows = rows.map(|statement| self.query(database, statement));
        Ok(rows.into_iter().collect::<Result<Vec<_>>>()?.concat())
    }

    pub fn databases(&self) -> Result<Vec<String>> {
        let names = "SELECT datname FROM pg_database WHERE datname ~ 'orders' ORDER BY datname";
        let names = self.postgres.query(names)?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    pub fn rclone(&self, arguments: &[&str]) -> Result<String> {
        let mut rclone = command("rclone");
        rclone.args(arguments).envs(self.storage.credentials());
        rclone.env_remove("AWS_CA_BUNDLE").env("RCLONE_CONFIG", "");
        for (name, value) in [
            ("TYPE", "s3"),
            ("PROVIDER", "Other"),
            ("ENV_AUTH", "true"),
            ("ENDPOINT", &self.storage.endpoint),
        ] {
            rclone.env(format!("RCLONE_CONFIG_STORAGE_{name}"), value);
        }
        run(&mut rclone)
    }

    pub fn backups(&self) -> Result<Vec<String>> {
        let names = run(&mut self.script("restore", &["--list"])?)?;
        Ok(names.lines().map(str::to_owned).collect())
    }

    /// The path in the storage of a file of the newest backup.
    pub fn remote_path(&self, file: &str) -> Result<String> {
        let newest = self.backups()?.into_iter().next().context("no backup")?;
        Ok(format!("storage:{BUCKET}/test/{newest}/{file}"))
    }

    /// The directory with copies of those files.
    pub fn local_copies(&self) -> PathBuf {
        self.directory.path().join("stored")
    }

    pub fn read(&self, file: &str) -> Result<Vec<u8>> {
        let copy = self.local_copies().join(file);
        let encrypted = ["", ".age", ".gpg"].map(|suffix| format!("{file}{suffix}"));
        let place = self.remote_path("")?;
        let names = self.rclone(&["lsf", &place])?;
        let name = encrypted
            .iter()
            .find(|name| names.lines().any(|other| other == *name))
            .with_context(|| format!("no {file} in {names}"))?;
        self.rclone(&["copyto", &format!("{place}{name}"), &copy.to_string_lossy()])?;
        Ok(fs::read(copy)?)
    }

    pub fn write(&self, file: &str, contents: &[u8]) -> Result<()> {
        let copy = self.local_copies().join(file);
        fs::write(&copy, contents)?;
        let place = self.remote_path(file)?;
        self.rclone(&["copyto", "--ignore-times", &copy.to_string_lossy(), &place])?;
        Ok(())
    }

    /// Copies the newest backup to one of this name, which is its time.
    pub fn copy_newest_to(&self, name: &str) -> Result<()> {
        let newest = self.remote_path("")?;
        let older = format!("storage:{BUCKET}/test/{name}");
        self.rclone(&["copy", &newest, &older])?;
        Ok(())
    }

    /// From now on, the table checksums are not uploaded correctly.
    pub fn break_uploads(&self, instead: &str) -> Result<()> {
        let real = run(command("sh").args(["-c", "command -v rclone"]))?;
        let instead = instead.replace("real", real.trim());
        let real = real.trim();
        let fake = format!(
            "#!/bin/sh\ncase \"$1 $2\" in\n\"copyto \"*/tables) {instead} ;;\n*) exec {real} \"$@\" ;;\nesac\n"
        );
        let path = self.fake_rclone();
        fs::write(&path, fake)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }

    pub fn repair_uploads(&self) -> Result<()> {
        Ok(fs::remove_file(self.fake_rclone())?)
    }

    fn fake_rclone(&self) -> PathBuf {
        self.directory.path().join("bin/rclone")
    }
}

/// An S3-compatible server without persistence.
struct Storage {
    server: Child,
    endpoint: String,
}

impl Storage {
    fn start() -> Result<Self> {
        let port = free_port()?;
        let mut server = tool("moto_server")?;
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let mut storage = Self {
            server,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(storage);
            }
            if let Some(status) = storage.server.try_wait()? {
                bail!("moto ended with {status}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("moto does not respond")
    }

    /// The server accepts any.
    fn credentials(&self) -> [(&'static str, &'static str); 2] {
        [
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        // The error of the test that ends here is the one to report.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
