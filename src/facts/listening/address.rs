//! Addresses and ports as they are written in sources.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use crate::facts::source::SourceFile;

/// A host, where one is written, and a port.
pub(super) type Address = (Option<String>, u64);

/// A port at an index, as a number or a text, or an address.
pub(super) fn value_at(file: &SourceFile, at: usize) -> Option<Address> {
    let text = || parse_value(&file.text(at)?);
    file.number(at).map(|port| (None, port)).or_else(text)
}

/// A port or an address in a text.
pub(super) fn parse_value(text: &str) -> Option<Address> {
    parse(text).or_else(|| Some((None, text.parse().ok()?)))
}

/// An address at an index: a literal, a pair of host and port, or either of them with `&` before it.
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

/// The host that an expression is: a literal, octets, or one of the constants of the standard library.
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

/// Whether a text is a host to listen on: an address, or `localhost`.
pub(super) fn is_host(text: &str) -> bool {
    let inside = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    match inside {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => text == "localhost" || text.parse::<IpAddr>().is_ok(),
    }
}

/// `host:port`, where the host is an address, `localhost` or nothing.
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

/// Words that name what the program connects to, and does not listen on.
const ELSEWHERE: [&str; 14] = [
    "CLIENT", "DATABASE", "DB", "KAFKA", "MAIL", "MYSQL", "PEER", "PG", "POSTGRES", "PROXY",
    "REDIS", "REMOTE", "SMTP", "UPSTREAM",
];

/// What a host and a port that belong together have in their names beside what tells them apart: `APP` of `APP_HOST` and `app.port`, and
/// nothing of `HOST`. None where the name is of no such thing, or of one that the program connects to.
pub(super) fn stem(name: &str) -> Option<String> {
    const APART: [&str; 9] = [
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
    let (apart, shared): (Vec<&str>, Vec<&str>) = words.partition(|word| APART.contains(word));
    (!apart.is_empty() && !is_elsewhere(name)).then(|| shared.join("_"))
}

/// Whether a name, in any case, is one of what the program connects to.
pub(super) fn is_elsewhere(name: &str) -> bool {
    let upper = name.to_uppercase();
    let mut words = upper.split(['_', '-', '.']);
    words.any(|word| ELSEWHERE.contains(&word))
}

/// Whether a name, in any case, is one of a port or of an address to listen on, and not of what the program connects to.
pub(super) fn is_about_port(name: &str) -> bool {
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split('_').collect();
    let is_port = |word: &&str| matches!(*word, "PORT" | "ADDR" | "ADDRESS" | "LISTEN" | "BIND");
    words.iter().any(is_port) && !is_elsewhere(name)
}
