//! What templates see.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use toml_edit::DocumentMut;

use crate::answers::Answers;
use crate::facts::Facts;
use crate::names;

/// The names that templates can use: `project`, `crate`, `versions`, and the answers by component.
#[derive(Debug, Default)]
pub struct Context {
    values: BTreeMap<String, Value>,
}

/// What templates see as `project`.
#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    slug: String,
    #[serde(flatten)]
    answers: BTreeMap<String, &'a crate::catalog::Value>,
    registry: Option<String>,
}

impl Context {
    /// A context that knows the project by its name and by what was answered about it so far.
    pub fn new(name: &str, answers: &Answers) -> Self {
        let answers = answers_of("project", answers);
        let registry = answers
            .get("image")
            .map(|image| names::registry_of(&image.to_string()).to_owned());
        let project = Project {
            name,
            slug: names::slug(name),
            answers,
            registry,
        };
        let mut context = Self::default();
        context
            .values
            .insert("project".to_owned(), Value::from(Serde(&project)));
        context
    }

    /// Adds the versions that generated projects pin.
    ///
    /// # Errors
    ///
    /// Where the document holds something that is no plain value.
    pub fn with_versions(mut self, versions: &DocumentMut) -> Result<Self> {
        let versions: serde_json::Value = toml_edit::de::from_document(versions.clone())?;
        self.values
            .insert("versions".to_owned(), Value::from(Serde(&versions)));
        Ok(self)
    }

    /// Adds what the crate is.
    #[must_use]
    pub fn with_facts(mut self, facts: &Facts) -> Self {
        self.values
            .insert("crate".to_owned(), Value::from(Serde(facts)));
        self
    }

    /// Adds the answers of a component, under `ident`.
    #[must_use]
    pub fn with_component(mut self, component: &str, ident: String, answers: &Answers) -> Self {
        self.values
            .insert(ident, Value::from(Serde(answers_of(component, answers))));
        self
    }

    /// All of it, as an expression sees it.
    pub(super) fn value(&self) -> Value {
        Value::from_pairs(self.pairs())
    }

    /// The same with one more value.
    pub(super) fn with(&self, name: &str, value: Value) -> Value {
        Value::from_pairs(self.pairs().chain([(name, value)]))
    }

    fn pairs(&self) -> impl Iterator<Item = (&str, Value)> {
        let pairs = self.values.iter();
        pairs.map(|(name, value)| (name.as_str(), value.clone()))
    }
}

/// A dash is no part of an identifier: `ingress-class` is `ingress_class` to a template.
fn answers_of<'a>(
    owner: &str,
    answers: &'a Answers,
) -> BTreeMap<String, &'a crate::catalog::Value> {
    answers
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(owner)?.strip_prefix('.')?, value)))
        .map(|(key, value)| (key.replace('-', "_"), value))
        .collect()
}
