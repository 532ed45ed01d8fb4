//! The fallback of an environment variable's read.

use std::ops::Range;

use super::source::{Call, SourceFile, Sources};

/// Calls that end the program, or return from the function, instead of yielding a value.
const DIVERGING: [&str; 7] = [
    "abort",
    "bail",
    "exit",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
];

/// What happens if a variable is not set.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fallback {
    /// The value, if it is a literal.
    pub default: Option<String>,
    /// Whether the variable is optional; none if the sources do not show it.
    pub optional: Option<bool>,
}

impl Fallback {
    fn with_default(default: Option<String>) -> Self {
        Self {
            default,
            optional: Some(true),
        }
    }

    fn unknown(optional: Option<bool>) -> Self {
        Self {
            default: None,
            optional,
        }
    }
}

/// What the calls after a read make of an unset variable: `.unwrap_or_else(|_| "8080".to_owned())`, `.expect("…")`, `?`.
pub(super) fn find(read: &Call<'_>, sources: &Sources) -> Fallback {
    let file = read.file;
    let mut value = Value {
        is_option: read.name() == "var_os",
        ..Value::default()
    };
    if file.is(read.end + 1, "?") {
        return value.after_question_mark();
    }
    for next in read.chain() {
        match next.name() {
            "unwrap" | "expect" => return value.required(),
            "unwrap_or_default" => return Fallback::with_default(None),
            "or" | "or_else" | "unwrap_or" | "unwrap_or_else" | "map_or" | "map_or_else" => {
                let Some(alternative) = next.arguments.first().map(|it| body(file, it.clone()))
                else {
                    return Fallback::unknown(None);
                };
                let continues = next.name().starts_with("or");
                if diverges(file, alternative.clone()) {
                    return Fallback::unknown(Some(false));
                }
                value.is_derived |= next.arguments.iter().skip(1).any(|it| compares(file, it));
                let default = sources.literal(file, alternative.clone());
                if default.is_some() || !continues {
                    return Fallback::with_default(default.filter(|_| value.is_unchanged()));
                }
                // `.or_else(|_| Err(Missing))` yields no other value; anything else may yield one, such as another variable.
                value.has_alternative |= !file.is(alternative.start, "Err");
            }
            "ok" => value.is_option = true,
            "ok_or" | "ok_or_else" | "context" | "with_context" => value.is_option = false,
            "is_ok" | "is_err" | "is_some" | "is_none" | "is_ok_and" | "is_some_and" => {
                return Fallback::with_default(None);
            }
            "map" | "and_then" | "filter" => {
                value.is_derived |= next.arguments.iter().any(|it| compares(file, it));
            }
            "map_err" | "parse" | "as_deref" | "as_ref" | "inspect" | "inspect_err" | "flatten"
            | "transpose" => {}
            _ => return Fallback::unknown(value.at_end(read)),
        }
        if file.is(next.end + 1, "?") {
            return value.after_question_mark();
        }
    }
    Fallback::unknown(value.at_end(read))
}

/// A value on its way through a chain of calls.
#[derive(Default)]
struct Value {
    /// Whether it is an `Option`, so that `?` returns `None`.
    is_option: bool,
    /// Whether it may come from elsewhere if the variable is not set.
    has_alternative: bool,
    /// Whether it is derived from the variable's value by a decision, rather than being that value.
    is_derived: bool,
}

impl Value {
    fn is_unchanged(&self) -> bool {
        !self.has_alternative && !self.is_derived
    }

    fn required(&self) -> Fallback {
        Fallback::unknown((!self.has_alternative).then_some(false))
    }

    /// `?`: the caller of a function that returns an `Option` goes on without a value.
    fn after_question_mark(&self) -> Fallback {
        if self.is_option {
            return Fallback::with_default(None);
        }
        self.required()
    }

    /// Whether the variable is optional if the chain ends in a value that may be missing.
    fn at_end(&self, read: &Call<'_>) -> Option<bool> {
        let made_option = self.is_option && read.name() != "var_os";
        (made_option || is_condition(read)).then_some(true)
    }
}

/// `if let Ok(port) = env::var("PORT")`
fn is_condition(read: &Call<'_>) -> bool {
    let file = read.file;
    let ends = |at: &usize| [";", "{", "}"].iter().any(|word| file.is(*at, word));
    let mut before = (0..read.at).rev().take_while(|at| !ends(at));
    before.any(|at| file.is(at, "if") || file.is(at, "while"))
}

/// The body of a closure, without its `move |_|`; any other argument as a whole.
fn body(file: &SourceFile, argument: Range<usize>) -> Range<usize> {
    let head = argument.start + usize::from(file.is(argument.start, "move"));
    if !file.is(head, "|") {
        return argument;
    }
    let close = (head + 1..argument.end).find(|at| file.is(*at, "|"));
    close.map_or(head, |close| close + 1)..argument.end
}

