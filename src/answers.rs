//! Answers: flag, then answers file, then prompt, then default.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::Result;

use crate::catalog::{Catalog, Kind, Question, Value};
use crate::error::{Usage, did_you_mean};
use crate::prompt::{Item, Prompt};
use crate::provenance::AnswersFile;

/// Answers by key: `docker.base`.
pub type Answers = BTreeMap<String, Value>;

/// A question that is being answered.
pub struct OpenQuestion<'a> {
    /// The component that asks, or `project`.
    pub owner: &'a str,
    /// The question.
    pub question: &'a Question,
    /// Its default, rendered with the answers so far.
    pub default: Value,
    /// Whether the answers so far allow this one; if not, what it must be.
    pub check_condition: &'a dyn Fn(&Value) -> Result<(), String>,
}

impl OpenQuestion<'_> {
    /// The name of the question: `docker.base`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.owner, self.question.key)
    }

    fn check(&self, value: &Value) -> Result<(), String> {
        self.question.check(value)?;
        (self.check_condition)(value)
    }

    fn parse(&self, typed: &str) -> Result<Value, String> {
        let value = self.question.parse(typed)?;
        (self.check_condition)(&value)?;
        Ok(value)
    }
}

/// Where an answer is from; earlier variants take precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// `-d key=value`
    Flag,
    /// `--answers FILE`
    File,
    /// The project's own prodify.toml.
    Record,
    /// A person.
    Prompt,
    /// Nobody answered.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flag => "from --set",
            Self::File => "from the answers file",
            Self::Record => "from prodify.toml",
            Self::Prompt => "as typed",
            Self::Default => "by default",
        })
    }
}

/// The answers that were given before any question is asked.
#[derive(Debug, Default)]
pub struct GivenAnswers {
    /// `-d key=value`, as typed.
    flags: BTreeMap<String, String>,
    /// From an answers file.
    file: Answers,
    /// From the project's own prodify.toml.
    record: Answers,
}

impl GivenAnswers {
    /// Takes the answers from the command line, each `key=value`, and those of an answers file.
    ///
    /// # Errors
    ///
    /// [`Usage`] for a flag without `=`, a duplicate key, or a key without a question.
    pub fn new(catalog: &Catalog, flags: &[String], file: Answers) -> Result<Self> {
        let mut given = Self {
            flags: BTreeMap::new(),
            file,
            record: Answers::new(),
        };
        for flag in flags {
            let Some((key, value)) = flag.split_once('=') else {
                return Err(Usage::new(format!(
                    "`--set {flag}` has no value: pass `--set {flag}=VALUE`"
                ))
                .into());
            };
            check_key(catalog, key)?;
            if given
                .flags
                .insert(key.to_owned(), value.to_owned())
                .is_some()
            {
                return Err(Usage::new(format!("`--set {key}=…` is given twice")).into());
            }
        }
        for key in given.file.keys() {
            let place = |error| Usage::new(format!("in the answers file: {error:#}"));
            check_key(catalog, key).map_err(place)?;
        }
        Ok(given)
    }

    /// Replaces the answers from the answers file.
    pub fn with_file(self, file: Answers) -> Self {
        Self { file, ..self }
    }

    /// Adds the answers that the project was last written with.
    ///
    /// # Errors
    ///
    /// [`Usage`] for one without a question, if this version wrote the record, since it must be a typo. If an older version did,
    /// the question may be gone: see [`dropped`].
    pub fn with_record(mut self, catalog: &Catalog, record: &AnswersFile) -> Result<Self> {
        for key in record.answers.keys().filter(|_| !record.is_older()) {
            let place = |error| Usage::new(format!("in prodify.toml: {error:#}"));
            check_key(catalog, key).map_err(place)?;
        }
        self.record = record.answers.clone();
        Ok(self)
    }

