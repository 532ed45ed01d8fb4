//! Rust's tokens, to the extent that facts need them: names, literals and matching brackets.
//!
//! Not `syn`: it would add 330 KB, a tenth of the program's size, of which `proc-macro2` alone is 44 KB. Most facts are read from
//! calls, attributes and string literals, many of them in macros such as `routes!` and `select!`, where `syn` too only sees
//! tokens; and a single item in a newer syntax would make it reject the whole file.

/// A token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Its kind.
    pub kind: Kind,
    /// Its start in the text.
    pub start: usize,
    /// Its end.
    pub end: usize,
    /// Its line, counted from one.
    pub line: usize,
    /// For a bracket, the index of the matching one.
    pub partner: usize,
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Name,
    /// A string literal with escapes.
    Text,
    /// A raw string literal.
    RawText,
    /// A number.
    Number,
    /// `(`, `[` or `{`.
    Open,
    /// `)`, `]` or `}`.
    Close,
    /// Anything else, a character at a time.
    Sign,
    /// A character, a byte string or a lifetime: never evidence for a fact.
    Other,
}

/// The tokens of a text; none if brackets or quotes do not match, which rustc would reject too.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
        tokens: Vec::with_capacity(text.len() / 6),
        open: Vec::new(),
    };
    if text.starts_with("#!") && !text.starts_with("#![") {
        lexer.skip(text.find('\n').unwrap_or(text.len()));
    }
    while lexer.at < text.len() {
        lexer.next()?;
    }
    lexer.open.is_empty().then_some(lexer.tokens)
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: usize,
    tokens: Vec<Token>,
    open: Vec<usize>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip(&mut self, length: usize) {
        let skipped = &self.text.as_bytes()[self.at..self.at + length];
        self.line += skipped.iter().filter(|byte| **byte == b'\n').count();
        self.at += length;
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token {
            kind,
            start: self.at,
            end: self.at + length,
            line: self.line,
            partner: 0,
        });
        self.skip(length);
    }

    fn next(&mut self) -> Option<()> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(block_comment(rest)?);
        } else if let Some((kind, length)) = literal(rest)? {
            self.push(kind, length);
        } else if first == '\'' {
            self.push(Kind::Other, single_quoted(rest)?);
        } else if first.is_alphabetic() || first == '_' {
            self.push(Kind::Name, name(rest));
        } else if first.is_ascii_digit() {
            self.push(Kind::Number, number(rest));
        } else if matches!(first, '(' | '[' | '{') {
            self.open.push(self.tokens.len());
            self.push(Kind::Open, 1);
        } else if matches!(first, ')' | ']' | '}') {
            let open = self.open.pop()?;
            let close = self.tokens.len();
            self.push(Kind::Close, 1);
            self.tokens[open].partner = close;
            self.tokens[close].partner = open;
        } else {
            self.push(Kind::Sign, first.len_utf8());
        }
        Some(())
    }
}

/// The length of a block comment, which may be nested.
fn block_comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else if rest.is_empty() {
            return None;
        } else {
            at += 1;
        }
    }
}

/// A string literal of any kind, with its length, if there is one; an error if it is unterminated.
#[expect(
    clippy::option_option,
    reason = "no literal, and one without an end, are two things"
)]
fn literal(text: &str) -> Option<Option<(Kind, usize)>> {
    let is_mark = |byte: u8| matches!(byte, b'"' | b'#' | b'\'');
    let marks = text.bytes().take(3).position(is_mark).unwrap_or(0);
    let (prefix, rest) = text.split_at(marks);
    let is_bytes = matches!(prefix, "b" | "br");
    let kind = |kind| if is_bytes { Kind::Other } else { kind };
    match prefix {
        "" | "b" | "c" if rest.starts_with('"') => {
            let length = double_quoted(rest)?;
            Some(Some((kind(Kind::Text), marks + length)))
        }
        "b" if rest.starts_with('\'') => Some(Some((Kind::Other, marks + single_quoted(rest)?))),
        "r" | "br" | "cr" => {
            let hashes = rest.len() - rest.trim_start_matches('#').len();
            if !rest[hashes..].starts_with('"') {
                // `r#type` is a name.
                return Some(None);
            }
            let end = format!("\"{}", "#".repeat(hashes));
            let inside = &rest[hashes + 1..];
            let length = hashes + 1 + inside.find(&end)? + end.len();
            Some(Some((kind(Kind::RawText), marks + length)))
        }
        _ => Some(None),
    }
}

