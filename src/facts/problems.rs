//! What is in the way of running a crate in production, each with the way out.

use std::fmt;

use serde::Serialize;

use super::files::When;
use super::found::{Evidence, Found};
use super::inspection::{Inspection, Resolution};
use super::origins::SourceKind;
use super::program::{Kinds, ProgramKind};
use super::reachable::{self, is_loopback};

/// Something that is in the way.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// How much.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub fix: String,
    /// What it is known from.
    pub evidence: Vec<Evidence>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, fix, .. } = self;
        write!(f, "{what}: {fix}")
    }
}

/// How much something is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// An image is not built, or does not answer.
    Error,
    /// It may be so.
    Warning,
}

/// The problems that the facts show, errors first.
pub fn of(inspection: &Inspection, kinds: &Kinds) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(unprepared(inspection));
    problems.extend(loopback(inspection, kinds));
    problems.extend(unstoppable(inspection));
    problems.extend(lock_file(inspection));
    problems.extend(file_database(inspection));
    problems.extend(toolchain(inspection));
    problems.extend(target(inspection));
    problems.extend(outside(inspection));
    problems.extend(secrets(inspection));
    problems.extend(builders_paths(inspection));
    problems.extend(unknown(inspection));
    problems.sort_by_key(|problem| problem.severity);
    problems
}

/// Queries that are checked against a database, which no image build has.
fn unprepared(inspection: &Inspection) -> Option<Problem> {
    let database = &inspection.database;
    let checked = database.checked_queries.as_ref()?;
    if database.offline_data.is_some() {
        return None;
    }
    let workspace = if inspection.workspace.members.len() > 1 {
        " --workspace"
    } else {
        ""
    };
    Some(Problem {
        severity: Severity::Error,
        what: "sqlx's macros need a database to compile, and there is no .sqlx".to_owned(),
        fix: format!(
            "with the database running, run `cargo sqlx prepare{workspace}` and commit .sqlx"
        ),
        evidence: checked.evidence.clone(),
    })
}

/// An address that nobody outside of the container reaches, and that no variable changes: one that does is set by what is written.
fn loopback(inspection: &Inspection, kinds: &Kinds) -> Option<Problem> {
    let host = inspection.listening.host.as_ref()?;
    let stays = is_loopback(&host.value) && reachable::environment(inspection, kinds).is_empty();
    stays.then(|| Problem {
        severity: Severity::Warning,
        what: format!(
            "it listens on {}, which nothing outside of its container reaches",
            host.value
        ),
        fix: "let the address be set from outside, and set 0.0.0.0 or [::] in the container"
            .to_owned(),
        evidence: host.evidence.clone(),
    })
}

/// A program that goes on when its container is to stop, until it is killed: the first process of a container has no default action.
fn unstoppable(inspection: &Inspection) -> Option<Problem> {
    let program = &inspection.program;
    if program.ends_at.is_some() || program.kind.value == ProgramKind::Command {
        return None;
    }
    Some(Problem {
        severity: Severity::Warning,
        what: "nothing in its sources handles SIGTERM, which is then ignored in a container: each stop waits until time is up, and kills it".to_owned(),
        fix: "end it there: with tokio, `signal(SignalKind::terminate())?.recv().await` is what `with_graceful_shutdown` of a server waits for".to_owned(),
        evidence: program.kind.evidence.clone(),
    })
}

fn lock_file(inspection: &Inspection) -> Option<Problem> {
    if inspection.resolution.value == Resolution::StaleLockFile {
        return Some(Problem {
            severity: Severity::Error,
            what: "Cargo.lock does not hold what the manifests ask for, and `cargo build --locked` fails".to_owned(),
            fix: "run `cargo update --workspace`, and commit Cargo.lock".to_owned(),
            evidence: inspection.resolution.evidence.clone(),
        });
    }
    let (what, fix) = match &inspection.workspace.lock {
        None => (
            "there is no Cargo.lock: each build may take other versions",
            "run `cargo generate-lockfile`, and commit Cargo.lock",
        ),
        Some(lock) if lock.value.tracked == Some(false) => (
            "git does not track Cargo.lock: a fresh checkout may take other versions",
            "commit Cargo.lock",
        ),
        Some(_) => return None,
    };
    let evidence = inspection.workspace.lock.as_ref().map_or_else(
        || vec![Evidence::file("Cargo.toml", "no Cargo.lock beside it")],
        |lock| lock.evidence.clone(),
    );
    Some(Problem {
        severity: Severity::Warning,
        what: what.to_owned(),
        fix: fix.to_owned(),
        evidence,
    })
}

