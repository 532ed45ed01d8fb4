//! Problems that prevent running a crate in production, each with a fix.

use std::fmt;

use serde::Serialize;

use super::dependency_sources::SourceKind;
use super::evidence::{Evidence, Found};
use super::files::When;
use super::inspection::{Inspection, Resolution};
use super::program::{ProgramKind, ProgramRules};
use super::reachability::{self, is_loopback};

/// A problem.
#[derive(Debug, Serialize)]
pub struct Problem {
    /// How serious it is.
    pub severity: Severity,
    /// What is wrong.
    pub what: String,
    /// How to fix it.
    pub fix: String,
    /// The evidence.
    pub evidence: Vec<Evidence>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, fix, .. } = self;
        write!(f, "{what}: {fix}")
    }
}

/// How serious a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// An image cannot be built, or does not respond.
    Error,
    /// That may be the case.
    Warning,
}

/// The problems that follow from the facts, errors first.
pub fn find(inspection: &Inspection, rules: &ProgramRules) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(unprepared_queries(inspection));
    problems.extend(loopback(inspection, rules));
    problems.extend(unhandled_stop_signal(inspection));
    problems.extend(lock_file(inspection));
    problems.extend(file_database(inspection));
    problems.extend(toolchain(inspection));
    problems.extend(target(inspection));
    problems.extend(outside_dependencies(inspection));
    problems.extend(secrets(inspection));
    problems.extend(build_machine_paths(inspection));
    problems.extend(unknown_libraries(inspection));
    problems.sort_by_key(|problem| problem.severity);
    problems
}

/// Queries that are checked against a database, which an image build does not have.
fn unprepared_queries(inspection: &Inspection) -> Option<Problem> {
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
        what: "sqlx's macros need a database at compile time, and there is no .sqlx".to_owned(),
        fix: format!(
            "with the database running, run `cargo sqlx prepare{workspace}` and commit .sqlx"
        ),
        evidence: checked.evidence.clone(),
    })
}

/// An address that cannot be reached from outside the container, and that no variable changes: if one does, the written files set
/// it.
fn loopback(inspection: &Inspection, rules: &ProgramRules) -> Option<Problem> {
    let host = inspection.listening.host.as_ref()?;
    let stays = is_loopback(&host.value) && reachability::environment(inspection, rules).is_empty();
    stays.then(|| Problem {
        severity: Severity::Warning,
        what: format!(
            "it listens on {}, which cannot be reached from outside its container",
            host.value
        ),
        fix: "make the address configurable, and set 0.0.0.0 or [::] in the container".to_owned(),
        evidence: host.evidence.clone(),
    })
}

/// A program that does not end when its container is stopped, until it is killed: signals have no default action for the first
/// process of a container.
fn unhandled_stop_signal(inspection: &Inspection) -> Option<Problem> {
    let program = &inspection.program;
    if program.ends_at.is_some() || program.kind.value == ProgramKind::Command {
        return None;
    }
    Some(Problem {
        severity: Severity::Warning,
        what: "nothing in its sources handles SIGTERM, which is then ignored in a container: each stop waits for the whole grace period, and then kills it".to_owned(),
        fix: "shut down on SIGTERM: with tokio, `signal(SignalKind::terminate())?.recv().await` is what `with_graceful_shutdown` of a server waits for".to_owned(),
        evidence: program.kind.evidence.clone(),
    })
}

