//! Where the program listens: addresses and ports in the sources, weighed by how directly they say so.

mod address;

use serde::Serialize;

use self::address::{Address, address_at, is_about_port, parse, value_at};
use super::found::{Certainty, Found};
use super::source::{Call, Form, SourceFile, Sources};

/// Where a program listens.
#[derive(Debug, Default, Serialize)]
pub struct Listening {
    /// The port.
    pub port: Option<Found<u16>>,
    /// The other ports that the sources show, in the order of how likely it is that they are meant.
    pub others: Vec<Found<u16>>,
    /// The address that it binds to unless it is told otherwise.
    pub host: Option<Found<String>>,
    /// A port of their own for the metrics.
    pub metrics_port: Option<Found<u16>>,
}

/// How directly something says that it is the port; the first is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// The address is given to what listens.
    Bound,
    /// A default of a command line or of the environment whose name says `port` or `addr`.
    Default,
    /// A constant, a function or a field whose name says so.
    Named,
    /// An address for all interfaces, wherever it stands.
    Address,
}

struct Seen {
    way: Way,
    host: Option<String>,
    port: Found<u16>,
    metrics: bool,
}

impl Listening {
    /// Takes a port that is better known than the one of the sources, which is then another one.
    pub fn prefer(&mut self, port: Option<Found<u16>>) {
        let Some(port) = port else {
            return;
        };
        self.others.retain(|other| other.value != port.value);
        let before = self.port.replace(port);
        let before = before.filter(|before| {
            self.port
                .as_ref()
                .is_none_or(|port| port.value != before.value)
        });
        self.others.splice(0..0, before);
    }
}

/// Finds it in the sources.
pub fn find(sources: &Sources) -> Listening {
    let mut seen: Vec<Seen> = sources.files.iter().flat_map(in_file).collect();
    // What the main file says goes before what a library says in the same way.
    seen.sort_by_key(|seen| seen.way);
    let mut listening = Listening::default();
    for seen in seen {
        if seen.metrics {
            listening.metrics_port.get_or_insert(seen.port);
            continue;
        }
        if let Some(host) = seen.host.filter(|_| listening.host.is_none()) {
            listening.host = Some(Found {
                value: host,
                ..seen.port.clone().map(|_| String::new())
            });
        }
        match &mut listening.port {
            None => listening.port = Some(seen.port),
            Some(port) if port.value == seen.port.value => port.evidence.extend(seen.port.evidence),
            Some(_) => match listening
                .others
                .iter_mut()
                .find(|other| other.value == seen.port.value)
            {
                Some(other) => other.evidence.extend(seen.port.evidence),
                None => listening.others.push(seen.port),
            },
        }
    }
    listening
}

fn in_file(file: &SourceFile) -> Vec<Seen> {
    let mut seen: Vec<Seen> = file.calls().filter_map(|call| of_call(&call)).collect();
    for at in file.indices() {
        seen.extend(named(file, at));
        seen.extend(address(file, at));
    }
    seen
}

fn see(file: &SourceFile, at: usize, way: Way, (host, port): Address) -> Option<Seen> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
    let certainty = match way {
        Way::Bound | Way::Default => Certainty::Likely,
        Way::Named | Way::Address => Certainty::Guess,
    };
    let evidence = file.evidence(at);
    let is_about_metrics = |text: &str| {
        let text = text.to_lowercase();
        text.contains("metric") || text.contains("prometheus")
    };
    let metrics = is_about_metrics(&evidence.says) || file.around(at).any(is_about_metrics);
    Some(Seen {
        way,
        host,
        port: Found::new(port, certainty, vec![evidence]),
        metrics,
    })
}

