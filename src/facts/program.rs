//! What kind of program the binary is: a server and of which framework, a worker, or a command.
//!
//! Which crates and calls say so is data, in `program.toml` beside this file.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::found::{Certainty, Evidence, Found};
use super::listening::Listening;
use super::source::{Call, Form, Sources};

/// What kind of program it is.
#[derive(Debug, Serialize)]
pub struct Program {
    /// The kind.
    pub kind: Found<ProgramKind>,
    /// What it is made with, where it is a server.
    pub frameworks: Vec<Found<Framework>>,
    /// The signal that ends it in an orderly way, where one does.
    pub ends_at: Option<Found<Signal>>,
}

/// A signal that ends a program: the first process of a container hears of no other than those that it handles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Signal {
    /// What a container is stopped with.
    #[serde(rename = "SIGTERM")]
    Terminate,
    /// Ctrl-C, and no other.
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
    /// It runs on and on, and does not listen.
    Worker,
    /// It does something and ends.
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
    /// What it speaks.
    pub protocol: Protocol,
}

/// What a server speaks.
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
pub struct Kinds {
    /// The frameworks, by their crates.
    pub frameworks: BTreeMap<String, Known>,
    words: Words,
}

/// A framework that is known.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    protocol: Protocol,
    /// The calls with which a server begins.
    starts: Vec<String>,
    /// Whether to depend on it is to be a server.
    #[serde(default = "yes")]
    alone: bool,
    /// Whether it ends at SIGTERM by itself.
    #[serde(default)]
    terminates: bool,
    /// Where it listens unless it is told otherwise.
    port: Option<u16>,
    /// The environment in which it listens on all interfaces, where it would not by itself.
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

/// The programs that the binary starts, by the names that stand in the sources: an image must carry them too.
pub fn started(sources: &Sources) -> Vec<Found<String>> {
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

/// The crates that the package or a member that it is built from takes directly, with the line that says so.
pub type Direct = BTreeMap<String, Evidence>;

impl Kinds {
    /// The data that comes with this version.
    ///
    /// # Errors
    ///
    /// Where it is broken, which a test rules out.
    pub fn embedded() -> Result<Self> {
        toml_edit::de::from_str(include_str!("program.toml"))
            .context("reading the table of frameworks")
    }

    /// Whether to take a crate is to be a server.
    pub fn serves(&self, name: &str) -> bool {
        self.frameworks.get(name).is_some_and(|known| known.alone)
    }

    /// What kind of program these sources make of these crates.
    pub fn of(&self, direct: &Direct, sources: &Sources) -> Program {
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
        let frameworks = self.settle(frameworks);
        let kind = self.kind(&frameworks, direct, &calls);
        let ends_at = self.ends_at(&frameworks, &calls);
        Program {
            kind,
            frameworks,
            ends_at,
        }
    }

    /// Of those that speak the same, the ones that are no more than parts of others are left out.
    fn settle(&self, found: Vec<Found<Framework>>) -> Vec<Found<Framework>> {
        let (mut whole, parts): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|found| self.serves(&found.value.name));
        let mut left = Vec::new();
        for part in parts {
            let same = |found: &&mut Found<Framework>| found.value.protocol == part.value.protocol;
            match whole.iter_mut().find(same) {
                // What begins to listen is the part's, such as hyper's below axum.
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
        // One that is seen to start stands before those that are only taken, for a client or for tests.
        if whole
            .iter()
            .any(|found| found.certainty == Certainty::Likely)
        {
            whole.retain(|found| found.certainty == Certainty::Likely);
        }
        whole.into_iter().chain(left).collect()
    }

    /// The port that the framework listens on unless it is told otherwise, where the sources show none.
    pub fn fall_back(&self, program: &Program, listening: &mut Listening) {
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

    /// The signal that ends it, by its framework or by a call.
    fn ends_at(
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
            // A command may want to know of Ctrl-C too; one that waits for it without blocking goes on until then.
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
