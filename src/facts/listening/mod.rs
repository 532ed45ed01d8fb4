//! Where the program listens: addresses and ports in the sources, ranked by how direct the evidence is.

mod address;
mod bind_argument;
mod host;

use serde::Serialize;

use self::address::{Address, address_at, is_about_port, parse, parse_value, value_at};
use super::evidence::{Certainty, Evidence, Found};
use super::source::{Call, Form, SourceFile, Sources};

/// Where a program listens.
#[derive(Debug, Default, Serialize)]
pub struct Listening {
    /// The port.
    pub port: Option<Found<u16>>,
    /// The other ports in the sources, the most likely first.
    pub others: Vec<Found<u16>>,
    /// The address that it binds to by default.
    pub host: Option<Found<String>>,
    /// A separate port for metrics.
    pub metrics_port: Option<Found<u16>>,
}

/// How direct the evidence for a port is; the first is the best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Directness {
    /// The address is passed to a call that listens.
    Bound,
    /// A default on the command line or in the environment whose name contains `port` or `addr`.
    Default,
    /// A constant, a function or a field with such a name.
    Named,
    /// An address for all interfaces, anywhere.
    Address,
}

struct PortCandidate {
    directness: Directness,
    host: Option<String>,
    port: Found<u16>,
    /// What sets the port, if anything: a variable, an option or a key, and the field that contains it.
    names: Vec<String>,
    metrics: bool,
}

impl PortCandidate {
    fn with_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names.extend(names);
        self
    }
}

impl Listening {
    /// Adopts a port from better evidence than the sources; theirs becomes another port.
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

    /// Adds a port that is less likely than the previous ones.
    fn add(&mut self, port: Found<u16>) {
        let mut known = self.port.iter_mut().chain(&mut self.others);
        if let Some(same) = known.find(|known| known.value == port.value) {
            let is_new = |evidence: &Evidence| !same.evidence.contains(evidence);
            let more: Vec<Evidence> = port.evidence.into_iter().filter(is_new).collect();
            same.evidence.extend(more);
        } else if self.port.is_none() {
            self.port = Some(port);
        } else {
            self.others.push(port);
        }
    }
}

/// Finds the ports in the sources.
pub fn find(sources: &Sources) -> Listening {
    let in_files = sources.files.iter();
    let mut candidates: Vec<PortCandidate> = in_files
        .flat_map(|file| candidates_in(file, sources))
        .collect();
    // The main file has priority over libraries with equally direct evidence.
    candidates.sort_by_key(|candidate| candidate.directness);
    let (metrics, candidates): (Vec<PortCandidate>, Vec<PortCandidate>) = candidates
        .into_iter()
        .partition(|candidate| candidate.metrics);
    let port = candidates.first().map(|candidate| candidate.port.value);
    let of_port = candidates
        .iter()
        .filter(|candidate| Some(candidate.port.value) == port);
    let names: Vec<String> = of_port
        .flat_map(|candidate| candidate.names.clone())
        .collect();
    // The most direct evidence for the port also gives the host.
    let (direct, indirect): (Vec<&PortCandidate>, Vec<&PortCandidate>) = candidates
        .iter()
        .partition(|candidate| candidate.directness <= Directness::Default);
    let host = first_host(&direct)
        .or_else(|| host::find(sources, &names))
        .or_else(|| first_host(&indirect));
    let mut listening = Listening {
        host,
        metrics_port: metrics.into_iter().next().map(|candidate| candidate.port),
        ..Listening::default()
    };
    for PortCandidate { port, .. } in candidates {
        listening.add(port);
    }
    listening
}

/// The first host of these.
fn first_host(candidates: &[&PortCandidate]) -> Option<Found<String>> {
    let mut hosts = candidates.iter().filter_map(|candidate| {
        let host = candidate.host.clone()?;
        Some(candidate.port.clone().map(|_| host))
    });
    hosts.next()
}

fn candidates_in(file: &SourceFile, sources: &Sources) -> Vec<PortCandidate> {
    let calls = file.calls();
    let mut candidates: Vec<PortCandidate> =
        calls.filter_map(|call| from_call(&call, sources)).collect();
    for at in file.indices() {
        candidates.extend(from_name(file, at));
        candidates.extend(from_literal(file, at));
    }
    candidates
}

fn port_candidate(
    file: &SourceFile,
    at: usize,
    directness: Directness,
    (host, port): Address,
) -> Option<PortCandidate> {
    let port = u16::try_from(port).ok().filter(|port| *port > 0)?;
    let certainty = match directness {
        Directness::Bound | Directness::Default => Certainty::Likely,
        Directness::Named | Directness::Address => Certainty::Guess,
    };
    Some(PortCandidate {
        directness,
        host,
        port: Found::new(port, certainty, vec![file.evidence(at)]),
        names: Vec::new(),
        metrics: is_about_metrics(file, at),
    })
}

