//! The argument of a call that listens, traced back to where it is defined.

use std::ops::Range;

use super::address::{Address, address_at, host_at, is_host, parse};
use crate::facts::fallback;
use crate::facts::source::{Call, Form, SourceFile, Sources};

/// The address argument of a call that listens: its first one. None if it does not listen.
pub(super) fn of_call(call: &Call<'_>) -> Option<Range<usize>> {
    let listens = match (call.form, call.name()) {
        (Form::Attribute, _) => false,
        (_, name) if name.starts_with("bind") => true,
        (_, "listen") | (Form::Method, "run") => true,
        _ => false,
    };
    call.arguments.first().filter(|_| listens).cloned()
}

/// The address in an expression, with the index of its definition: inline, in a constant or in a variable.
pub(super) fn address(
    file: &SourceFile,
    expression: Range<usize>,
    sources: &Sources,
) -> Option<(usize, Address)> {
    let literal_address = |expression: Range<usize>| {
        let at = expression.start;
        let constant = || parse(&sources.literal(file, expression)?);
        Some((at, address_at(file, at).or_else(constant)?))
    };
    literal_address(expression.clone()).or_else(|| {
        let value = bound_value(file, &name_in(file, expression.clone())?, expression.start)?;
        let read = || {
            let (at, text) = variable_default(file, value.clone(), sources)?;
            Some((at, parse(&text)?))
        };
        literal_address(value.clone()).or_else(read)
    })
}

/// What is used as the host.
#[derive(Debug, PartialEq)]
pub(super) enum Host {
    /// A literal at this index.
    Literal(usize, String),
    /// A name that is not bound in the same file.
    Name(String),
}

/// The host in `(config.host.as_str(), port)`, `format!("{host}:{port}")` and `format!("{}:{}", host, port)`, or in a variable
/// with such a value.
pub(super) fn host(file: &SourceFile, expression: Range<usize>, sources: &Sources) -> Option<Host> {
    let found = in_pair(file, expression.clone(), sources).or_else(|| {
        let value = bound_value(file, &name_in(file, expression.clone())?, expression.start)?;
        in_pair(file, value, sources)
    })?;
    let Host::Name(name) = found else {
        return Some(found);
    };
    let bound = bound_value(file, &name, expression.start).and_then(|value| {
        let literal = || Some((value.start, sources.literal(file, value.clone())?));
        variable_default(file, value.clone(), sources).or_else(literal)
    });
    Some(match bound {
        Some((at, text)) if is_host(&text) => Host::Literal(at, text),
        _ => Host::Name(name),
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
        let literal_host = || host_at(file, host.clone());
        let literal = || sources.literal(file, host.clone()).filter(|it| is_host(it));
        match literal_host().or_else(literal) {
            Some(text) => Some(Host::Literal(host.start, text)),
            None => Some(Host::Name(name_in(file, host)?)),
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
        Some((captured, _)) => Some(Host::Name(captured.to_owned())),
        None => {
            let (host, _) = text.rsplit_once(":{")?;
            is_host(host).then(|| Host::Literal(at, host.to_owned()))
        }
    }
}

/// The name of an expression's value: `host` of `&config.host.clone()`.
fn name_in(file: &SourceFile, expression: Range<usize>) -> Option<String> {
    let mut names = expression.rev().filter(|at| file.name(*at).is_some());
    let last = names.find(|at| !file.is(at + 1, "(") && !file.is(at + 1, "!"))?;
    file.name(last).map(str::to_owned)
}

/// The value that a `let` binds to a name: the nearest one before an index, or the first in the file.
fn bound_value(file: &SourceFile, name: &str, before: usize) -> Option<Range<usize>> {
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

/// The default of the first environment variable that an expression reads, and its index.
fn variable_default(
    file: &SourceFile,
    expression: Range<usize>,
    sources: &Sources,
) -> Option<(usize, String)> {
    let read = file
        .calls()
        .find(|call| expression.contains(&call.at) && matches!(call.name(), "var" | "var_os"))?;
    Some((read.at, fallback::find(&read, sources).default?))
}
