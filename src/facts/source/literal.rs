//! Expressions that only consist of a literal, possibly converted.

use std::ops::Range;

use super::{Call, Form, SourceFile, Sources};

/// Methods that convert a literal to another type without changing its value.
const CONVERSIONS: [&str; 15] = [
    "as_path",
    "as_ref",
    "as_str",
    "clone",
    "expect",
    "into",
    "into_boxed_str",
    "into_owned",
    "into_string",
    "parse",
    "to_owned",
    "to_path_buf",
    "to_string",
    "try_into",
    "unwrap",
];

/// Functions of one argument that do the same: `String::from`, `Path::new`, `Cow::Borrowed`.
const WRAPPERS: [&str; 5] = ["Borrowed", "Ok", "Some", "from", "new"];

/// How many functions to follow to a value: more are probably recursive.
const MAX_FUNCTIONS: usize = 3;

impl Sources {
    /// The value of an expression that is a literal, or an unambiguous constant or function with one: `"a"`, `&8080`,
    /// `"a".to_owned()`, `String::from("a")`, `{ NAME.into() }`, `default_name()`. None for values computed at run time.
    pub fn literal(&self, file: &SourceFile, expression: Range<usize>) -> Option<String> {
        self.value(file, expression, MAX_FUNCTIONS)
    }

    /// The same, following at most this number of functions.
    fn value(
        &self,
        file: &SourceFile,
        expression: Range<usize>,
        functions: usize,
    ) -> Option<String> {
        let mut start = expression.start;
        while file.is(start, "&") {
            start += 1;
        }
        let (value, mut at) = self.operand(file, start, functions)?;
        while at < expression.end {
            if file.is(at, "?") {
                at += 1;
                continue;
            }
            let converted = file.is(at, ".").then(|| file.call(at + 1))??;
            if !CONVERSIONS.contains(&converted.name()) {
                return None;
            }
            at = converted.end + 1;
        }
        (at == expression.end).then_some(value)
    }

    /// The value at an index before its conversions, and the index after it.
    fn operand(&self, file: &SourceFile, at: usize, functions: usize) -> Option<(String, usize)> {
        if let Some(text) = file.text(at) {
            return Some((text, at + 1));
        }
        if let Some(number) = file.number(at) {
            return Some((number.to_string(), at + 1));
        }
        if file.is(at, "(") || file.is(at, "{") {
            let inside = file.inside(at);
            let behind = inside.end + 1;
            return Some((self.value(file, inside, functions)?, behind));
        }
        file.name(at)?;
        let last = file.path_end(at);
        let Some(call) = file.call(last) else {
            let value = self.constants.get(file.name(last)?)?;
            return Some((value.clone(), last + 1));
        };
        let value = match (call.form, &call.arguments[..]) {
            (Form::Function, [argument]) if WRAPPERS.contains(&call.name()) => {
                self.value(file, argument.clone(), functions)
            }
            (Form::Function, []) => {
                let (file, body) = self.body(&call)?;
                self.value(file, body, functions.checked_sub(1)?)
            }
            (Form::Macro, [_]) if call.is("format") => {
                call.text(0).filter(|text| !text.contains('{'))
            }
            _ => None,
        };
        Some((value?, call.end + 1))
    }

    /// The body of the function without arguments that is called, if its name is unambiguous; associated functions are not
    /// searched.
    fn body(&self, call: &Call<'_>) -> Option<(&SourceFile, Range<usize>)> {
        if call.path.contains(char::is_uppercase) {
            return None;
        }
        let mut bodies = self.files.iter().flat_map(|file| {
            let named = file.indices().filter(|at| {
                file.is(*at, "fn") && file.name(at + 1) == Some(call.name()) && file.is(at + 3, ")")
            });
            named.filter_map(move |at| {
                let open = (at..file.end_of(at + 4)).find(|at| file.is(*at, "{"))?;
                Some((file, file.inside(open)))
            })
        });
        let body = bodies.next()?;
        bodies.next().is_none().then_some(body)
    }
}

#[cfg(test)]
mod tests {
    use super::Sources;

    fn literal(expression: &str) -> Option<String> {
        let constants = "const HOST: &str = \"h\"; const PORT: u16 = 8_080; fn host() -> String { HOST.to_string() } \
            fn round() -> u16 { round() } fn two() -> u8 { 1 } fn two() -> u8 { 2 } let x = ";
        let sources = Sources::from_text(&format!("{constants}{expression};"));
        let file = &sources.files[0];
        let start = file.indices().rfind(|at| file.is(*at, "x")).unwrap() + 2;
        sources.literal(file, start..file.indices().end - 1)
    }

    #[test]
    fn converted_literals_are_literals() {
        for (expression, value) in [
            (r#""a""#, "a"),
            (r#"&"a""#, "a"),
            (r#""a".to_owned().into()"#, "a"),
            (r#"String::from("a")"#, "a"),
            (r#"std::path::Path::new("a").to_path_buf()"#, "a"),
            (r#"{ Ok("a".into()) }"#, "a"),
            (r#""127.0.0.1".parse().expect("it is one")"#, "127.0.0.1"),
            (r#""[::1]:80".parse::<SocketAddr>()?"#, "[::1]:80"),
            (r#"format!("a")"#, "a"),
            (r#""{level} {message}".to_string()"#, "{level} {message}"),
            ("8_080u16", "8080"),
            ("HOST.to_string()", "h"),
            ("defaults::host()", "h"),
            ("crate::defaults::PORT", "8080"),
        ] {
            assert_eq!(literal(expression).as_deref(), Some(value), "{expression}");
        }
    }

    #[test]
    fn computed_expressions_are_not_literals() {
        for expression in [
            r#"format!("http://{}:{}", host, 80)"#,
            r#"format!("{host}")"#,
            r#"env::var("HOME").unwrap() + "/data""#,
            r#""a" == "b""#,
            r#"panic!("no value")"#,
            r#"{ eprintln!("no value"); exit(1) }"#,
            r#""a,b".split(',')"#,
            "Duration::from_secs(30)",
            "IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1))",
            "UNKNOWN",
            "unknown()",
            "round()",
            "two()",
            "Name::host()",
            "Size::Human",
        ] {
            assert_eq!(literal(expression), None, "{expression}");
        }
    }
}
