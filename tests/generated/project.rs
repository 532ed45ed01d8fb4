//! A project written by this build of cargo prodify.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::{LazyLock, OnceLock};

use anyhow::{Context as _, Error, Result};
use toml_edit::DocumentMut;

use crate::command::{command, run, target};

/// A selection, rendered into `target/generated`.
#[derive(Debug)]
pub struct Project {
    pub directory: PathBuf,
    /// Its name, which is also its binary's.
    pub name: String,
    components: Vec<String>,
}

impl Project {
    /// The output of `cargo prodify new` with these arguments, with the same versions of dependencies for all projects, so that
    /// they are compiled once.
    pub fn new(case: &str, arguments: &str) -> Result<Self> {
        let project = Self::render(case, arguments)?;
        fs::copy(lock_file()?, project.path("Cargo.lock"))?;
        // Adds this package to the lock file, and removes what it does not need.
        run(project.cargo("update").args(["--workspace", "--quiet"]))?;
        Ok(project)
    }

    /// An existing crate before anything is added to it.
    pub fn existing(directory: PathBuf, name: &str) -> Self {
        Self {
            directory,
            name: name.to_owned(),
            components: Vec::new(),
        }
    }

    /// The same without a lock file: it is not built.
    pub fn render(case: &str, arguments: &str) -> Result<Self> {
        let place = target().join("generated");
        fs::create_dir_all(&place)?;
        // Clippy and rustfmt search upward for their settings; those of this repository are not for it.
        for settings in ["clippy.toml", "rustfmt.toml"] {
            fs::write(place.join(settings), "")?;
        }
        let directory = place.join(case);
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("removing {}", directory.display()))?;
        }
        // In the root of a repository, so that it has a place for its workflows.
        run(command("git").args(["init", "--quiet"]).arg(&directory))?;
        run(command(env!("CARGO_BIN_EXE_cargo-prodify"))
            .args([
                "prodify",
                "new",
                "--defaults",
                "--non-interactive",
                "--vcs",
                "none",
            ])
            .arg(&directory)
            .args(arguments.split_whitespace()))?;
        let manifest: DocumentMut = fs::read_to_string(directory.join("Cargo.toml"))?.parse()?;
        let name = manifest["package"]["name"]
            .as_str()
            .context("a package without a name")?
            .to_owned();
        let record: DocumentMut = fs::read_to_string(directory.join("prodify.toml"))?.parse()?;
        let components = record["components"]
            .as_array()
            .context("a project without components")?;
        let components = components
            .iter()
            .filter_map(|component| Some(component.as_str()?.to_owned()))
            .collect();
        Ok(Self {
            directory,
            name,
            components,
        })
    }

    pub fn has(&self, component: &str) -> bool {
        self.components.iter().any(|one| one == component)
    }

    pub fn path(&self, relative: &str) -> PathBuf {
        self.directory.join(relative)
    }

    /// A cargo command in it.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = command("cargo");
        cargo.current_dir(&self.directory).arg(subcommand);
        cargo.env("CARGO_TARGET_DIR", target().join("generated/target"));
        // Built once, and not for a debugger.
        cargo
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo
    }

    /// Its binary, built.
    pub fn binary(&self) -> Result<PathBuf> {
        run(self.cargo("build").arg("--quiet"))?;
        Ok(target().join("generated/target/debug").join(&self.name))
    }
}

/// A lock file with the dependencies of all selections, resolved once; the previous run's versions are kept where possible.
pub fn lock_file() -> Result<&'static Path> {
    static LOCK_FILE: LazyLock<Result<PathBuf, String>> =
        LazyLock::new(|| resolve_lock_file().map_err(|error| format!("{error:#}")));
    LOCK_FILE
        .as_deref()
        .map_err(|error| Error::msg(error.clone()))
}

fn resolve_lock_file() -> Result<PathBuf> {
    let kept = target().join("generated/Cargo.lock");
    // Another process may be doing the same: the tests of images run at the same time.
    let widest = Project::render(&format!("widest_{}", process::id()), "--preset full")?;
    if kept.exists() {
        fs::copy(&kept, widest.path("Cargo.lock"))?;
    }
    run(widest.cargo("fetch").arg("--quiet"))?;
    fs::rename(widest.path("Cargo.lock"), &kept)?;
    fs::remove_dir_all(widest.directory)?;
    Ok(kept)
}

/// A project that several tests use, written by the first of them.
#[derive(Debug)]
pub struct LazyProject {
    case: &'static str,
    arguments: &'static str,
    project: OnceLock<Result<Project, String>>,
}

impl LazyProject {
    pub const fn new(case: &'static str, arguments: &'static str) -> Self {
        Self {
            case,
            arguments,
            project: OnceLock::new(),
        }
    }

    pub fn get(&self) -> Result<&Project> {
        let project = self.project.get_or_init(|| {
            Project::new(self.case, self.arguments).map_err(|error| format!("{error:#}"))
        });
        project.as_ref().map_err(|error| Error::msg(error.clone()))
    }
}
