//! Rust sources, to the extent that facts need them: the files of the binary, without comments and tests.

mod calls;
mod files;
mod lexer;
mod literal;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

pub use calls::{Call, Form};
pub use files::{Root, Sources, read};
use lexer::{Kind, Token};

use super::evidence::{Evidence, shortened};

/// A source file of the binary.
#[derive(Debug)]
pub struct SourceFile {
    /// Its path as shown in evidence.
    pub display_path: String,
    /// The name of the package that it belongs to.
    pub package: String,
    /// The directory of that package, to which paths in its macros are relative.
    pub directory: PathBuf,
    text: String,
    tokens: Vec<Token>,
    /// Renamed imports: the real name by the alias.
    aliases: BTreeMap<String, String>,
}

impl SourceFile {
    fn new(display_path: String, root: &Root, text: String) -> Option<Self> {
        let tokens = lexer::tokens(&text)?;
        let mut file = Self {
            display_path,
            package: root.package.clone(),
            directory: root.directory.clone(),
            text,
            tokens,
            aliases: BTreeMap::new(),
        };
        file.drop_tests();
        file.aliases = file.renamed();
        Some(file)
    }

    /// Renamed imports: the real names by the aliases.
    fn renamed(&self) -> BTreeMap<String, String> {
        let renamed = self.imported().filter(|at| self.is(*at, "as"));
        renamed
            .filter_map(|at| {
                let real = self.name(at.checked_sub(1)?)?;
                Some((self.name(at + 1)?.to_owned(), real.to_owned()))
            })
            .collect()
    }

    /// The text of a token.
    fn word(&self, index: usize) -> &str {
        self.tokens
            .get(index)
            .map_or("", |token| &self.text[token.start..token.end])
    }

    fn kind(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    /// The name at an index, if it is one.
    pub fn name(&self, index: usize) -> Option<&str> {
        (self.kind(index)? == Kind::Name).then(|| self.word(index))
    }

    /// The value of the string literal at an index, if it is one.
    pub fn text(&self, index: usize) -> Option<String> {
        let word = self.word(index);
        match self.kind(index)? {
            Kind::Text => Some(unescape(&word[word.find('"')? + 1..word.len() - 1])),
            Kind::RawText => {
                let inside = word.trim_start_matches(['c', 'r']).trim_matches('#');
                Some(inside[1..inside.len() - 1].to_owned())
            }
            _ => None,
        }
    }

    /// The value of the integer at an index, if it is one.
    pub fn number(&self, index: usize) -> Option<u64> {
        let word = self.word(index).replace('_', "");
        let digits = word
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(word.len());
        let suffix = ["", "u16", "u32", "u64", "usize", "i32", "i64"];
        let is_number = self.kind(index)? == Kind::Number && suffix.contains(&&word[digits..]);
        is_number.then(|| word[..digits].parse().ok())?
    }

    /// Whether the token at an index is this one.
    pub fn is(&self, index: usize, word: &str) -> bool {
        self.word(index) == word
            && !matches!(
                self.kind(index),
                Some(Kind::Text | Kind::RawText | Kind::Other)
            )
    }

    /// The indices of all tokens.
    pub fn indices(&self) -> Range<usize> {
        0..self.tokens.len()
    }

    /// The indices between the bracket at an index and its partner.
    pub fn inside(&self, open: usize) -> Range<usize> {
        self.tokens
            .get(open)
            .map_or(0..0, |token| open + 1..token.partner)
    }

    /// The end of the statement or item at an index: its `;`, its last bracket, or that of the surrounding block.
    pub fn end_of(&self, from: usize) -> usize {
        let mut at = from;
        while let Some(token) = self.tokens.get(at) {
            match token.kind {
                Kind::Open if self.is(at, "{") => return token.partner,
                Kind::Open => at = token.partner,
                Kind::Close => return at,
                Kind::Sign if self.is(at, ";") => return at,
                _ => {}
            }
            at += 1;
        }
        self.tokens.len()
    }

    /// The names before each block around an index: all four of `impl Default for Metrics { … }`.
    pub fn enclosing_names(&self, at: usize) -> impl Iterator<Item = &str> {
        let opens = (0..at)
            .rev()
            .filter(move |open| self.is(*open, "{") && self.inside(*open).contains(&at));
        opens.flat_map(|open| {
            let head = open.saturating_sub(6)..open;
            head.filter_map(|at| self.name(at))
        })
    }

    /// The name of the file's module: `users` for `users.rs` and `users/mod.rs`.
    pub fn module(&self) -> &str {
        let path = self
            .display_path
            .strip_suffix("/mod.rs")
            .or(self.display_path.strip_suffix(".rs"));
        let path = path.unwrap_or(&self.display_path);
        path.rsplit('/').next().unwrap_or(path)
    }

    /// The path from which a name is imported: `std::env::var` for `use std::{env::var, fs}`.
    pub fn import(&self, name: &str) -> Option<String> {
        let at = self.imported().find(|at| self.name(*at) == Some(name))?;
        let start = (0..at).rfind(|before| self.is(*before, "use"))?;
        let enclosing_names = (start..at)
            .rev()
            .filter(|open| self.is(*open, "{") && self.inside(*open).contains(&at));
        let mut path = self.path_to(at);
        // `use {a, b}` has nothing before its braces.
        for open in enclosing_names.filter(|open| self.is(open - 1, ":")) {
            path = format!("{}::{path}", self.path_to(open - 3));
        }
        Some(path)
    }

    /// Whether a name is imported.
    pub fn imports(&self, name: &str) -> bool {
        self.imported().any(|at| self.name(at) == Some(name))
    }

    /// The indices of tokens in imports.
    fn imported(&self) -> impl Iterator<Item = usize> {
        let imports = self.indices().filter(|at| self.is(*at, "use"));
        // The braces in an import do not end it.
        imports.flat_map(|at| (at..self.tokens.len()).take_while(|at| !self.is(*at, ";")))
    }

    /// The line of a token, as evidence.
    pub fn evidence(&self, index: usize) -> Evidence {
        let line = self.tokens.get(index).map_or(1, |token| token.line);
        let words = self.text.lines().nth(line - 1).unwrap_or_default().trim();
        Evidence::line(&self.display_path, line, shortened(words))
    }

    /// Removes items that are only compiled for tests.
    fn drop_tests(&mut self) {
        let mut dropped: Vec<Range<usize>> = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let Some(attribute) = self.attribute(at) else {
                at += 1;
                continue;
            };
            if self.is_test(attribute.clone()) {
                let mut item = attribute.end + 1;
                while let Some(next) = self.attribute(item) {
                    item = next.end + 1;
                }
                let end = self.end_of(item) + 1;
                dropped.push(at..end);
                at = end;
            } else {
                at = attribute.end + 1;
            }
        }
        for range in dropped.iter().rev() {
            self.blank(range);
        }
    }