    /// Answers a question, through `prompt` if there is one; returns the answer and its source.
    ///
    /// # Errors
    ///
    /// [`Usage`] if an answer is not valid; names the key and where the answer is from.
    pub fn answer(
        &self,
        open_question: &OpenQuestion<'_>,
        prompt: Option<&mut dyn Prompt>,
    ) -> Result<(Value, Source)> {
        let key = open_question.key();
        if let Some(typed) = self.flags.get(&key) {
            let invalid = |why| {
                let typed = typed.escape_debug();
                Usage::new(format!("`--set {key}={typed}`: `{key}` {why}"))
            };
            return Ok((open_question.parse(typed).map_err(invalid)?, Source::Flag));
        }
        let files = [
            (&self.file, "the answers file", Source::File),
            (&self.record, "prodify.toml", Source::Record),
        ];
        for (answers, place, source) in files {
            if let Some(value) = answers.get(&key) {
                let invalid = |why| Usage::new(format!("in {place}, `{key}` {why}"));
                open_question.check(value).map_err(invalid)?;
                return Ok((value.clone(), source));
            }
        }
        if let Some(prompt) = prompt {
            return Ok((ask(open_question, prompt)?, Source::Prompt));
        }
        let invalid = |why| {
            Usage::new(format!(
                "`{key}` is {} by default, but {why}: pass `--set {key}=…`",
                open_question.default
            ))
        };
        open_question
            .check(&open_question.default)
            .map_err(invalid)?;
        Ok((open_question.default.clone(), Source::Default))
    }

    /// Checks every flag against the selected components.
    ///
    /// # Errors
    ///
    /// [`Usage`], naming the component, for an answer that nothing uses, which must be a mistake.
    pub fn check_all_used(&self, chosen: &[&str]) -> Result<()> {
        let owner = |key: &str| key.split('.').next().unwrap_or_default().to_owned();
        match self
            .flags
            .keys()
            .map(|key| (key, owner(key)))
            .find(|(_, owner)| owner != "project" && !chosen.contains(&owner.as_str()))
        {
            Some((key, owner)) => Err(Usage::new(format!(
                "`--set {key}=…` answers for `{owner}`, which is not selected: select it too, or leave the answer out"
            ))
            .into()),
            None => Ok(()),
        }
    }
}

/// The answers to questions of an older version that this version no longer asks.
pub fn dropped<'r>(catalog: &Catalog, record: &'r AnswersFile) -> Vec<&'r str> {
    let keys = record.answers.keys().map(String::as_str);
    keys.filter(|key| check_key(catalog, key).is_err())
        .collect()
}

fn check_key(catalog: &Catalog, key: &str) -> Result<()> {
    let questions = catalog.questions();
    let keys: Vec<String> = questions
        .map(|(owner, question)| format!("{owner}.{}", question.key))
        .collect();
    if keys.iter().any(|known| known == key) {
        return Ok(());
    }
    let hint = did_you_mean(key, keys.iter().map(String::as_str));
    Err(Usage::new(format!(
        "there is no question `{key}`{hint} (`cargo prodify show COMPONENT` lists a component's)"
    ))
    .into())
}

fn ask(open_question: &OpenQuestion<'_>, prompt: &mut dyn Prompt) -> Result<Value> {
    let text = &open_question.question.prompt;
    match &open_question.question.kind {
        Kind::Choice { choices } => {
            let items: Vec<Item<'_>> = choices
                .iter()
                .map(|choice| Item {
                    name: &choice.value,
                    help: &choice.help,
                })
                .collect();
            let default = open_question.default.to_string();
            let default = choices.iter().position(|choice| choice.value == default);
            let chosen = prompt.choose(text, &items, default.unwrap_or_default())?;
            let chosen = choices.get(chosen).map(|choice| choice.value.clone());
            Ok(chosen.map_or_else(|| open_question.default.clone(), Value::Text))
        }
        Kind::Bool => {
            let default = open_question.default == Value::Bool(true);
            Ok(Value::Bool(prompt.confirm(text, default)?))
        }
        Kind::Text { .. } | Kind::Integer { .. } => {
            let this = |why| format!("this {why}");
            let validate = |typed: &str| open_question.parse(typed).map(drop).map_err(this);
            let typed = prompt.text(text, &open_question.default.to_string(), &validate)?;
            let invalid = |why| Usage::new(format!("`{}` {why}", open_question.key()));
            Ok(open_question.parse(&typed).map_err(invalid)?)
        }
    }
}