/// Whether an expression ends the program on every branch, not only on one.
fn diverges(file: &SourceFile, expression: Range<usize>) -> bool {
    let mut at = expression.start;
    if file.is(at, "{") {
        return diverges(file, file.inside(at));
    }
    while at < expression.end {
        let is_called = file.is(at + 1, "(") || file.is(at + 1, "!");
        if is_called && file.name(at).is_some_and(|name| DIVERGING.contains(&name)) {
            return true;
        }
        let is_open = ["(", "[", "{"].iter().any(|bracket| file.is(at, bracket));
        at = if is_open { file.inside(at).end } else { at } + 1;
    }
    false
}

/// Whether a closure compares its argument, so that its result is not the variable's value.
fn compares(file: &SourceFile, argument: &Range<usize>) -> bool {
    let mut indices = argument.clone();
    indices.any(|at| {
        let is_comparison = (file.is(at, "=") || file.is(at, "!")) && file.is(at + 1, "=");
        is_comparison || file.is(at, "match") || file.is(at, "matches")
    })
}

#[cfg(test)]
mod tests {
    use super::{Fallback, Sources, find};

    fn fallback(code: &str) -> Fallback {
        let text = format!("const PORT: u16 = 80; fn f() {{ {code}; }}");
        let sources = Sources::from_text(&text);
        let mut calls = sources.calls();
        let read = calls.find(|call| call.name().starts_with("var")).unwrap();
        find(&read, &sources)
    }

    #[test]
    fn literal_fallbacks_are_defaults() {
        for (code, default) in [
            (r#"env::var("A").unwrap_or("x".into())"#, "x"),
            (r#"env::var("A").unwrap_or_else(|_| "x".to_owned())"#, "x"),
            (
                r#"env::var("A").unwrap_or_else(move |_: VarError| { String::from("x") })"#,
                "x",
            ),
            (r#"env::var("A").or_else(|_| Ok("x".to_owned()))?"#, "x"),
            (
                r#"env::var("A").ok().as_deref().unwrap_or("x").parse()"#,
                "x",
            ),
            (
                r#"env::var("A").ok().and_then(|it| it.parse().ok()).unwrap_or(PORT)"#,
                "80",
            ),
            (
                r#"env::var("A").map_or(80, |it| it.parse().unwrap())"#,
                "80",
            ),
        ] {
            assert_eq!(
                fallback(code),
                Fallback::with_default(Some(default.to_owned())),
                "{code}"
            );
        }
    }

    #[test]
    fn derived_and_computed_fallbacks_are_not_defaults() {
        for code in [
            r#"env::var("A").map_or(false, |it| it == "on")"#,
            r#"env::var("A").map_or(1, |it| if it == "on" { 2 } else { 1 })"#,
            r#"env::var("A").map(|it| it != "off").unwrap_or(true)"#,
            r#"env::var("A").unwrap_or_else(|_| format!("http://{}:{}/assets", host, 80))"#,
            r#"env::var("A").unwrap_or_else(|_| env::var("HOME").unwrap() + "/data")"#,
            r#"env::var("A").or_else(|_| env::var("B")).unwrap_or_default()"#,
            r#"env::var("A").or_else(|_| env::var("B")).unwrap_or("x".into())"#,
            r#"env::var("A").unwrap_or_else(|_| if a { panic!("no A") } else { b() })"#,
        ] {
            assert_eq!(fallback(code), Fallback::with_default(None), "{code}");
        }
    }

    #[test]
    fn variable_is_required_if_the_program_ends_without_it() {
        for code in [
            r#"env::var("A").unwrap()"#,
            r#"env::var("A").ok().expect("A must be set")"#,
            r#"env::var("A").unwrap_or_else(|_| panic!("A must be set"))"#,
            r#"env::var("A").unwrap_or_else(|_| { eprintln!("no A"); std::process::exit(1) })"#,
            r#"env::var("A").or_else(|_| Err("no A"))?"#,
            r#"env::var("A")?"#,
            r#"env::var_os("A").context("no A")?"#,
        ] {
            assert_eq!(fallback(code).optional, Some(false), "{code}");
            assert_eq!(fallback(code).default, None, "{code}");
        }
    }

    #[test]
    fn variable_passed_on_as_an_option_is_optional() {
        for code in [
            r#"env::var_os("A")?"#,
            r#"env::var("A").ok()?"#,
            r#"env::var("A").ok()"#,
            r#"if let Ok(a) = env::var("A") {}"#,
        ] {
            assert_eq!(fallback(code), Fallback::with_default(None), "{code}");
        }
        // One of the two is required, but nothing says which.
        let either = r#"env::var("A").or_else(|_| env::var("B")).unwrap()"#;
        assert_eq!(fallback(either), Fallback::default());
    }
}