    /// Replaces tokens by meaningless ones, so that the indices of matching brackets stay valid.
    fn blank(&mut self, range: &Range<usize>) {
        let end = range.end.min(self.tokens.len());
        for token in &mut self.tokens[range.start..end] {
            token.kind = Kind::Other;
        }
    }

    /// The content of the attribute at an index: `cfg(test)` for `#[cfg(test)]`.
    fn attribute(&self, at: usize) -> Option<Range<usize>> {
        let inner = usize::from(self.is(at + 1, "!"));
        let open = at + 1 + inner;
        (self.is(at, "#") && self.is(open, "[")).then(|| self.inside(open))
    }

    /// `test`, `tokio::test`, `cfg(test)`, `cfg(all(test, …))`: not `cfg(any(test, …))`, which may also apply without tests.
    fn is_test(&self, inside: Range<usize>) -> bool {
        let mut at = inside.start;
        while self.is(at + 1, ":") && self.is(at + 2, ":") {
            at += 3;
        }
        if self.is(at, "test") || self.is(at, "bench") {
            return true;
        }
        if !self.is(at, "cfg") {
            return false;
        }
        let mut wanted = self.inside(at + 1);
        if self.is(wanted.start, "all") {
            wanted = self.inside(wanted.start + 1);
        }
        self.split(wanted)
            .iter()
            .any(|part| part.len() == 1 && self.is(part.start, "test"))
    }

    /// Splits a range at its top-level commas.
    pub fn split(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (range.start, range.start);
        while at < range.end {
            if self.kind(at) == Some(Kind::Open) {
                at = self.tokens[at].partner;
            } else if self.is(at, ",") {
                parts.push(start..at);
                start = at + 1;
            }
            at += 1;
        }
        if start < range.end {
            parts.push(start..range.end);
        }
        parts
    }
}

/// A literal's value; unknown escapes stay as they are.
fn unescape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => value.push('\n'),
            Some('t') => value.push('\t'),
            Some('r') => value.push('\r'),
            Some(same @ ('"' | '\'' | '\\')) => value.push(same),
            Some('\n' | '\r') => {
                let rest = chars.as_str().trim_start();
                chars = rest.chars();
            }
            other => {
                value.push('\\');
                value.extend(other);
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::{Root, SourceFile};

    fn file(text: &str) -> SourceFile {
        SourceFile::new("src/main.rs".to_owned(), &Root::default(), text.to_owned()).unwrap()
    }

    fn names(text: &str) -> Vec<String> {
        let file = file(text);
        file.indices()
            .filter_map(|at| file.name(at).map(str::to_owned))
            .collect()
    }

    #[test]
    fn drops_code_compiled_only_for_tests() {
        for (text, left) in [
            ("#[cfg(test)] mod tests { fn a() {} } b", "b"),
            ("#[cfg(test)] mod tests; b", "b"),
            ("#[tokio::test] #[ignore] async fn a() { c(); } b", "b"),
            ("#[cfg(all(test, unix))] use a::{c, d}; b", "b"),
            ("#[test] fn a() -> [u8; 2] { [0; 2] } b", "b"),
        ] {
            assert_eq!(names(text), [left], "{text}");
        }
        for text in [
            "#[cfg(not(test))] fn a() {}",
            "#[cfg(any(test, feature = \"x\"))] fn a() {}",
            "#[derive(Debug)] struct a;",
        ] {
            assert!(names(text).contains(&"a".to_owned()), "{text}");
        }
    }

    #[test]
    fn reads_literal_values() {
        let file = file(
            r####""a\"\\n" r#"b"c"# 8_080 9u16 1.5 0x50 "x\
            y""####,
        );
        assert_eq!(file.text(0).unwrap(), "a\"\\n");
        assert_eq!(file.text(1).unwrap(), "b\"c");
        assert_eq!((file.number(2), file.number(3)), (Some(8080), Some(9)));
        assert_eq!((file.number(4), file.number(5)), (None, None));
        assert_eq!(file.text(6).unwrap(), "xy");
    }

    #[test]
    fn shortens_long_lines_in_evidence() {
        let evidence = file(&format!("fn a() {{}} // {}", "ä".repeat(100))).evidence(0);
        assert_eq!(evidence.says.chars().count(), 80);
    }
}
