//! What templates see.

use std::collections::BTreeMap;

use anyhow::Result;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use toml_edit::DocumentMut;

use crate::answers::Answers;
use crate::catalog;
use crate::facts::{Facts, Service};
use crate::names;

/// The names that templates can use: `project`, `crate`, `versions`, and the answers by component.
#[derive(Debug, Default)]
pub struct Context {
    values: BTreeMap<String, Value>,
    /// `crate`, once for each service that a file may be about, with the directory of its own files.
    crates: Vec<(String, Value)>,
}

/// What templates see as `crate`.
#[derive(Serialize)]
struct Crate<'a> {
    #[serde(flatten)]
    whole: &'a Facts,
    #[serde(flatten)]
    service: &'a Service,
}

/// What templates see as `project`.
#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    slug: String,
    #[serde(flatten)]
    answers: BTreeMap<String, &'a catalog::Value>,
    registry: Option<String>,
}

impl Context {
    /// A context that knows the project by its name, and what was answered so far, by who asked.
    pub fn new(name: &str, answers: &Answers) -> Self {
        let mut answers = by_owner(answers);
        let of_project = answers.remove("project").unwrap_or_default();
        let registry = of_project
            .get("image")
            .map(|image| names::registry_of(&image.to_string()).to_owned());
        let project = Project {
            name,
            slug: names::slug(name),
            answers: of_project,
            registry,
        };
        let mut values: BTreeMap<_, _> = answers
            .into_iter()
            .map(|(owner, answers)| (owner, Value::from(Serde(answers))))
            .collect();
        values.insert("project".to_owned(), Value::from(Serde(&project)));
        Self {
            values,
            crates: Vec::new(),
        }
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
    pub fn with_facts(mut self, whole: &Facts) -> Self {
        let none = [Service::default()];
        let services = match &whole.services[..] {
            [] => &none[..],
            services => services,
        };
        let seen = services.iter().map(|service| {
            let seen = Value::from(Serde(Crate { whole, service }));
            (service.directory.clone(), seen)
        });
        self.crates = seen.collect();
        self
    }

    /// How many services a file may be about.
    pub(super) fn services(&self) -> usize {
        self.crates.len()
    }

    /// The directory of the files that are about one of them, with a slash; empty where that is the only one.
    pub(super) fn directory(&self, service: usize) -> &str {
        self.crates
            .get(service)
            .map_or("", |(directory, _)| directory)
    }

    /// All of it, as an expression sees it that is about one of the services.
    pub(super) fn value(&self, service: usize) -> Value {
        Value::from_pairs(self.pairs(service))
    }

    /// The same with one more value.
    pub(super) fn with(&self, service: usize, name: &str, value: Value) -> Value {
        Value::from_pairs(self.pairs(service).chain([(name, value)]))
    }

    fn pairs(&self, service: usize) -> impl Iterator<Item = (&str, Value)> {
        let pairs = self.values.iter();
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.clone()));
        let about = self.crates.get(service);
        pairs.chain(about.map(|(_, seen)| ("crate", seen.clone())))
    }
}

/// The answers of each that asks. A dash is no part of an identifier: `ingress-class` is `ingress_class` to a template.
fn by_owner(answers: &Answers) -> BTreeMap<String, BTreeMap<String, &catalog::Value>> {
    let mut owners: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (key, value) in answers {
        if let Some((owner, key)) = key.split_once('.') {
            let answers = owners.entry(names::ident(owner)).or_default();
            answers.insert(names::ident(key), value);
        }
    }
    owners
}
