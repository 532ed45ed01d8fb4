//! The images of crates that `new` did not make: `tests/applications`, and servers that others have published.
//!
//! Each is copied to where it is a repository of its own, and gets what `cargo prodify add docker` writes without a question.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::edit;
use super::engine::{Container, build, compiled};
use crate::command::{command, run, target};
use crate::http;
use crate::project::Project;
use crate::published;
use crate::validators;

/// How long a program may take to start.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn each_service_of_a_workspace_has_an_image() -> Result<()> {
    let services = Crate::written("services")?;
    services.add(&["--bin", "admin", "--bin", "serve", "--bin", "worker"])?;

    let serve = services.image(Some("serve"), "API_PORT")?;
    says(&serve, "/", "api")?;
    // What the build script of a member wrote, and not the empty one in whose place it came.
    says(&serve, "/healthz", "seven")?;
    serve.stop()?;

    let admin = services.image(Some("admin"), "ADMIN_PORT")?;
    says(&admin, "/", "admin")?;
    admin.stop()?;

    let worker = services.image(Some("worker"), "UNUSED")?;
    logs(&worker, "working")?;
    worker.stop()?;
    ensure!(worker.log()?.ends_with("done\n"), "it was not asked to end");

    services.compiles_only_itself("crates/shared/src/lib.rs", Some("serve"))
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn a_library_of_the_system_is_in_the_image() -> Result<()> {
    Crate::written("openssl")?.fits("src/main.rs", "OpenSSL 3")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn the_client_library_of_a_database_is_in_the_image() -> Result<()> {
    Crate::written("libpq")?.fits("src/main.rs", "libpq 17")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn a_library_that_cmake_compiles_is_in_the_binary() -> Result<()> {
    Crate::written("kafka")?.fits("src/main.rs", "librdkafka 2")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn what_cargo_is_configured_for_holds_in_the_image_where_it_is_meant_for_it() -> Result<()> {
    // The wrapper that its configuration names is not in the image, and where the binary ends up is its own choice.
    Crate::written("configured")?.fits("src/main.rs", "as configured")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn queries_are_checked_without_a_database() -> Result<()> {
    Crate::written("offline")?.fits("src/main.rs", "kept")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn what_is_read_at_run_time_is_in_the_image() -> Result<()> {
    let pages = Crate::written("pages")?;
    pages.add(&[])?;
    let container = pages.image(None, "PORT")?;
    says(&container, "/", "A page")?;
    says(&container, "/static/style.css", "color: green")?;
    container.stop()?;
    pages.compiles_only_itself("src/main.rs", None)
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn dependencies_by_path_are_built_in_and_compiled_again_when_they_change() -> Result<()> {
    Crate::written("private")?.fits("vendor/phrases/phrases.rs", "7 greetings, reader")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn a_crate_without_a_lock_file_is_built() -> Result<()> {
    let unlocked = Crate::written("unlocked")?;
    ensure!(!unlocked.directory.join("Cargo.lock").exists());
    unlocked.fits("app/main.rs", "12")
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn protocol_buffers_are_compiled() -> Result<()> {
    let tonic = Crate::written("tonic")?;
    tonic.add(&[])?;
    let container = tonic.image(None, "PORT")?;
    speaks_http2(container.address)?;
    container.stop()?;
    tonic.compiles_only_itself("src/main.rs", None)
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn a_published_server_gets_an_image_in_the_place_of_its_own() -> Result<()> {
    let miniserve = Crate::published("miniserve", "0.35.0")?;
    miniserve.add(&["--overwrite"])?;
    build(&miniserve.directory, &miniserve.name, None)?;
    // It starts only when it is told what to serve.
    let served = ["--env", "MINISERVE_PATH=/usr/share"];
    let container = Container::start(&miniserve.name, "MINISERVE_PORT", &served)?;
    says(&container, "/__miniserve_internal/healthcheck", "")?;
    container.stop()?;
    miniserve.compiles_only_itself("src/main.rs", None)
}

#[test]
#[ignore = "needs a container engine: tests/run image"]
fn another_published_server_gets_one_too() -> Result<()> {
    let dufs = Crate::published("dufs", "0.47.0")?;
    dufs.add(&["--overwrite"])?;
    let container = dufs.image(None, "DUFS_PORT")?;
    says(&container, "/__dufs__/health", "OK")?;
    drop(container);
    dufs.compiles_only_itself("src/main.rs", None)
}

/// A crate as its authors left it, committed.
struct Crate {
    name: String,
    directory: PathBuf,
}

impl Crate {
    fn written(name: &str) -> Result<Self> {
        let applications = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/applications");
        Self::copied(&applications.join(name).join("crate"), name)
    }

    fn published(name: &str, version: &str) -> Result<Self> {
        let published = Self::copied(&published::source(name, version)?, name)?;
        // Its authors make it small, which takes long; what is looked at here is not the binary.
        let quick = "\n[profile.release]\nopt-level = 0\nlto = false\ncodegen-units = 16\n";
        let place = published.directory.join(".cargo");
        fs::create_dir_all(&place)?;
        let mut config = OpenOptions::new()
            .create(true)
            .append(true)
            .open(place.join("config.toml"))?;
        config.write_all(quick.as_bytes())?;
        published.commit("Compile it quickly")?;
        Ok(published)
    }

    /// A repository of its own below `target/generated`, with all of it committed.
    fn copied(from: &Path, name: &str) -> Result<Self> {
        let place = target().join("generated/crates");
        let directory = place.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("removing {}", directory.display()))?;
        }
        fs::create_dir_all(&place)?;
        run(command("cp").arg("-r").arg(from).arg(&directory))?;
        let copied = Self {
            name: format!("crate-{name}"),
            directory,
        };
        run(&mut copied.git(&["init", "--quiet", "-b", "main"]))?;
        copied.commit("As it was")?;
        Ok(copied)
    }

    fn commit(&self, message: &str) -> Result<()> {
        run(&mut self.git(&["add", "--all"]))?;
        let somebody = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
        run(self
            .git(&somebody)
            .args(["commit", "--quiet", "--message", message]))?;
        Ok(())
    }

    fn git(&self, arguments: &[&str]) -> Command {
        let mut git = command("git");
        git.args(arguments).current_dir(&self.directory);
        git
    }

    /// Adds the image to it, which leaves alone what is the crate's own.
    fn add(&self, arguments: &[&str]) -> Result<()> {
        let mut prodify = command(env!("CARGO_BIN_EXE_cargo-prodify"));
        prodify.args(["prodify", "add", "--defaults", "--non-interactive"]);
        run(prodify
            .args(arguments)
            .arg("docker")
            .current_dir(&self.directory))?;
        let mut diff = command("git");
        diff.args([
            "diff",
            "--stat",
            "--",
            ".",
            ":!Dockerfile",
            ":!.dockerignore",
        ]);
        let changed = run(diff.current_dir(&self.directory))?;
        ensure!(
            changed.is_empty(),
            "it changed files that were there:\n{changed}"
        );
        validators::hadolint(&Project::existing(self.directory.clone(), &self.name))
    }

    /// The image of the only service, or of the one that is named, at work.
    fn image(&self, service: Option<&str>, port: &str) -> Result<Container> {
        build(&self.directory, &self.name, service)?;
        let container = Container::start(&self.name, port, &[])?;
        let user = container.user()?;
        ensure!(user == "65532", "it runs as {user}: {}", container.log()?);
        Ok(container)
    }

    /// What most of the crates show: added to, built and asked, it says this, and ends when it is told to.
    fn fits(&self, source: &str, words: &str) -> Result<()> {
        self.add(&[])?;
        let container = self.image(None, "PORT")?;
        says(&container, "/", words)?;
        container.stop()?;
        self.compiles_only_itself(source, None)
    }

    /// After an edit no dependency is compiled that is from elsewhere.
    fn compiles_only_itself(&self, source: &str, service: Option<&str>) -> Result<()> {
        edit(&self.directory.join(source))?;
        let log = build(&self.directory, &self.name, service)?;
        let compiled = compiled(&log);
        // Cargo names the directory of a package that is not from a registry.
        let (own, others): (Vec<&str>, Vec<&str>) = compiled
            .into_iter()
            .partition(|package| package.contains("(/src"));
        ensure!(!own.is_empty(), "it compiled nothing:\n{log}");
        ensure!(others.is_empty(), "it compiled {others:?}");
        Ok(())
    }
}

/// Waits for an answer, and looks for these words in it.
fn says(container: &Container, path: &str, words: &str) -> Result<()> {
    until(container, |container| {
        let answer = http::get(container.address, path)?;
        ensure!(
            answer.status == 200 && answer.body.contains(words),
            "GET {path} answered {answer:?}"
        );
        Ok(())
    })
}

fn logs(container: &Container, words: &str) -> Result<()> {
    until(container, |container| {
        ensure!(
            container.log()?.contains(words),
            "it does not say {words:?}"
        );
        Ok(())
    })
}

/// Waits until it is so, as long as a program may take to start.
fn until(container: &Container, check: impl Fn(&Container) -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    loop {
        match check(container) {
            Ok(()) => return Ok(()),
            Err(_) if begin.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(50)),
            Err(error) => bail!("{error:#}; it said: {}", container.log()?),
        }
    }
}

/// A server of HTTP/2, and so of gRPC, begins with its settings when a client has begun so.
fn speaks_http2(address: SocketAddr) -> Result<()> {
    let begin = Instant::now();
    let mut stream = loop {
        match TcpStream::connect(address) {
            Ok(stream) => break stream,
            Err(_) if begin.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(50)),
            Err(error) => bail!("connecting to {address}: {error}"),
        }
    };
    stream.set_read_timeout(Some(PATIENCE))?;
    let no_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    stream.write_all(&no_settings)?;
    let mut frame = [0; 9];
    stream.read_exact(&mut frame)?;
    ensure!(frame[3] == 4, "it began with {frame:?}");
    Ok(())
}