/// A database that is a file: containers neither share it nor keep it.
fn file_database(inspection: &Inspection) -> Option<Problem> {
    let mut engines = inspection.database.engines.iter();
    let sqlite = engines.find(|engine| engine.value == "sqlite")?;
    Some(Problem {
        severity: Severity::Warning,
        what: "it uses SQLite: each container has a file of its own, which goes with it".to_owned(),
        fix: "run one container with a volume, or take a database that several can share"
            .to_owned(),
        evidence: sqlite.evidence.clone(),
    })
}

/// A toolchain that no image of Rust comes with.
fn toolchain(inspection: &Inspection) -> Option<Problem> {
    let channel = inspection.workspace.toolchain.as_ref()?;
    let unstable = ["nightly", "beta"];
    let is_unstable = unstable.iter().any(|name| channel.value.starts_with(name));
    is_unstable.then(|| Problem {
        severity: Severity::Warning,
        what: format!(
            "it asks for `{}`, and images are built with a release of Rust",
            channel.value
        ),
        fix: format!(
            "name a release there if it can do with one, or let the image fetch that: `RUN rustup default {}`",
            channel.value
        ),
        evidence: channel.evidence.clone(),
    })
}

/// A target that no container of Linux runs, or that Debian has no libraries for.
fn target(inspection: &Inspection) -> Option<Problem> {
    let target = inspection.builder.target.as_ref()?;
    let name = &target.value;
    let (why, fix) = if !name.contains("-linux-") {
        let fix = "take it out of the configuration, and name it with `--target` where it is meant";
        ("which does not run in a container of Linux", fix)
    } else if name.contains("musl") && !inspection.system.run.is_empty() {
        let fix = "let the crates compile their own copies, or build for gnu";
        ("and Debian's libraries are made for another libc", fix)
    } else {
        return None;
    };
    Some(Problem {
        severity: Severity::Error,
        what: format!("cargo's configuration builds for `{name}`, {why}"),
        fix: fix.to_owned(),
        evidence: target.evidence.clone(),
    })
}

/// A dependency that lies where an image build does not see it.
fn outside(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let sources = inspection.package.sources.iter();
    sources
        .filter(|source| source.value.kind == SourceKind::Outside)
        .map(|source| Problem {
            severity: Severity::Error,
            what: format!(
                "`{}` lies outside of the workspace, in {}",
                source.value.name, source.value.place
            ),
            fix: "move it into the workspace, or take it from git or a registry".to_owned(),
            evidence: source.evidence.clone(),
        })
}

/// A file that it reads, and that no image carries.
fn secrets(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let read = inspection.files.iter();
    let secrets = read.filter(|file| file.value.when == When::Run && file.value.secret);
    secrets.map(|file| Problem {
        severity: Severity::Warning,
        what: format!(
            "it reads {}, which no image carries: by its name it is a secret",
            file.value.path
        ),
        fix: "mount it where it runs; or, if anybody may see it, let it in at the end of .dockerignore and copy it in the Dockerfile"
            .to_owned(),
        evidence: file.evidence.clone(),
    })
}

/// Paths of the machine that compiles it, by which a container finds nothing.
fn builders_paths(inspection: &Inspection) -> Option<Problem> {
    let paths = &inspection.builders_paths;
    let mut places: Vec<String> = paths.iter().map(|it| it.place.to_string()).collect();
    places.dedup();
    (!places.is_empty()).then(|| Problem {
        severity: Severity::Warning,
        what: format!(
            "it has the path of its sources on the machine that compiles it, where a container has nothing, in {}",
            places.join(", ")
        ),
        fix: "name what it reads from the directory that it runs in, let a setting say where it is, or have it in the binary by `include_str!`".to_owned(),
        evidence: paths.clone(),
    })
}

fn unknown(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let exact = inspection.resolution.value == Resolution::Cargo;
    let asks = if exact { "asks" } else { "may ask" };
    let libraries = inspection
        .system
        .unknown
        .iter()
        .map(move |found: &Found<String>| Problem {
            severity: Severity::Warning,
            what: format!(
                "`{}` {asks} the system for a library that is not known here",
                found.value
            ),
            fix: "see its build script for the name, and add the packages to the image by hand"
                .to_owned(),
            evidence: found.evidence.clone(),
        });
    let linkers = inspection
        .builder
        .tools
        .iter()
        .filter(|tool| !tool.value.known);
    let linkers = linkers.map(|tool| Problem {
        severity: Severity::Warning,
        what: format!(
            "cargo's configuration wants `{}`, which is not known here",
            tool.value.name
        ),
        fix: "add what has it to the image by hand".to_owned(),
        evidence: tool.evidence.clone(),
    });
    let notes = inspection.system.notes.iter().map(|note| Problem {
        severity: Severity::Warning,
        what: note.value.clone(),
        fix: format!(
            "compare with Debian {}, and let the crate compile its own copy if it is older",
            inspection.system.suite
        ),
        evidence: note.evidence.clone(),
    });
    libraries.chain(linkers).chain(notes)
}
