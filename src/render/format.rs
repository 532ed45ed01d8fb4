//! The formats of templates' output: which values are allowed bare in each, and how the others are quoted.

use std::fmt;

use minijinja::value::Object;

use crate::names::YAML_WORDS;

/// The format of a file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// YAML that Helm renders as a template: `{{` starts an action anywhere.
    Chart,
    /// YAML for Docker Compose: `$` starts a variable anywhere.
    Compose,
    Dockerfile,
    /// For people only: anything is allowed bare.
    Free,
    Json,
    Markdown,
    /// No literals: only plain tokens are allowed.
    Plain,
    Rust,
    Shell,
    Toml,
    /// YAML for GitHub Actions: `${{ }}` is an expression anywhere.
    Workflow,
    Yaml,
}

impl Format {
    /// The format of a template's output.
    pub(super) fn for_template(path: &str) -> Self {
        let path = path.strip_suffix(".j2").unwrap_or(path);
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.starts_with("Dockerfile") || name.ends_with(".dockerfile") {
            return Self::Dockerfile;
        }
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("json") => Self::Json,
            Some("md") => Self::Markdown,
            Some("rs") => Self::Rust,
            Some("sh") => Self::Shell,
            Some("toml") => Self::Toml,
            Some("yaml" | "yml") if path.contains(".github/workflows/") => Self::Workflow,
            Some("yaml" | "yml") if name.starts_with("compose.") => Self::Compose,
            Some("yaml" | "yml") if path.contains("/chart/templates/") => Self::Chart,
            Some("yaml" | "yml") => Self::Yaml,
            _ => Self::Plain,
        }
    }

    /// Whether `text` has its literal meaning anywhere in this format.
    pub(super) fn allows_bare(self, text: &str) -> bool {
        let token = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '@' | '+' | '-')
        };
        let plain = text
            .starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.'))
            && !text.ends_with(':')
            && text.chars().all(token);
        match self {
            Self::Free => true,
            Self::Chart | Self::Compose | Self::Workflow | Self::Yaml => {
                plain && yaml_reads_text(text)
            }
            _ => plain,
        }
    }

    /// The literal for `text`, with quotes, or `None` if there is none.
    pub(super) fn literal(self, text: &str) -> Option<String> {
        match self {
            Self::Free => Some(text.to_owned()),
            Self::Plain => None,
            Self::Rust => Some(format!(
                "\"{}\"",
                text.escape_debug().collect::<String>().replace("\\'", "'")
            )),
            Self::Toml => Some(toml_edit::Value::from(text).to_string()),
            // Quoted only if necessary, as by hand.
            Self::Chart | Self::Compose | Self::Workflow | Self::Yaml if self.allows_bare(text) => {
                Some(text.to_owned())
            }
            Self::Json | Self::Yaml => Some(json(text)),
            // YAML decodes the escape, and Helm does not see two braces.
            Self::Chart => Some(json(text).replace("{{", "{\\u007b")),
            Self::Compose => Some(json(&text.replace('$', "$$"))),
            Self::Workflow => Some(json(&text.replace("${{", "${{ '${{' }}"))),
            Self::Shell => Some(format!("'{}'", text.replace('\'', r"'\''"))),
            Self::Dockerfile => (!text.contains('\n'))
                .then(|| format!("\"{}\"", backslash(text, |c| matches!(c, '"' | '\\' | '$')))),
            Self::Markdown => Some(markdown(text)),
        }
    }
}

/// Passed to the filters in the context.
impl Object for Format {}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compose => "a Compose file",
            Self::Chart => "a chart's template",
            Self::Dockerfile => "a Dockerfile",
            Self::Free => "free text",
            Self::Json => "JSON",
            Self::Markdown => "Markdown",
            Self::Plain => "plain text",
            Self::Rust => "Rust",
            Self::Shell => "a shell script",
            Self::Toml => "TOML",
            Self::Workflow => "a workflow",
            Self::Yaml => "YAML",
        })
    }
}

/// Whether YAML 1.1 and 1.2 parsers read a plain token as text rather than as a boolean, null, a number, a time or a merge key.
fn yaml_reads_text(token: &str) -> bool {
    let digits =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let lower = token.to_ascii_lowercase();
    let radix = ["0x", "0o", "0b"]
        .iter()
        .any(|prefix| lower.starts_with(prefix));
    let begins = lower.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = begins && lower.replace('_', "").parse::<f64>().is_ok()
        || lower.starts_with(".inf")
        || lower.starts_with(".nan");
    // 1:30 is 90, and 2026-01-01 is a date.
    let sexagesimal = token.contains(':') && token.split(':').all(digits);
    let date = lower.len() >= 8
        && lower.split('-').count() == 3
        && lower
            .split(['-', 't', ' ', ':', '.', 'z', '+'])
            .all(|part| part.is_empty() || digits(part));
    !(YAML_WORDS.contains(&lower.as_str()) || radix || number || sexagesimal || date)
}

