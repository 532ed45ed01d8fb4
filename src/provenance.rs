//! A project's record of how it was written: `prodify.toml` and `.prodify/base.txtar`.

mod base;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::semver::Version;
use toml_edit::{Array, DocumentMut, Item, Table};

use crate::answers::Answers;
use crate::catalog::Value;
use crate::names;
use crate::tree::RelPath;

pub use base::{Base, Moved, read_base, write_base};

/// The file of the answers.
pub const ANSWERS: &str = "prodify.toml";

/// The file of the last written files.
pub const BASE: &str = ".prodify/base.txtar";

/// The directory of new files before they are renamed into place.
pub const STAGING: &str = ".prodify/staging";

/// The table of prodify.toml that names a directory of own templates.
pub const TEMPLATES: &str = "templates";

/// The format of the answers.
const FORMAT: i64 = 1;

/// This version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The comment above the answers.
const HEADER: &str = "\
# What this project was created from: its components, and their answers. Edit them as you like;
# `cargo prodify update` then updates the files.
# Another project can start from the same ones: `cargo prodify new PATH --answers prodify.toml`.
";

/// Whether a path, in a project's root directory or below, is one of the two records.
pub fn is_record(path: &RelPath) -> bool {
    [ANSWERS, BASE].iter().any(|record| {
        path.as_str()
            .strip_suffix(record)
            .is_some_and(|above| above.is_empty() || above.ends_with('/'))
    })
}

/// The contents of an answers file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswersFile {
    /// The version that last wrote it, unless it is this one.
    pub version: Option<String>,
    /// The project's name, if given.
    pub name: Option<String>,
    /// The binaries that run in production, if given.
    pub bins: Vec<String>,
    /// The components, if given.
    pub components: Option<Vec<String>>,
    /// The directory of own templates, relative to the project, if given.
    pub templates: Option<String>,
    /// The answers, without the project's name, which no other project takes over.
    pub answers: Answers,
}

impl AnswersFile {
    /// Whether an older version last wrote it.
    pub fn is_older(&self) -> bool {
        let wrote = self.version.as_deref().map(Version::parse);
        let own = Version::parse(VERSION);
        matches!((wrote, own), (Some(Ok(wrote)), Ok(own)) if wrote < own)
    }

    /// The version that last wrote it, if it is newer than this one.
    pub fn newer_version(&self) -> Option<&str> {
        let wrote = self.version.as_deref()?;
        let newer = Version::parse(wrote).ok()? > Version::parse(VERSION).ok()?;
        newer.then_some(wrote)
    }
}

/// The text of `prodify.toml`.
pub fn write_answers(answers_file: &AnswersFile) -> String {
    let mut document = DocumentMut::new();
    document.insert("format", toml_edit::value(FORMAT));
    let version = answers_file.version.as_deref().unwrap_or(VERSION);
    document.insert("prodify", toml_edit::value(version));
    let components = answers_file.components.iter().flatten();
    let mut list: Array = components.map(String::as_str).collect();
    list.iter_mut()
        .for_each(|component| component.decor_mut().set_prefix("\n    "));
    list.set_trailing("\n");
    list.set_trailing_comma(true);
    document.insert("components", toml_edit::value(list));
    if let Some(path) = &answers_file.templates {
        let mut table = Table::new();
        table.insert("path", toml_edit::value(path));
        document.insert(TEMPLATES, Item::Table(table));
    }
    let mut project = Table::new();
    if let Some(name) = &answers_file.name {
        project.insert("name", toml_edit::value(name));
    }
    if !answers_file.bins.is_empty() {
        let bins: Array = answers_file.bins.iter().map(String::as_str).collect();
        project.insert("bins", toml_edit::value(bins));
    }
    document.insert("project", Item::Table(project));
    for (key, value) in &answers_file.answers {
        if let Some((owner, key)) = key.split_once('.') {
            let table = document.entry(owner).or_insert(Item::Table(Table::new()));
            table[key] = match value {
                Value::Bool(yes) => toml_edit::value(*yes),
                Value::Integer(number) => toml_edit::value(*number),
                Value::Text(text) => toml_edit::value(text),
            };
        }
    }
    format!("{HEADER}{document}")
}

/// Reads an answers file: a `prodify.toml`, or one written by hand with some of its tables.
///
/// # Errors
///
/// If it is not TOML, has a newer format, or contains something that is not an answer.
pub fn read_answers(text: &str) -> Result<AnswersFile> {
    let document: DocumentMut = text.parse()?;
    let mut answers_file = AnswersFile::default();
    for (key, item) in document.iter() {
        match (key, item) {
            ("format", item) => match item.as_integer() {
                Some(FORMAT) => {}
                Some(newer) if newer > FORMAT => bail!(
                    "it has format {newer}, from a newer cargo prodify than this one, which reads format {FORMAT}: install the newer version"
                ),
                _ => bail!("`format` must be {FORMAT}"),
            },
            ("prodify", item) => {
                let version = item.as_str().filter(|it| Version::parse(it).is_ok());
                let version =
                    version.context("`prodify` must be the version that last wrote it")?;
                answers_file.version = Some(version.to_owned());
            }
            ("components", item) => {
                let names = names(item).context("`components` must be a list of names")?;
                answers_file.components = Some(names);
            }
            (TEMPLATES, item) => answers_file.templates = Some(templates(item)?),
            (owner, item) => {
                if owner == "project" {
                    answers_file.name = item.get("name").map(name).transpose()?;
                    if let Some(bins) = item.get("bins") {
                        let bins = names(bins);
                        answers_file.bins =
                            bins.context("`project.bins` must be a list of names")?;
                    }
                }
                let table = item
                    .as_table_like()
                    .with_context(|| format!("`{owner}` must be a table of answers"))?;
                for (key, item) in table
                    .iter()
                    .filter(|(key, _)| owner != "project" || !["name", "bins"].contains(key))
                {
                    answers_file.answers.insert(
                        format!("{owner}.{key}"),
                        answer(item).with_context(|| {
                            format!("`{owner}.{key}` must be text, a whole number, true or false")
                        })?,
                    );
                }
            }
        }
    }
    Ok(answers_file)
}