/// The length of a double-quoted literal.
fn double_quoted(text: &str) -> Option<usize> {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a single-quoted character, or of a lifetime.
fn single_quoted(text: &str) -> Option<usize> {
    let inside = &text[1..];
    let first = inside.chars().next()?;
    if first == '\\' {
        // Skips the escaped character, which may be a quote itself.
        let escaped = 1 + inside[1..].chars().next()?.len_utf8();
        return Some(1 + escaped + inside[escaped..].find('\'')? + 1);
    }
    if inside[first.len_utf8()..].starts_with('\'') {
        return Some(1 + first.len_utf8() + 1);
    }
    Some(1 + name(inside))
}

/// The length of a name, including the `r#` of a raw one.
fn name(text: &str) -> usize {
    let raw = if text.starts_with("r#") { 2 } else { 0 };
    let rest = &text[raw..];
    raw + rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len())
}

/// The length of a number: all of `1.5`, but only the first digit of `1..5` and `1.max(2)`.
fn number(text: &str) -> usize {
    let whole = name(text);
    let rest = &text[whole..];
    let fraction = rest.strip_prefix('.').map_or(0, name);
    let is_fraction = fraction > 0 && rest[1..].starts_with(|c: char| c.is_ascii_digit());
    whole + if is_fraction { fraction + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::{Kind, tokens};

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let tokens = tokens(text).unwrap();
        tokens
            .iter()
            .map(|token| (token.kind, &text[token.start..token.end]))
            .collect()
    }

    #[test]
    fn lexes_string_literals() {
        for (text, kind) in [
            (r#""a\"b""#, Kind::Text),
            (r#""\\""#, Kind::Text),
            (r##"r#"a"b"#"##, Kind::RawText),
            ("r\"\\\"", Kind::RawText),
            (r#"c"a""#, Kind::Text),
            (r#"b"a""#, Kind::Other),
            ("br#\"a\"#", Kind::Other),
        ] {
            assert_eq!(kinds(text), [(kind, text)]);
        }
    }

    #[test]
    fn distinguishes_characters_lifetimes_and_raw_identifiers() {
        for text in [
            "'a'",
            "'\"'",
            "'\\''",
            "'\\u{1f}'",
            "b'\\''",
            "'static",
            "'ü'",
        ] {
            assert_eq!(kinds(text), [(Kind::Other, text)], "{text}");
        }
        assert_eq!(kinds("r#type"), [(Kind::Name, "r#type")]);
        assert_eq!(kinds("br"), [(Kind::Name, "br")]);
    }

    #[test]
    fn numbers_end_before_ranges_and_methods() {
        assert_eq!(kinds("8_080u16"), [(Kind::Number, "8_080u16")]);
        assert_eq!(kinds("1.5")[0], (Kind::Number, "1.5"));
        assert_eq!(kinds("1..5")[0], (Kind::Number, "1"));
        assert_eq!(kinds("1.max(2)")[0], (Kind::Number, "1"));
    }

    #[test]
    fn skips_comments_but_counts_their_lines() {
        let text = "#!/usr/bin/env x\n// \"a\n/* /* \" */ \n */ b /// c\n";
        let tokens = tokens(text).unwrap();
        assert_eq!(tokens.len(), 1);
        assert_eq!(tokens[0].line, 4);
    }

    #[test]
    fn pairs_brackets_and_rejects_mismatches() {
        let found = tokens("f(a[1]{})").unwrap();
        assert_eq!((found[1].partner, found[8].partner), (8, 1));
        assert_eq!((found[3].partner, found[6].partner), (5, 7));
        for broken in ["(", ")", "\"a", "/* /* */", "r#\"a\"", "'"] {
            assert!(tokens(broken).is_none(), "{broken}");
        }
    }
}
