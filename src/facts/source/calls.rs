//! Calls, macros and attributes in a source file: a path with arguments in brackets.

use std::ops::Range;

use super::SourceFile;

/// Something with a path and arguments.
#[derive(Clone, Debug)]
pub struct Call<'f> {
    /// The file.
    pub file: &'f SourceFile,
    /// The path as written, without generics: `env::var`, or only the name for a method.
    pub path: String,
    /// Its form.
    pub form: Form,
    /// The index of the last name of the path.
    pub at: usize,
    /// The arguments.
    pub arguments: Vec<Range<usize>>,
    /// The index of its last token.
    pub end: usize,
}

/// The form of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `path(…)`
    Function,
    /// `value.name(…)`
    Method,
    /// `path!(…)`
    Macro,
    /// `#[path(…)]`, `#[path = …]`, and `#[path]` without arguments
    Attribute,
}

impl SourceFile {
    /// Every call in the file, in order.
    pub fn calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.indices().filter_map(|at| self.call(at))
    }

    /// The calls before an index, the nearest first.
    pub fn calls_before(&self, at: usize) -> impl Iterator<Item = Call<'_>> {
        (0..at).rev().filter_map(|at| self.call(at))
    }

    /// The call whose path ends at an index.
    pub(super) fn call(&self, at: usize) -> Option<Call<'_>> {
        self.name(at)?;
        let mut open = at + 1;
        let is_macro = self.is(open, "!") && !self.is(open + 1, "=");
        if is_macro {
            open += 1;
        } else if self.is(open, ":") && self.is(open + 1, ":") && self.is(open + 2, "<") {
            open = self.after_generics(open + 2)?;
        }
        let has_arguments =
            self.is(open, "(") || (is_macro && (self.is(open, "[") || self.is(open, "{")));
        let start = self.path_start(at);
        let before = start.checked_sub(1);
        let is_attribute = before.is_some_and(|before| {
            self.is(before, "[") && before.checked_sub(1).is_some_and(|hash| self.is(hash, "#"))
        });
        let bare_attribute = is_attribute && self.is(at + 1, "]");
        let value = (is_attribute && self.is(at + 1, "=")).then(|| at + 2..self.end_of(at));
        // `fn name(…)` is not a call.
        let is_definition = before.is_some_and(|before| self.is(before, "fn"));
        if !(has_arguments || bare_attribute || value.is_some()) || is_definition {
            return None;
        }
        let form = match before {
            _ if is_macro => Form::Macro,
            _ if is_attribute => Form::Attribute,
            Some(before) if self.is(before, ".") => Form::Method,
            _ => Form::Function,
        };
        let arguments = if has_arguments {
            self.split(self.inside(open))
        } else {
            value.into_iter().collect()
        };
        Some(Call {
            file: self,
            path: self.path(start, at),
            form,
            at,
            arguments,
            end: if has_arguments {
                self.inside(open).end
            } else {
                self.end_of(at)
            },
        })
    }

    /// The index of the first name of a path, given that of the last.
    fn path_start(&self, end: usize) -> usize {
        let mut start = end;
        while start >= 3
            && self.is(start - 1, ":")
            && self.is(start - 2, ":")
            && self.name(start - 3).is_some()
        {
            start -= 3;
        }
        start
    }

    /// The index of the last name of a path, given that of the first.
    pub fn path_end(&self, start: usize) -> usize {
        let mut end = start;
        while self.is(end + 1, ":") && self.is(end + 2, ":") && self.name(end + 3).is_some() {
            end += 3;
        }
        end
    }

    /// The path that ends at an index, as written.
    pub(super) fn path_to(&self, end: usize) -> String {
        self.path(self.path_start(end), end)
    }

    fn path(&self, start: usize, end: usize) -> String {
        let names = (start..=end).filter_map(|at| self.name(at));
        let real = |name| self.aliases.get(name).map_or(name, String::as_str);
        names.map(real).collect::<Vec<_>>().join("::")
    }

    /// The index after `<…>`.
    fn after_generics(&self, open: usize) -> Option<usize> {
        let mut depth = 0_usize;
        // A call's generics are short; a comparison has no end.
        for at in open..open + 40 {
            if self.is(at, "<") {
                depth += 1;
            } else if self.is(at, ">") && !self.is(at - 1, "-") {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
        }
        None
    }
}