/// Whether a line, or what surrounds it, is about metrics.
fn is_about_metrics(file: &SourceFile, at: usize) -> bool {
    let mentions_metrics = |text: &str| {
        let text = text.to_lowercase();
        text.contains("metric") || text.contains("prometheus")
    };
    mentions_metrics(&file.evidence(at).says) || file.enclosing_names(at).any(mentions_metrics)
}

/// `bind("0.0.0.0:80")`, `bind(("0.0.0.0", 80))`, `run(([0, 0, 0, 0], 80))`, `#[arg(default_value_t = 80)] port: u16`, and the
/// fallback of an environment variable whose name contains `PORT`.
fn from_call(call: &Call<'_>, sources: &Sources) -> Option<PortCandidate> {
    let file = call.file;
    if let Some(argument) = bind_argument::of_call(call) {
        let (at, address) = bind_argument::address(file, argument, sources)?;
        return port_candidate(file, at, Directness::Bound, address);
    }
    match (call.form, call.name()) {
        (Form::Attribute, _) => from_attribute(call, sources),
        // It also constructs addresses for clients.
        (_, "from") => {
            let first = call.arguments.first()?.start;
            port_candidate(file, first, Directness::Address, address_at(file, first)?)
        }
        (_, "var" | "var_os") => from_variable(call, sources),
        // `set_default("server.port", 80)` of the crate config
        (Form::Method, "set_default") => {
            let key = call.text(0)?.replace('.', "_");
            let value = call.arguments.get(1)?.start;
            from_default(file, key, value)
        }
        (Form::Function, _) if call.is("Arg::new") => {
            let default = call
                .chain()
                .find(|next| matches!(next.name(), "default_value" | "default_value_t"))?;
            from_default(file, call.text(0)?, default.arguments.first()?.start)
        }
        _ => None,
    }
}

/// The default at an index, for something whose name is about a port.
fn from_default(file: &SourceFile, name: String, value: usize) -> Option<PortCandidate> {
    let address = value_at(file, value).filter(|_| is_about_port(&name))?;
    Some(port_candidate(file, value, Directness::Default, address)?.with_names([name]))
}

/// The fallback of an environment variable about a port, in the same statement.
fn from_variable(call: &Call<'_>, sources: &Sources) -> Option<PortCandidate> {
    let file = call.file;
    let name = sources
        .text_of(call, 0)
        .filter(|name| is_about_port(name))?;
    let candidate = (call.end..file.end_of(call.end + 1)).find_map(|at| {
        // A smaller number is an index or a count.
        let address = value_at(file, at).filter(|(_, port)| *port > 79)?;
        port_candidate(file, at, Directness::Default, address)
    })?;
    Some(candidate.with_names([name]))
}

/// `#[arg(long, env = "PORT", default_value_t = 8080)] pub port: u16`
fn from_attribute(call: &Call<'_>, sources: &Sources) -> Option<PortCandidate> {
    let file = call.file;
    let (_, field) = annotated_field(call)?;
    let variable = call
        .value("env")
        .and_then(|value| sources.literal(file, value));
    let names: Vec<String> = variable.into_iter().chain([field]).collect();
    if !names.iter().any(|name| is_about_port(name)) {
        return None;
    }
    let keys = [
        "default_value_t",
        "default_value",
        "default_values_t",
        "default",
    ];
    let value = keys.iter().find_map(|key| call.value(key))?;
    let at = value.start;
    let constant = || parse_value(&sources.literal(file, value.clone())?);
    let address = value_at(file, at)
        .or_else(|| address_at(file, at))
        .or_else(constant)?;
    Some(port_candidate(file, at, Directness::Default, address)?.with_names(names))
}

