//! Addresses and ports in sources.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::facts::source::SourceFile;

/// A host, if there is one, and a port.
pub(super) type Address = (Option<String>, u64);

/// A port, as a number or a text, or an address, at an index.
pub(super) fn value_at(file: &SourceFile, at: usize) -> Option<Address> {
    let text = || parse_value(&file.text(at)?);
    file.number(at).map(|port| (None, port)).or_else(text)
}

/// A port or an address in a text.
pub(super) fn parse_value(text: &str) -> Option<Address> {
    parse(text).or_else(|| Some((None, text.parse().ok()?)))
}

/// An address at an index: a literal, a pair of host and port, or a reference to either.
pub(super) fn address_at(file: &SourceFile, at: usize) -> Option<Address> {
    let at = at + usize::from(file.is(at, "&"));
    if let Some(text) = file.text(at) {
        return parse(&text);
    }
    if file.name(at).is_some() && file.is(at + 1, ":") {
        // `SocketAddr::from(([0, 0, 0, 0], 80))`
        let open = (at..at + 8).find(|at| file.is(*at, "("))?;
        return address_at(file, open + 1);
    }
    if !file.is(at, "(") {
        return None;
    }
    let parts = file.split(file.inside(at));
    let [host, port] = &parts[..] else {
        return None;
    };
    Some((host_at(file, host.clone()), file.number(port.start)?))
}

/// The host in an expression: a literal, octets, or a constant of the standard library.
pub(super) fn host_at(file: &SourceFile, host: Range<usize>) -> Option<String> {
    let digits = file.split(file.inside(host.start));
    let octets: Vec<String> = digits
        .iter()
        .filter_map(|part| file.number(part.start).map(|number| number.to_string()))
        .collect();
    let last = host.end.checked_sub(1)?;
    match file.text(host.start) {
        Some(text) => Some(text),
        None if file.is(host.start, "[") => Some(octets.join(".")),
        None if file.is(last, "UNSPECIFIED") => Some("0.0.0.0".to_owned()),
        None if file.is(last, "LOCALHOST") => Some("127.0.0.1".to_owned()),
        None => None,
    }
}

/// Whether a text is a host to listen on: an IP address, or `localhost`.
pub(super) fn is_host(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => text == "localhost" || text.parse::<IpAddr>().is_ok(),
    }
}

/// `host:port`, where the host is an IP address, `localhost` or empty.
pub(super) fn parse(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let is_host = host.is_empty()
        || host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok()
        || host
            .strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<Ipv6Addr>()
            .is_ok();
    let port = port.parse().ok()?;
    is_host.then(|| ((!host.is_empty()).then(|| host.to_owned()), port))
}

/// Words for what the program connects to, rather than listens on.
const REMOTE: [&str; 14] = [
    "CLIENT", "DATABASE", "DB", "KAFKA", "MAIL", "MYSQL", "PEER", "PG", "POSTGRES", "PROXY",
    "REDIS", "REMOTE", "SMTP", "UPSTREAM",
];

/// The common part of the names of a host and a port that belong together: `APP` for `APP_HOST` and `app.port`, and empty for
/// `HOST`. None if the name is not that of a host or port, or of one that the program connects to.
pub(super) fn stem(name: &str) -> Option<String> {
    const HOST_OR_PORT: [&str; 9] = [
        "ADDR",
        "ADDRESS",
        "BIND",
        "HOST",
        "HOSTNAME",
        "INTERFACE",
        "IP",
        "LISTEN",
        "PORT",
    ];
    let upper = name.to_uppercase();
    let words = upper.split(['_', '-', '.']);
    let (removed, shared): (Vec<&str>, Vec<&str>) =
        words.partition(|word| HOST_OR_PORT.contains(word));
    (!removed.is_empty() && !is_remote(name)).then(|| shared.join("_"))
}

/// Whether a name, in any case, is for something that the program connects to.
pub(super) fn is_remote(name: &str) -> bool {
    let upper = name.to_uppercase();
    let mut words = upper.split(['_', '-', '.']);
    words.any(|word| REMOTE.contains(&word))
}

/// Whether a name, in any case, is for a port or an address to listen on, rather than for something that the program connects to.
pub(super) fn is_about_port(name: &str) -> bool {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split('_').collect();
    let is_port = |word: &&str| matches!(*word, "PORT" | "ADDR" | "ADDRESS" | "LISTEN" | "BIND");
    words.iter().any(is_port) && !is_remote(name)
}