/// The directory in `[templates]`, which must be valid on other machines too.
fn templates(item: &Item) -> Result<String> {
    let table = item.as_table_like();
    let other = table.and_then(|table| table.iter().find(|(key, _)| *key != "path"));
    let path = item.get("path").and_then(Item::as_str);
    let is_relative =
        |path: &&str| !path.is_empty() && !path.starts_with('/') && !path.contains([':', '\\']);
    match (path.filter(is_relative), other) {
        (Some(path), None) => Ok(path.to_owned()),
        _ => bail!(
            "`[templates]` must have a `path` and nothing else: a directory, relative to the project, such as `../templates`"
        ),
    }
}

/// The project's name, which goes into code: it must at least be one that cargo accepts.
fn name(item: &Item) -> Result<String> {
    let name = item.as_str().context("`project.name` must be text")?;
    if let Err(why) = names::check_existing_package(name) {
        let shown = name.escape_debug();
        bail!("`project.name` cannot be `{shown}`: it {why}");
    }
    Ok(name.to_owned())
}

fn names(item: &Item) -> Option<Vec<String>> {
    let names = item.as_array()?.iter();
    names.map(|name| Some(name.as_str()?.to_owned())).collect()
}

fn answer(item: &Item) -> Option<Value> {
    let text = || item.as_str().map(|text| Value::Text(text.to_owned()));
    item.as_bool()
        .map(Value::Bool)
        .or_else(|| item.as_integer().map(Value::Integer))
        .or_else(text)
}

#[cfg(test)]
mod tests {
    use super::{AnswersFile, read_answers, write_answers};
    use crate::catalog::Value;

    #[test]
    fn answers_read_back_as_written() {
        let answers = [
            ("docker.base".to_owned(), Value::Text("debian".to_owned())),
            (
                "project.description".to_owned(),
                Value::Text("a \"b\" # c".to_owned()),
            ),
            ("service.port".to_owned(), Value::Integer(8080)),
        ];
        let bins = ["a".to_owned(), "b".to_owned()];
        let answers_file = AnswersFile {
            version: Some("0.0.1".to_owned()),
            name: Some("x".to_owned()),
            bins: bins.into(),
            components: Some(vec!["service".to_owned(), "docker".to_owned()]),
            templates: Some("../templates".to_owned()),
            answers: answers.into(),
        };
        assert_eq!(
            read_answers(&write_answers(&answers_file)).unwrap(),
            answers_file
        );
    }

    #[test]
    fn invalid_answers_files_are_rejected_with_a_reason() {
        let error = |text: &str| format!("{:#}", read_answers(text).unwrap_err());
        assert!(error("format = 2").contains("newer cargo prodify"));
        assert!(error("prodify = 'x'").contains("`prodify` must be the version"));
        assert!(error("format = 'x'").contains("`format` must be 1"));
        assert!(error("docker = 1").contains("`docker` must be a table"));
        assert!(error("[docker]\nbase = []").contains("`docker.base` must be"));
        assert!(error("[project]\nbins = 'a'").contains("`project.bins` must be a list of names"));
        assert!(error("[project]\nname = 1").contains("`project.name` must be text"));
        for name in ["", "../x", "x; touch pwned", "a b", "-x", "1", "a\\nb"] {
            let error_text = error(&format!("[project]\nname = \"{name}\""));
            assert!(
                error_text.contains("`project.name` cannot be `"),
                "{error_text}"
            );
        }
        for templates in [
            "[templates]",
            "templates.path = '/a'",
            "templates.dir = 'a'",
        ] {
            assert!(error(templates).contains("`[templates]` must have a `path`"));
        }
        assert!(error("components = [1]").contains("list of names"));
        assert!(error("x = ").contains("line 1"));
    }

    #[test]
    fn compares_versions_numerically() {
        let newer = |version: &str| {
            let answers_file = AnswersFile {
                version: Some(version.to_owned()),
                ..AnswersFile::default()
            };
            answers_file.newer_version().map(str::to_owned)
        };
        assert_eq!(newer("0.0.10"), None);
        assert_eq!(newer(super::VERSION), None);
        assert_eq!(newer("1000.0.0").as_deref(), Some("1000.0.0"));
        assert_eq!(AnswersFile::default().newer_version(), None);
        let older = |version: Option<&str>| {
            let version = version.map(str::to_owned);
            let answers_file = AnswersFile {
                version,
                ..AnswersFile::default()
            };
            answers_file.is_older()
        };
        assert!(older(Some("0.0.10")));
        assert!(!older(Some(super::VERSION)) && !older(Some("1000.0.0")) && !older(None));
    }
}