/// The field that an attribute belongs to: the index of its name, and the name.
pub(super) fn annotated_field(call: &Call<'_>) -> Option<(usize, String)> {
    let file = call.file;
    let mut at = call.end;
    // Skips this attribute and those after it, and `pub` with its restriction.
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
fn from_name(file: &SourceFile, at: usize) -> Option<PortCandidate> {
    let name = file
        .name(at)
        .filter(|name| is_about_port(&name.to_uppercase()))?;
    let upper = name.to_uppercase();
    let before = |word| at > 0 && file.is(at - 1, word);
    if before("const") || before("static") {
        let value = (at..file.end_of(at)).find(|at| file.is(*at, "="))? + 1;
        return port_candidate(file, value, Directness::Named, value_at(file, value)?);
    }
    if before("fn") {
        let body = (at..at + 12).find(|at| file.is(*at, "{"))? + 1;
        return port_candidate(file, body, Directness::Named, value_at(file, body)?);
    }
    // A field of a struct literal; longer names, such as in `import: 1`, do not count.
    let is_field = file.is(at + 1, ":") && !file.is(at + 2, ":") && upper.ends_with("PORT");
    is_field.then(|| port_candidate(file, at, Directness::Named, (None, file.number(at + 2)?)))?
}

/// A literal that can only be an address to listen on.
fn from_literal(file: &SourceFile, at: usize) -> Option<PortCandidate> {
    let address = parse(&file.text(at)?)?;
    let any = address
        .0
        .as_deref()
        .is_some_and(|host| matches!(host, "0.0.0.0" | "[::]"));
    any.then(|| port_candidate(file, at, Directness::Address, address))?
}

#[cfg(test)]
mod tests {
    use super::{Sources, find};

    /// Where code listens: the port and the host.
    fn listens(code: &str) -> (Option<u16>, Option<String>) {
        let sources = Sources::from_text(code);
        let found = find(&sources);
        let host = found.host.map(|host| host.value);
        (found.port.map(|port| port.value), host)
    }

    #[test]
    fn follows_an_address_to_its_definition() {
        for (code, port, host) in [
            (
                r#"let addr = "127.0.0.1:3000"; TcpListener::bind(addr)"#,
                3000,
                "127.0.0.1",
            ),
            (
                r#"let addr = "[::1]:3000"; TcpListener::bind(&addr)"#,
                3000,
                "[::1]",
            ),
            (
                r#"let mut addr: SocketAddr = "127.0.0.1:3000".parse().unwrap(); Server::bind(&addr)"#,
                3000,
                "127.0.0.1",
            ),
            (
                r#"let addr = SocketAddr::from(([127, 0, 0, 1], 3000)); TcpListener::bind(addr)"#,
                3000,
                "127.0.0.1",
            ),
            (
                r#"let addr = env::var("WHERE").unwrap_or("127.0.0.1:3000".into()); TcpListener::bind(addr)"#,
                3000,
                "127.0.0.1",
            ),
            (
                r#"let addr = "10.0.0.1:1"; f(addr); let addr = "127.0.0.1:3000"; TcpListener::bind(addr); let addr = "10.0.0.1:2""#,
                3000,
                "127.0.0.1",
            ),
            (r#"TcpListener::bind(config::HERE)"#, 3001, "127.0.0.2"),
        ] {
            let code = format!("const HERE: &str = \"127.0.0.2:3001\"; fn main() {{ {code}; }}");
            assert_eq!(
                listens(&code),
                (Some(port), Some(host.to_owned())),
                "{code}"
            );
        }
    }

    #[test]
    fn finds_a_host_separate_from_the_port() {
        let host = r#"let host = env::var("WHERE").unwrap_or_else(|_| "127.0.0.1".to_string());"#;
        let port = r#"let port: u16 = env::var("PORT").unwrap_or("8080".into()).parse()?;"#;
        for bind in [
            "TcpListener::bind((host.as_str(), port))",
            r#"TcpListener::bind(format!("{host}:{port}"))"#,
            r#"TcpListener::bind(&format!("{}:{}", host, port))"#,
            r#"let addr = format!("{host}:{port}"); TcpListener::bind(&addr)"#,
            "TcpListener::bind(SocketAddr::from((host, port)))",
            r#"TcpListener::bind(("127.0.0.1", port))"#,
            r#"TcpListener::bind(format!("127.0.0.1:{port}"))"#,
        ] {
            let code = format!("fn main() {{ {host} {port} {bind}; }}");
            let expected = (Some(8080), Some("127.0.0.1".to_owned()));
            assert_eq!(listens(&code), expected, "{code}");
        }
    }

    #[test]
    fn matches_a_host_to_the_port_by_name() {
        for code in [
            r#"fn f() { env::var("APP_HOST").unwrap_or("127.0.0.1".into()); env::var("APP_PORT").unwrap_or("80".into()); }"#,
            r#"struct A { #[arg(env = "ORDERS_PORT", default_value_t = 80)] port: u16, #[arg(long, default_value = "127.0.0.1")] host: IpAddr }"#,
            r#"fn f() { builder.set_default("server.host", "127.0.0.1")?.set_default("server.port", 80)?; }"#,
            r#"fn f() { Arg::new("host").default_value("127.0.0.1"); Arg::new("port").default_value("80"); }"#,
            r#"fn f() { Settings { port: 80, address: env::var("WHERE").unwrap_or("127.0.0.1".into()) }; bind((settings.address, settings.port)); }"#,
        ] {
            let expected = (Some(80), Some("127.0.0.1".to_owned()));
            assert_eq!(listens(code), expected, "{code}");
        }
    }

    #[test]
    fn ignores_hosts_that_the_program_connects_to() {
        let port = r#"env::var("PORT").unwrap_or("8080".into());"#;
        for code in [
            r#"env::var("JAEGER_HOST").unwrap_or("localhost".into())"#,
            r#"env::var("DB_HOST").unwrap_or("127.0.0.1".into())"#,
            r#"Jaeger { host: env::var("JAEGER_HOST").unwrap_or("localhost".into()) }"#,
            r#"env::var("HOST").unwrap_or("example.com".into())"#,
        ] {
            let code = format!("fn main() {{ {port} {code}; }}");
            assert_eq!(listens(&code), (Some(8080), None), "{code}");
        }
    }
}
