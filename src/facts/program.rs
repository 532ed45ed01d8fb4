//! The kind of program: a server with its framework, a worker, or a command.
//!
//! Which crates and calls indicate it is data, in `program.toml` beside this file.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::evidence::{Certainty, Evidence, Found};
use super::listening::Listening;
use super::source::{Call, Form, Sources};

/// The kind of program, with details.
#[derive(Debug, Serialize)]
pub struct Program {
    /// The kind.
    pub kind: Found<ProgramKind>,
    /// Its frameworks, if it is a server.
    pub frameworks: Vec<Found<Framework>>,
    /// The signal that it shuts down on, if any.
    pub ends_at: Option<Found<Signal>>,
}

/// A signal that ends a program: the first process of a container only receives those that it handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Signal {
    /// The signal that stops a container.
    #[serde(rename = "SIGTERM")]
    Terminate,
    /// Only Ctrl-C.
    #[serde(rename = "SIGINT")]
    Interrupt,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

/// A kind of program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgramKind {
    /// It listens.
    Server,
    /// It keeps running, and does not listen.
    Worker,
    /// It does its work and ends.
    Command,
}

impl fmt::Display for ProgramKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "a server",
            Self::Worker => "a worker without a port",
            Self::Command => "a command that ends",
        })
    }
}

/// A framework in use.
#[derive(Debug, Serialize)]
pub struct Framework {
    /// Its crate.
    pub name: String,
    /// The protocol.
    pub protocol: Protocol,
}

/// The protocol of a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// HTTP.
    #[default]
    Http,
    /// gRPC.
    Grpc,
}

/// The data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRules {
    /// The frameworks, by crate name.
    pub frameworks: BTreeMap<String, KnownFramework>,
    words: Words,
}

/// A known framework.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownFramework {
    protocol: Protocol,
    /// The calls that start a server.
    starts: Vec<String>,
    /// Whether depending on it implies being a server.
    #[serde(default = "yes")]
    alone: bool,
    /// Whether it shuts down on SIGTERM by itself.
    #[serde(default)]
    terminates: bool,
    /// The default port.
    port: Option<u16>,
    /// The environment that makes it listen on all interfaces, if it does not by default.
    #[serde(default)]
    pub reachable: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    command_lines: Vec<String>,
    runtimes: Vec<String>,
    signals: Vec<String>,
    terminates: Vec<String>,
    interrupts: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The programs that the binary runs, by the names in the sources: an image must contain them too.
pub fn started_programs(sources: &Sources) -> Vec<Found<String>> {
    let mut found: Vec<Found<String>> = Vec::new();
    for call in sources.calls() {
        // clap's builder has a type of the same name.
        let of_clap = |next: Call<'_>| {
            let words = [
                "about",
                "version",
                "author",
                "subcommand",
                "long_about",
                "display_order",
            ];
            words.contains(&next.name()) || (next.name() == "arg" && next.text(0).is_none())
        };
        let starts = call.form == Form::Function && call.is("Command::new");
        let Some(name) = call
            .text(0)
            .filter(|_| starts && !call.chain().any(of_clap))
        else {
            continue;
        };
        let evidence = call.file.evidence(call.at);
        match found.iter_mut().find(|known| known.value == name) {
            Some(known) => known.evidence.push(evidence),
            None => found.push(Found::likely(name, evidence)),
        }
    }
    found
}

/// The direct dependencies of the package and of the members that it depends on, with their lines.
pub type Direct = BTreeMap<String, Evidence>;