fn lock_file(inspection: &Inspection) -> Option<Problem> {
    if inspection.resolution.value == Resolution::StaleLockFile {
        return Some(Problem {
            severity: Severity::Error,
            what: "Cargo.lock does not match the manifests, and `cargo build --locked` fails"
                .to_owned(),
            fix: "run `cargo update --workspace`, and commit Cargo.lock".to_owned(),
            evidence: inspection.resolution.evidence.clone(),
        });
    }
    let (what, fix) = match &inspection.workspace.lock {
        None => (
            "there is no Cargo.lock: each build may use other versions",
            "run `cargo generate-lockfile`, and commit Cargo.lock",
        ),
        Some(lock) if lock.value.tracked == Some(false) => (
            "git does not track Cargo.lock: a fresh checkout may use other versions",
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

/// A database in a file: containers neither share nor keep it.
fn file_database(inspection: &Inspection) -> Option<Problem> {
    let mut engines = inspection.database.engines.iter();
    let sqlite = engines.find(|engine| engine.value == "sqlite")?;
    Some(Problem {
        severity: Severity::Warning,
        what: "it uses SQLite: each container has its own file, which is lost with it".to_owned(),
        fix: "run one container with a volume, or use a database that several can share".to_owned(),
        evidence: sqlite.evidence.clone(),
    })
}

/// A toolchain that none of Rust's images has.
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
            "name a release there if one suffices, or let the image install that toolchain: `RUN rustup default {}`",
            channel.value
        ),
        evidence: channel.evidence.clone(),
    })
}

/// A target that does not run in a Linux container, or for which Debian has no libraries.
fn target(inspection: &Inspection) -> Option<Problem> {
    let target = inspection.builder.target.as_ref()?;
    let name = &target.value;
    let (why, fix) = if !name.contains("-linux-") {
        let fix = "remove it from the configuration, and pass `--target` where it is wanted";
        ("which does not run in a Linux container", fix)
    } else if name.contains("musl") && !inspection.system.run.is_empty() {
        let fix = "let the crates compile their own copies, or build for gnu";
        ("and Debian's libraries are built for another libc", fix)
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

/// A dependency outside of an image's build context.
fn outside_dependencies(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let sources = inspection.package.sources.iter();
    sources
        .filter(|source| source.value.kind == SourceKind::Outside)
        .map(|source| Problem {
            severity: Severity::Error,
            what: format!(
                "`{}` is outside of the workspace, in {}",
                source.value.name, source.value.place
            ),
            fix: "move it into the workspace, or take it from git or a registry".to_owned(),
            evidence: source.evidence.clone(),
        })
}

/// A file that it reads, but that is left out of images.
fn secrets(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let read = inspection.files.iter();
    let secrets = read.filter(|file| file.value.when == When::Run && file.value.secret);
    secrets.map(|file| Problem {
        severity: Severity::Warning,
        what: format!(
            "it reads {}, which is left out of the image: its name suggests a secret",
            file.value.path
        ),
        fix: "mount it at run time; or, if it is no secret, allow it at the end of .dockerignore and copy it in the Dockerfile"
            .to_owned(),
        evidence: file.evidence.clone(),
    })
}

/// Paths of the build machine, which do not exist in a container.
fn build_machine_paths(inspection: &Inspection) -> Option<Problem> {
    let paths = &inspection.build_machine_paths;
    let mut places: Vec<String> = paths.iter().map(|it| it.place.to_string()).collect();
    places.dedup();
    (!places.is_empty()).then(|| Problem {
        severity: Severity::Warning,
        what: format!(
            "it uses the path of its sources on the build machine, which no container has, in {}",
            places.join(", ")
        ),
        fix: "use a path relative to the working directory, make the path a setting, or embed the file with `include_str!`".to_owned(),
        evidence: paths.clone(),
    })
}

fn unknown_libraries(inspection: &Inspection) -> impl Iterator<Item = Problem> {
    let exact = inspection.resolution.value == Resolution::Cargo;
    let asks = if exact { "needs" } else { "may need" };
    let libraries = inspection
        .system
        .unknown
        .iter()
        .map(move |found: &Found<String>| Problem {
            severity: Severity::Warning,
            what: format!(
                "`{}` {asks} a system library that cargo prodify does not know",
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
            "cargo's configuration needs `{}`, which cargo prodify does not know",
            tool.value.name
        ),
        fix: "add its package to the image by hand".to_owned(),
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