/// A JSON string, which is also a double-quoted YAML scalar: characters that are not printable in YAML are escaped as in JSON.
fn json(text: &str) -> String {
    let mut literal = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                literal.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => literal.push(c),
        }
    }
    literal.push('"');
    literal
}

/// Escapes what CommonMark would interpret: its special characters anywhere, and list markers at the start of a line.
fn markdown(text: &str) -> String {
    let harmless = [',', '.', ':', ';', '\'', '"', '?', '/', '%', '=', '-'];
    let escaped = backslash(text, |c| c.is_ascii_punctuation() && !harmless.contains(&c));
    let number = escaped.bytes().take_while(u8::is_ascii_digit).count();
    match escaped[number..].chars().next() {
        Some('-') if number == 0 => format!("\\{escaped}"),
        Some('.') if number > 0 => format!("{}\\{}", &escaped[..number], &escaped[number..]),
        _ => escaped,
    }
}

fn backslash(text: &str, special: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if special(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::Format;

    #[test]
    fn format_depends_on_the_path() {
        for (path, format) in [
            ("docker/files/Dockerfile.j2", Format::Dockerfile),
            ("docker/files/.dockerignore.j2", Format::Plain),
            ("service/files/src/main.rs.j2", Format::Rust),
            ("ci/files/.github/workflows/ci.yml.j2", Format::Workflow),
            ("k8s/files/k8s/base/service.yaml.j2", Format::Yaml),
            ("compose/files/compose.yaml.j2", Format::Compose),
            ("postgres/slots/compose.services.yaml.j2", Format::Compose),
            ("helm/files/chart/templates/service.yaml.j2", Format::Chart),
            ("helm/files/chart/values.yaml.j2", Format::Yaml),
            ("helm/files/chart/templates/NOTES.txt.j2", Format::Plain),
            ("service/manifest.toml.j2", Format::Toml),
            ("docker/slots/readme.run.md.j2", Format::Markdown),
        ] {
            assert_eq!(Format::for_template(path), format, "{path}");
        }
    }

    #[test]
    fn allows_bare_only_unambiguous_values() {
        for token in [
            "infinity",
            "my-app",
            "ghcr.io/acme/x",
            "1.95.0",
            "trixie-slim",
            "https://a.b/c",
            "v1.2+3",
            ".github",
            "/health",
        ] {
            assert!(Format::Yaml.allows_bare(token), "{token}");
        }
        for text in [
            "", "a b", "a:", "${{x}}", "a\"b", "a'b", "#a", "-a", "a\nb", "é", "$x", "`x`", "{a}",
        ] {
            assert!(!Format::Toml.allows_bare(text), "{text:?}");
        }
        for text in [
            "on",
            "No",
            "null",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "1_000",
            "1:30",
            "2026-01-01",
            ".inf",
            "8.10",
        ] {
            assert!(!Format::Yaml.allows_bare(text), "{text}");
            assert!(Format::Rust.allows_bare(text), "{text}");
        }
    }

    #[test]
    fn literals_parse_back_to_the_text() {
        let hostile =
            "\"quotes\" 'n' \\ ${{ secrets.X }} {{ y }} $(id) `id` # : 🦀 é\u{7f}\t<b> *x* [y](z)";
        let json = Format::Json.literal(hostile).unwrap();
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), hostile);
        let toml: toml_edit::DocumentMut =
            format!("x = {}", Format::Toml.literal(hostile).unwrap())
                .parse()
                .unwrap();
        assert_eq!(toml["x"].as_str(), Some(hostile));
        assert_eq!(Format::Yaml.literal("my-app").unwrap(), "my-app");
        assert_eq!(Format::Yaml.literal("1.0").unwrap(), "\"1.0\"");
        for braces in ["{{ .Values.x }}", "{{{{{ x", "{", "{{- \"\\{{\" }}"] {
            let chart = Format::Chart.literal(braces).unwrap();
            assert!(!chart.contains("{{"), "{chart}");
            assert_eq!(serde_norway::from_str::<String>(&chart).unwrap(), braces);
        }
        assert_eq!(Format::Shell.literal("a'b").unwrap(), r"'a'\''b'");
        assert_eq!(Format::Rust.literal("a\"b\\'").unwrap(), r#""a\"b\\'""#);
        assert_eq!(Format::Dockerfile.literal("a$b\"").unwrap(), r#""a\$b\"""#);
        assert_eq!(Format::Compose.literal("${x} $y").unwrap(), "\"$${x} $$y\"");
        assert_eq!(
            Format::Workflow.literal("${{ x }}").unwrap(),
            "\"${{ '${{' }} x }}\""
        );
        assert_eq!(
            Format::Markdown.literal("a_b <c> `d`").unwrap(),
            r"a\_b \<c\> \`d\`"
        );
        assert_eq!(Format::Markdown.literal("- a-b").unwrap(), r"\- a-b");
        assert_eq!(Format::Markdown.literal("12. a").unwrap(), r"12\. a");
        assert_eq!(Format::Plain.literal("x"), None);
    }
}