impl Call<'_> {
    /// Whether the path ends with another one, comparing whole names.
    pub fn is(&self, path: &str) -> bool {
        self.path
            .strip_suffix(path)
            .is_some_and(|before| before.is_empty() || before.ends_with("::"))
    }

    /// The last name of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap_or_default()
    }

    /// The string literal that an argument is, or starts with: `"a"`, `&"a"`, `"a".into()`.
    pub fn text(&self, index: usize) -> Option<String> {
        let start = self.arguments.get(index)?.start;
        self.file
            .text(start + usize::from(self.file.is(start, "&")))
    }

    /// The value in `key = …` or `key(…)` among the arguments of an attribute.
    pub fn value(&self, key: &str) -> Option<Range<usize>> {
        let argument = self
            .arguments
            .iter()
            .find(|argument| self.file.is(argument.start, key))?;
        let behind = argument.start + 1;
        if self.file.is(behind, "(") {
            return Some(self.file.inside(behind));
        }
        self.file
            .is(behind, "=")
            .then_some(behind + 1..argument.end)
    }

    /// The index of the first token of such a value.
    pub fn option(&self, key: &str) -> Option<usize> {
        self.value(key).map(|value| value.start)
    }

    /// Whether a bare word is among the arguments of an attribute.
    pub fn flag(&self, key: &str) -> bool {
        let is_flag =
            |argument: &Range<usize>| argument.len() == 1 && self.file.is(argument.start, key);
        self.arguments.iter().any(is_flag)
    }

    /// The method calls chained to it: `.b()` and `.c()` of `a().b()?.c()`.
    pub fn chain(&self) -> impl Iterator<Item = Call<'_>> {
        let file = self.file;
        let next = move |end: usize| {
            let dot = end + 1 + usize::from(file.is(end + 1, "?"));
            file.is(dot, ".").then(|| file.call(dot + 1))?
        };
        std::iter::successors(next(self.end), move |call| next(call.end))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Root, SourceFile};
    use super::Form;

    fn calls(text: &str) -> Vec<(String, Form, usize)> {
        let file = SourceFile::new("a.rs".to_owned(), &Root::default(), text.to_owned()).unwrap();
        let calls = file.calls();
        calls
            .map(|call| (call.path.clone(), call.form, call.arguments.len()))
            .collect()
    }

    #[test]
    fn distinguishes_functions_methods_macros_and_attributes() {
        let text = r#"
            #[launch] #[get("/a", rank = 1)] fn f(a: u8) {
                std::env::var("A"); x.route("/b", get(h)); vec![1, 2]; "g()"; /* h() */
                parse::<u16>(a); a != (b); query_as!(User, "c");
            }
        "#;
        let expected = [
            ("launch", Form::Attribute, 0),
            ("get", Form::Attribute, 2),
            ("std::env::var", Form::Function, 1),
            ("route", Form::Method, 2),
            ("get", Form::Function, 1),
            ("vec", Form::Macro, 2),
            ("parse", Form::Function, 1),
            ("query_as", Form::Macro, 2),
        ];
        let expected = expected.map(|(path, form, count)| (path.to_owned(), form, count));
        assert_eq!(calls(text), expected);
    }

    #[test]
    fn reads_texts_and_options_from_arguments() {
        let text = r#"#[arg(long, env = "PORT", default_value_t = 80)] f(&"a", g("b", 1))"#;
        let file = SourceFile::new("a.rs".to_owned(), &Root::default(), text.to_owned()).unwrap();
        let calls: Vec<_> = file.calls().collect();
        let arg = &calls[0];
        assert_eq!(file.text(arg.option("env").unwrap()).unwrap(), "PORT");
        assert_eq!(
            file.number(arg.option("default_value_t").unwrap()),
            Some(80)
        );
        assert!(arg.flag("long") && !arg.flag("env") && arg.option("long").is_none());
        assert_eq!(calls[1].text(0).unwrap(), "a");
        assert!(calls[1].text(1).is_none() && calls[1].is("f") && !calls[1].is("x::f"));
    }
}
