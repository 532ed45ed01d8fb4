//! Hostile answers: whatever is not rejected reads back from every format unchanged.

use std::collections::BTreeMap;

use cargo_prodify::catalog::{Catalog, Check, Kind, Question};
use cargo_prodify::tree::{RelPath, Tree};
use serde::de::Deserialize as _;
use serde_json::Value;

use crate::support::{render, try_draft};

/// Names that are not valid for a project, because they would break something somewhere in it.
const INVALID_NAMES: [&str; 28] = [
    "",
    "-x",
    "../x",
    "x/y",
    "1st",
    "x.y",
    "x y",
    "X",
    "x-",
    "_x",
    "fn",
    "self",
    "gen",
    "try",
    "test",
    "core",
    "std",
    "proc-macro",
    "build",
    "deps",
    "con",
    "nul",
    "com1",
    "on",
    "null",
    "größe",
    "x\n",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Lines with a special meaning in some format.
const SPECIAL_LINES: [&str; 16] = [
    "plain words",
    "it's \"quoted\" and 'quoted' and `quoted`",
    "back\\slash \\n \\\" \\u{41} \\$",
    "${{ secrets.GITHUB_TOKEN }} and ${{",
    "{{ .Values.x }} {% raw %} {# note #}",
    "<%= project.name %> <% if %> <%# x %>",
    "$(id) $HOME ${HOME:-x} `id` $$",
    "a: b # c",
    "- item",
    "#hash &anchor *alias !tag |pipe >fold @at %percent",
    "[link](https://example.com) <b>bold</b> *it* _it_ ~~no~~ | cell |",
    "🦀 é ü 漢字 \u{200b}",
    "1.0",
    "null",
    "true",
    "2026-01-01",
];

/// Texts that are not a line.
const NOT_A_LINE: [&str; 6] = [
    "a\nb",
    "a\rb",
    "a\u{0}b",
    "a\u{1b}[31mb",
    "a\u{202e}b",
    " a",
];

#[test]
fn rejects_invalid_project_names() {
    let catalog = Catalog::embedded().unwrap();
    for name in INVALID_NAMES {
        assert!(
            cargo_prodify::names::check_package(name).is_err(),
            "{name:?}"
        );
    }
    let error = try_draft(&catalog, "tokio", &["service"], &[]).unwrap_err();
    assert!(
        error.to_string().contains("depends on the crate `tokio`"),
        "{error}"
    );
}

#[test]
fn rejects_text_that_is_not_a_line() {
    let catalog = Catalog::embedded().unwrap();
    let names: Vec<&str> = catalog.names().collect();
    for text in NOT_A_LINE {
        let error = try_draft(
            &catalog,
            "orders",
            &names,
            &[&format!("project.description={text}")],
        )
        .unwrap_err();
        assert!(error.to_string().contains("project.description"), "{error}");
    }
}

#[test]
fn special_characters_read_back_from_every_format() {
    let catalog = Catalog::embedded().unwrap();
    let names: Vec<&str> = catalog.names().collect();
    for line in SPECIAL_LINES {
        let text = format!("zq {line} qz");
        let tree = render(
            &catalog,
            "orders",
            &names,
            &[&format!("project.description={text}")],
        );
        let mut found = Vec::new();
        for (path, file) in &tree {
            for leaf in leaves(path, &file.text)
                .into_iter()
                .filter(|leaf| leaf.contains("zq"))
            {
                assert!(leaf.contains(&text), "{path} holds {leaf:?} for {text:?}");
                found.push(path.as_str());
            }
        }
        assert!(
            found.contains(&"Cargo.toml") && found.contains(&"README.md"),
            "{found:?}"
        );
    }
}

/// With an awkward answer to every question, one at a time, the formats still parse and contain it.
#[test]
fn awkward_answers_keep_every_format_valid() {
    let catalog = Catalog::embedded().unwrap();
    let names: Vec<&str> = catalog.names().collect();
    for (owner, question) in catalog.questions() {
        let literal = matches!(question.kind, Kind::Text { .. });
        for answer in awkward_answers(question) {
            let flag = format!("{owner}.{}={answer}", question.key);
            let tree = match try_draft(&catalog, "orders", &names, &[&flag]) {
                Ok(draft) => draft.tree,
                // At the end of its range, it may be incompatible with the default of a later one.
                Err(error) => {
                    assert!(
                        error.to_string().contains("must not be"),
                        "{flag}: {error:#}"
                    );
                    continue;
                }
            };
            let structured = tree.iter().filter(|(path, _)| {
                [".toml", ".yaml", ".yml", ".json"]
                    .iter()
                    .any(|end| path.as_str().ends_with(end))
            });
            for (path, file) in structured
                .filter(|(_, file)| literal && answer.len() > 4 && file.text.contains(&answer))
            {
                let comments = file
                    .text
                    .lines()
                    .filter(|line| line.contains(&answer))
                    .all(|line| line.trim_start().starts_with('#'));
                assert!(
                    comments
                        || leaves(path, &file.text)
                            .iter()
                            .any(|leaf| leaf.contains(&answer)),
                    "{path} does not contain {answer:?}"
                );
            }
        }
    }
}

fn awkward_answers(question: &Question) -> Vec<String> {
    match &question.kind {
        Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
        Kind::Choice { choices } => choices.iter().map(|choice| choice.value.clone()).collect(),
        Kind::Text { check, .. } => match check {
            // Checked above; a word or a number could be found by chance.
            Check::Line => Vec::new(),
            Check::DnsLabel => ["e1", "x--0", "nul"].map(str::to_owned).to_vec(),
            Check::Hostname => ["1.e1", "0x1f.no", "null.true.on"]
                .map(str::to_owned)
                .to_vec(),
            Check::Image => ["localhost:5000/on", "0x1.io/1e3/null"]
                .map(str::to_owned)
                .to_vec(),
            Check::Branch => ["1.0", "on", "release/1.x"].map(str::to_owned).to_vec(),
            Check::Url => ["http://a.b/~c%20+d@e:f", "https://0"]
                .map(str::to_owned)
                .to_vec(),
        },
    }
}

/// The texts that a program reads from a file, or the whole file if its format has no structure.
fn leaves(path: &RelPath, text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    // It becomes YAML only through Helm.
    if path.as_str().starts_with("chart/templates/") {
        return vec![text.replace("{\\u007b", "{{")];
    }
    match path
        .as_str()
        .rsplit_once('.')
        .map(|(_, extension)| extension)
    {
        Some("toml") => collect_strings(
            &toml_edit::de::from_str(text)
                .unwrap_or_else(|error| panic!("{path}: {error}\n{text}")),
            &mut texts,
        ),
        Some("json") => collect_strings(
            &serde_json::from_str(text).unwrap_or_else(|error| panic!("{path}: {error}\n{text}")),
            &mut texts,
        ),
        Some("yaml" | "yml") => {
            for document in serde_norway::Deserializer::from_str(text) {
                collect_strings(
                    &Value::deserialize(document)
                        .unwrap_or_else(|error| panic!("{path}: {error}\n{text}")),
                    &mut texts,
                );
            }
            if path.as_str().contains(".github/workflows/") {
                texts
                    .iter_mut()
                    .for_each(|text| *text = text.replace("${{ '${{' }}", "${{"));
            }
        }
        // CommonMark: a backslash before punctuation escapes it. The same applies in a Dockerfile's quotes.
        Some("md") => texts.extend(text.split("\n\n").map(unescape)),
        _ if path.as_str().contains("Dockerfile") => texts.extend(text.lines().map(unescape)),
        _ => texts.push(text.to_owned()),
    }
    texts
}

fn collect_strings(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(values) => values
            .iter()
            .for_each(|value| collect_strings(value, texts)),
        Value::Object(values) => values
            .values()
            .for_each(|value| collect_strings(value, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match characters.peek() {
            Some(next) if c == '\\' && next.is_ascii_punctuation() => {
                plain.extend(characters.next());
            }
            _ => plain.push(c),
        }
    }
    plain
}

/// The longest and the shortest name give the same project, except for the name.
#[test]
fn name_length_changes_nothing_else() {
    let catalog = Catalog::embedded().unwrap();
    let names: Vec<&str> = catalog.names().collect();
    let anonymous = |name: &str| -> BTreeMap<String, String> {
        let tree: Tree = render(&catalog, name, &names, &[]);
        // A namespace's name is short enough for suffixes.
        let hide = |text: &str| {
            let mut text = text.to_owned();
            for end in ["-staging", "-development"] {
                let namespace = format!("{}{end}", &name[..name.len().min(63 - end.len())]);
                text = text.replace(&namespace, &format!("NAME{end}"));
            }
            // And Grafana's identifiers of dashboards have at most 40 characters.
            let uid = format!("\"uid\": \"{}-", &name[..name.len().min(29)]);
            text = text.replace(&uid, "\"uid\": \"NAME-");
            text.replace(name, "NAME")
        };
        tree.iter()
            .map(|(path, file)| (path.to_string(), hide(&file.text)))
            .collect()
    };
    // A single letter would be found everywhere, so the short name consists of three rare ones.
    let (short, long) = (anonymous("qzq"), anonymous(&"q".repeat(63)));
    for (path, text) in &short {
        assert_eq!(Some(text), long.get(path), "{path}");
    }
}