/// `bind("0.0.0.0:80")`, `bind(("0.0.0.0", 80))`, `run(([0, 0, 0, 0], 80))`, `#[arg(default_value_t = 80)] port: u16`, and what
/// an environment variable whose name says `PORT` falls back to.
fn of_call(call: &Call<'_>) -> Option<Seen> {
    let file = call.file;
    let first = call.arguments.first().map(|argument| argument.start);
    match (call.form, call.name()) {
        (Form::Attribute, _) => of_attribute(call),
        (_, name) if name.starts_with("bind") => {
            see(file, first?, Way::Bound, address_at(file, first?)?)
        }
        (_, "listen") | (Form::Method, "run") => {
            see(file, first?, Way::Bound, address_at(file, first?)?)
        }
        // It makes an address for clients too.
        (_, "from") => see(file, first?, Way::Address, address_at(file, first?)?),
        (_, "var" | "var_os") => of_variable(call),
        // `set_default("server.port", 80)` of the crate config
        (Form::Method, "set_default") => {
            let key = call.text(0)?.replace('.', "_");
            let value = call.arguments.get(1)?.start;
            is_about_port(&key).then(|| see(file, value, Way::Default, value_at(file, value)?))?
        }
        (Form::Function, _) if call.is("Arg::new") => {
            let about = call.text(0).filter(|name| is_about_port(name));
            let default = call
                .chain()
                .find(|next| matches!(next.name(), "default_value" | "default_value_t"))?;
            let value = default.arguments.first()?.start;
            about.and_then(|_| see(file, value, Way::Default, value_at(file, value)?))
        }
        _ => None,
    }
}

/// What an environment variable about a port falls back to, in the same statement.
fn of_variable(call: &Call<'_>) -> Option<Seen> {
    let file = call.file;
    call.text(0).filter(|name| is_about_port(name))?;
    (call.end..file.end_of(call.end + 1)).find_map(|at| {
        // A number below is an index or a count.
        let address = value_at(file, at).filter(|(_, port)| *port > 79)?;
        see(file, at, Way::Default, address)
    })
}

/// `#[arg(long, env = "PORT", default_value_t = 8080)] pub port: u16`
fn of_attribute(call: &Call<'_>) -> Option<Seen> {
    let file = call.file;
    let (_, field) = field_below(call)?;
    let variable = call
        .option("env")
        .and_then(|at| file.text(at))
        .unwrap_or_default();
    if !is_about_port(&field) && !is_about_port(&variable) {
        return None;
    }
    let keys = [
        "default_value_t",
        "default_value",
        "default_values_t",
        "default",
    ];
    let at = keys.iter().find_map(|key| call.option(key))?;
    let address = value_at(file, at).or_else(|| address_at(file, at))?;
    see(file, at, Way::Default, address)
}

/// The field that an attribute stands above: the index of its name, and the name.
pub(super) fn field_below(call: &Call<'_>) -> Option<(usize, String)> {
    let file = call.file;
    let mut at = call.end;
    // Behind this attribute and those below it, and `pub` with what it is limited to.
    while !file.is(at, "]") {
        at += 1;
        file.name(at)
            .or(file.is(at, "]").then_some(""))
            .or(file.is(at, ")").then_some(""))?;
    }
    at += 1;
    while file.is(at, "#") && file.is(at + 1, "[") {
        at = file.inside(at + 1).end + 1;
    }
    if file.is(at, "pub") {
        at += 1;
        if file.is(at, "(") {
            at = file.inside(at).end + 1;
        }
    }
    let name = file.name(at)?.trim_start_matches("r#").to_owned();
    file.is(at + 1, ":").then_some((at, name))
}

/// `const PORT: u16 = 80;`, `fn default_port() -> u16 { 80 }`, `port: 80`
fn named(file: &SourceFile, at: usize) -> Option<Seen> {
    let name = file
        .name(at)
        .filter(|name| is_about_port(&name.to_uppercase()))?;
    let upper = name.to_uppercase();
    let before = |word| at > 0 && file.is(at - 1, word);
    if before("const") || before("static") {
        let value = (at..file.end_of(at)).find(|at| file.is(*at, "="))? + 1;
        return see(file, value, Way::Named, value_at(file, value)?);
    }
    if before("fn") {
        let body = (at..at + 12).find(|at| file.is(*at, "{"))? + 1;
        return see(file, body, Way::Named, value_at(file, body)?);
    }
    // A field of a literal; one whose name says more, such as `import: 1`, is none.
    let is_field = file.is(at + 1, ":") && !file.is(at + 2, ":") && upper.ends_with("PORT");
    is_field.then(|| see(file, at, Way::Named, (None, file.number(at + 2)?)))?
}

/// A literal that can only be an address to listen on.
fn address(file: &SourceFile, at: usize) -> Option<Seen> {
    let address = parse(&file.text(at)?)?;
    let any = address
        .0
        .as_deref()
        .is_some_and(|host| matches!(host, "0.0.0.0" | "[::]"));
    any.then(|| see(file, at, Way::Address, address))?
}
