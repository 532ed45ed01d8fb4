//! The host, if it is separate from the port: a variable, an option or a setting of its own.

use super::address::{is_host, is_remote, stem};
use super::bind_argument::{self, Host};
use super::{annotated_field, is_about_metrics};
use crate::facts::evidence::Found;
use crate::facts::fallback;
use crate::facts::source::{Call, Form, SourceFile, Sources};

/// A default for the host.
struct Candidate {
    /// What sets it: the variable, the option, the key.
    name: String,
    /// The field that contains it, if any.
    field: Option<String>,
    host: Found<String>,
}

impl Candidate {
    fn new(call: &Call<'_>, name: String, field: Option<String>, host: String) -> Option<Self> {
        let is_one = is_host(&host) && !is_remote(&name);
        is_one.then(|| Self {
            name,
            field,
            host: Found::likely(host, call.file.evidence(call.at)),
        })
    }

    /// Whether its name matches the port's: `APP_HOST` for `APP_PORT`.
    fn matches_port(&self, ports: &[String]) -> bool {
        let own = stem(&self.name);
        own.is_some() && ports.iter().any(|port| stem(port) == own)
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || self.field.as_deref() == Some(name)
    }
}

/// The host that the program listens on: the argument of a call that listens, or else a default whose name matches the port's.
pub(super) fn find(sources: &Sources, ports: &[String]) -> Option<Found<String>> {
    let mut given = Vec::new();
    for call in sources.calls() {
        let file = call.file;
        let host =
            bind_argument::of_call(&call).and_then(|it| bind_argument::host(file, it, sources));
        match host {
            _ if is_about_metrics(file, call.at) => {}
            Some(Host::Literal(at, text)) => return Some(Found::likely(text, file.evidence(at))),
            Some(Host::Name(name)) => given.push(name),
            None => {}
        }
    }
    let mut candidates: Vec<Candidate> = sources
        .calls()
        .filter_map(|call| candidate(&call, sources))
        .collect();
    if let Some(matching) = candidates.iter().position(|it| it.matches_port(ports)) {
        return Some(candidates.swap_remove(matching).host);
    }
    candidates.retain(|it| given.iter().any(|name| it.is_called(name)));
    // Several structs may have a field of this name.
    let first = candidates.first()?.name.clone();
    let is_only = candidates.iter().all(|it| it.name == first);
    is_only.then(|| candidates.swap_remove(0).host)
}

/// `env::var("HOST").unwrap_or(…)`, `#[arg(env, default_value = "127.0.0.1")] host: String`, `set_default("host", "127.0.0.1")`,
/// `Arg::new("host").default_value("127.0.0.1")`
fn candidate(call: &Call<'_>, sources: &Sources) -> Option<Candidate> {
    let file = call.file;
    match (call.form, call.name()) {
        (Form::Attribute, _) => {
            let (_, field) = annotated_field(call)?;
            let variable = call.value("env").and_then(|it| sources.literal(file, it));
            let keys = ["default_value_t", "default_value", "default"];
            let default = keys.iter().find_map(|key| call.value(key))?;
            let host = sources.literal(file, default)?;
            let name = variable.unwrap_or_else(|| field.clone());
            Candidate::new(call, name, Some(field), host)
        }
        (_, "var" | "var_os") => {
            let variable = sources.text_of(call, 0)?;
            let host = fallback::find(call, sources).default?;
            Candidate::new(call, variable, field_of(call), host)
        }
        (Form::Method, "set_default") => {
            let key = call.text(0)?.replace('.', "_");
            let value = call.arguments.get(1)?.clone();
            Candidate::new(call, key, None, sources.literal(file, value)?)
        }
        (Form::Function, _) if call.is("Arg::new") => {
            let name = call.text(0)?;
            let default = call.chain().find(|next| next.name() == "default_value")?;
            let variable = call.chain().find(|next| next.name() == "env");
            let value = default.arguments.first()?.clone();
            let at = variable.as_ref().unwrap_or(call);
            Candidate::new(at, name, None, sources.literal(file, value)?)
        }
        _ => None,
    }
}

/// The field that a call initializes: `host` of `host: env::var("HOST")…`.
fn field_of(call: &Call<'_>) -> Option<String> {
    let file: &SourceFile = call.file;
    let starts = |at: &usize| ["{", ",", ";"].iter().any(|word| file.is(*at, word));
    let field = (0..call.at).rfind(starts)? + 1;
    let is_field = file.is(field + 1, ":") && !file.is(field + 2, ":");
    file.name(field).filter(|_| is_field).map(str::to_owned)
}