impl ProgramRules {
    /// The embedded data.
    ///
    /// # Errors
    ///
    /// If it is malformed, which a test rules out.
    pub fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("program.toml"))
            .context("reading the table of frameworks")
    }

    /// Whether depending on a crate implies being a server.
    pub fn serves(&self, name: &str) -> bool {
        self.frameworks.get(name).is_some_and(|known| known.alone)
    }

    /// The kind of program with these sources and dependencies.
    pub fn classify(&self, direct: &Direct, sources: &Sources) -> Program {
        let calls: Vec<Call<'_>> = sources.calls().collect();
        let mut frameworks = Vec::new();
        for (name, known) in &self.frameworks {
            let Some(declared) = direct.get(name) else {
                continue;
            };
            let starts = |call: &&Call<'_>| known.starts.iter().any(|start| call.is(start));
            let framework = Framework {
                name: name.clone(),
                protocol: known.protocol,
            };
            match calls.iter().find(starts) {
                Some(call) => {
                    let evidence = vec![call.file.evidence(call.at), declared.clone()];
                    frameworks.push(Found::new(framework, Certainty::Likely, evidence));
                }
                None if known.alone => {
                    let evidence = vec![declared.clone()];
                    frameworks.push(Found::new(framework, Certainty::Guess, evidence));
                }
                None => {}
            }
        }
        let frameworks = self.without_parts(frameworks);
        let kind = self.kind(&frameworks, direct, &calls);
        let ends_at = self.shutdown_signal(&frameworks, &calls);
        Program {
            kind,
            frameworks,
            ends_at,
        }
    }

    /// Leaves out frameworks that are only part of others with the same protocol.
    fn without_parts(&self, found: Vec<Found<Framework>>) -> Vec<Found<Framework>> {
        let (mut whole, parts): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|found| self.serves(&found.value.name));
        let mut left = Vec::new();
        for part in parts {
            let same = |found: &&mut Found<Framework>| found.value.protocol == part.value.protocol;
            match whole.iter_mut().find(same) {
                // The listening call is that of the part, such as hyper's in axum.
                Some(found) if found.certainty < part.certainty => {
                    found.certainty = part.certainty;
                    found
                        .evidence
                        .splice(0..0, part.evidence.into_iter().take(1));
                }
                Some(_) => {}
                None => left.push(part),
            }
        }
        // One that is started in the sources comes before those that are only dependencies, for a client or for tests.
        if whole
            .iter()
            .any(|found| found.certainty == Certainty::Likely)
        {
            whole.retain(|found| found.certainty == Certainty::Likely);
        }
        whole.into_iter().chain(left).collect()
    }

    /// The framework's default port, if the sources show none.
    pub fn apply_default_port(&self, program: &Program, listening: &mut Listening) {
        if listening.port.is_none() {
            let ports = program.frameworks.iter().filter_map(|framework| {
                let port = self.frameworks.get(&framework.value.name)?.port?;
                Some(Found::new(
                    port,
                    Certainty::Guess,
                    framework.evidence.clone(),
                ))
            });
            listening.port = ports.into_iter().next();
        }
    }

    /// The signal that it shuts down on, because of its framework or a call.
    fn shutdown_signal(
        &self,
        frameworks: &[Found<Framework>],
        calls: &[Call<'_>],
    ) -> Option<Found<Signal>> {
        let by_itself = frameworks.iter().find(|found| {
            let known = self.frameworks.get(&found.value.name);
            known.is_some_and(|known| known.terminates)
        });
        if let Some(framework) = by_itself {
            let evidence = framework.evidence.clone();
            let certainty = framework.certainty;
            return Some(Found::new(Signal::Terminate, certainty, evidence));
        }
        let words = [
            (&self.words.terminates, Signal::Terminate),
            (&self.words.interrupts, Signal::Interrupt),
        ];
        words.into_iter().find_map(|(paths, signal)| {
            let mut calls = calls.iter();
            let call = calls.find(|call| paths.iter().any(|path| call.is(path)))?;
            Some(Found::likely(signal, call.file.evidence(call.at)))
        })
    }

    fn kind(
        &self,
        frameworks: &[Found<Framework>],
        direct: &Direct,
        calls: &[Call<'_>],
    ) -> Found<ProgramKind> {
        if let Some(first) = frameworks.first() {
            return Found::new(ProgramKind::Server, first.certainty, first.evidence.clone());
        }
        let called = |paths: &[String]| {
            let mut calls = calls.iter();
            let call = calls.find(|call| paths.iter().any(|path| call.is(path)))?;
            Some(call.file.evidence(call.at))
        };
        let listens = ["TcpListener::bind".to_owned(), "UdpSocket::bind".to_owned()];
        let taken = |names: &[String]| names.iter().find_map(|name| direct.get(name)).cloned();
        let Words {
            command_lines,
            runtimes,
            signals,
            ..
        } = &self.words;
        let guess = |kind, evidence: Evidence| Found::new(kind, Certainty::Guess, vec![evidence]);
        if let Some(evidence) = called(&listens) {
            return guess(ProgramKind::Server, evidence);
        }
        match (called(signals), taken(command_lines), taken(runtimes)) {
            // A command may handle Ctrl-C too; one that waits for it without blocking runs until then.
            (Some(signal), _, Some(_)) => guess(ProgramKind::Worker, signal),
            (_, Some(command_line), _) => guess(ProgramKind::Command, command_line),
            (Some(evidence), ..) | (None, None, Some(evidence)) => {
                guess(ProgramKind::Worker, evidence)
            }
            (None, None, None) => {
                let says = "no framework, no listener and no asynchronous runtime";
                guess(
                    ProgramKind::Command,
                    Evidence::metadata("packages[].dependencies", says),
                )
            }
        }
    }
}
