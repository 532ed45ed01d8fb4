//! What is given to a call that listens, followed to where it is written.

use std::ops::Range;

use super::address::{Address, address_at, host_at, is_host, parse};
use crate::facts::fallback;
use crate::facts::source::{Call, Form, SourceFile, Sources};

/// What a call listens on: its first argument. None where it does not listen.
pub(super) fn argument(call: &Call<'_>) -> Option<Range<usize>> {
    let listens = match (call.form, call.name()) {
        (Form::Attribute, _) => false,
        (_, name) if name.starts_with("bind") => true,
        (_, "listen") | (Form::Method, "run") => true,
        _ => false,
    };
    call.arguments.first().filter(|_| listens).cloned()
}

/// The address that an expression is, with the index where it is written: in place, by a constant or by a variable.
pub(super) fn address(
    file: &SourceFile,
    expression: Range<usize>,
    sources: &Sources,
) -> Option<(usize, Address)> {
    let written = |expression: Range<usize>| {
        let at = expression.start;
        let constant = || parse(&sources.literal(file, expression)?);
        Some((at, address_at(file, at).or_else(constant)?))
    };
    written(expression.clone()).or_else(|| {
        let value = value_of(file, &name_in(file, expression.clone())?, expression.start)?;
        let read = || {
            let (at, text) = read_in(file, value.clone(), sources)?;
            Some((at, parse(&text)?))
        };
        written(value.clone()).or_else(read)
    })
}

/// What is in the place of the host.
#[derive(Debug, PartialEq)]
pub(super) enum Host {
    /// It is written, at this index.
    Written(usize, String),
    /// It is what has this name, which is not bound in the same file.
    Named(String),
}

/// The host of `(config.host.as_str(), port)`, `format!("{host}:{port}")` and `format!("{}:{}", host, port)`, or of a variable that
/// is one of these.
pub(super) fn host(file: &SourceFile, expression: Range<usize>, sources: &Sources) -> Option<Host> {
    let found = in_pair(file, expression.clone(), sources).or_else(|| {
        let value = value_of(file, &name_in(file, expression.clone())?, expression.start)?;
        in_pair(file, value, sources)
    })?;
    let Host::Named(name) = found else {
        return Some(found);
    };
    let bound = value_of(file, &name, expression.start).and_then(|value| {
        let literal = || Some((value.start, sources.literal(file, value.clone())?));
        read_in(file, value.clone(), sources).or_else(literal)
    });
    Some(match bound {
        Some((at, text)) if is_host(&text) => Host::Written(at, text),
        _ => Host::Named(name),
    })
}

fn in_pair(file: &SourceFile, expression: Range<usize>, sources: &Sources) -> Option<Host> {
    let mut start = (expression.clone()).find(|at| !file.is(*at, "&"))?;
    // `SocketAddr::from((host, port))`
    let inner = file.path_end(start) + 2;
    if file.is(inner - 2, "from") && file.is(inner, "(") {
        start = inner;
    }
    let of_expression = |host: Range<usize>| {
        let written = || host_at(file, host.clone());
        let literal = || sources.literal(file, host.clone()).filter(|it| is_host(it));
        match written().or_else(literal) {
            Some(text) => Some(Host::Written(host.start, text)),
            None => Some(Host::Named(name_in(file, host)?)),
        }
    };
    if file.is(start, "(") {
        let [host, _] = &file.split(file.inside(start))[..] else {
            return None;
        };
        return of_expression(host.clone());
    }
    if !file.is(start, "format") || !file.is(start + 1, "!") {
        return None;
    }
    let parts = file.split(file.inside(start + 2));
    let at = parts.first()?.start;
    let text = file.text(at)?;
    match text.strip_prefix('{').and_then(|it| it.split_once("}:")) {
        Some(("", _)) => of_expression(parts.get(1)?.clone()),
        Some((captured, _)) => Some(Host::Named(captured.to_owned())),
        None => {
            let (host, _) = text.rsplit_once(":{")?;
            is_host(host).then(|| Host::Written(at, host.to_owned()))
        }
    }
}

/// The name of the value that an expression is: `host` of `&config.host.clone()`.
fn name_in(file: &SourceFile, expression: Range<usize>) -> Option<String> {
    let mut names = expression.rev().filter(|at| file.name(*at).is_some());
    let last = names.find(|at| !file.is(at + 1, "(") && !file.is(at + 1, "!"))?;
    file.name(last).map(str::to_owned)
}

/// What a `let` gives a name: the nearest one before an index, or the first of the file.
fn value_of(file: &SourceFile, name: &str, before: usize) -> Option<Range<usize>> {
    let bound = |at: &usize| {
        let named = at + 1 + usize::from(file.is(at + 1, "mut"));
        file.is(*at, "let") && file.name(named) == Some(name)
    };
    let at = (0..before)
        .rfind(bound)
        .or_else(|| (before..file.indices().end).find(bound))?;
    let end = file.end_of(at);
    let value = (at..end).find(|at| file.is(*at, "="))? + 1;
    Some(value..end)
}

/// The default of the first environment variable that an expression reads, and the index of that.
fn read_in(
    file: &SourceFile,
    expression: Range<usize>,
    sources: &Sources,
) -> Option<(usize, String)> {
    let read = file
        .calls()
        .find(|call| expression.contains(&call.at) && matches!(call.name(), "var" | "var_os"))?;
    Some((read.at, fallback::of(&read, sources).default?))
}
