//! Addresses and ports as they are written in sources.

use crate::facts::source::SourceFile;

/// A host, where one is written, and a port.
pub(super) type Address = (Option<String>, u64);

/// A port at an index, as a number or a text, or an address.
pub(super) fn value_at(file: &SourceFile, at: usize) -> Option<Address> {
    let text = || {
        let text = file.text(at)?;
        parse(&text).or_else(|| Some((None, text.parse().ok()?)))
    };
    file.number(at).map(|port| (None, port)).or_else(text)
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
    let digits = file.split(file.inside(host.start));
    let octets: Vec<String> = digits
        .iter()
        .filter_map(|part| file.number(part.start).map(|number| number.to_string()))
        .collect();
    let last = host.end - 1;
    let host = match file.text(host.start) {
        Some(text) => Some(text),
        None if file.is(host.start, "[") => Some(octets.join(".")),
        None if file.is(last, "UNSPECIFIED") => Some("0.0.0.0".to_owned()),
        None if file.is(last, "LOCALHOST") => Some("127.0.0.1".to_owned()),
        None => None,
    };
    Some((host, file.number(port.start)?))
}

/// `host:port`, where the host is an address, `localhost` or nothing.
pub(super) fn parse(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    let is_host = host.is_empty()
        || host == "localhost"
        || host.parse::<std::net::Ipv4Addr>().is_ok()
        || host
            .strip_prefix('[')?
            .strip_suffix(']')?
            .parse::<std::net::Ipv6Addr>()
            .is_ok();
    let port = port.parse().ok()?;
    is_host.then(|| ((!host.is_empty()).then(|| host.to_owned()), port))
}

/// Whether a name, in any case, is one of a port or of an address to listen on, and not of what the program connects to.
pub(super) fn is_about_port(name: &str) -> bool {
    const ELSEWHERE: [&str; 14] = [
        "CLIENT", "DATABASE", "DB", "KAFKA", "MAIL", "MYSQL", "PEER", "PG", "POSTGRES", "PROXY",
        "REDIS", "REMOTE", "SMTP", "UPSTREAM",
    ];
    let upper = name.to_uppercase();
    let words: Vec<&str> = upper.split('_').collect();
    let is_port = |word: &&str| matches!(*word, "PORT" | "ADDR" | "ADDRESS" | "LISTEN" | "BIND");
    words.iter().any(is_port) && !words.iter().any(|word| ELSEWHERE.contains(word))
}
