//! The context of templates.

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

/// The names in scope in templates: `project`, `crate`, `versions`, and the answers by component.
#[derive(Debug, Default)]
pub struct Context {
    values: BTreeMap<String, Value>,
    /// `crate`, once per service that a file may be for, with the directory of that service's files.
    crates: Vec<(String, Value)>,
}

/// `crate` in templates.
#[derive(Serialize)]
struct Crate<'a> {
    #[serde(flatten)]
    whole: &'a Facts,
    #[serde(flatten)]
    service: &'a Service,
}

/// `project` in templates.
#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    slug: String,
    #[serde(flatten)]
    answers: BTreeMap<String, &'a catalog::Value>,
    registry: Option<String>,
}

impl Context {
    /// A context with the project's name, and the answers so far, by component.
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
    /// If the document contains something that is not a plain value.
    pub fn with_versions(mut self, versions: &DocumentMut) -> Result<Self> {
        let versions: serde_json::Value = toml_edit::de::from_document(versions.clone())?;
        self.values
            .insert("versions".to_owned(), Value::from(Serde(&versions)));
        Ok(self)
    }

    /// Adds the facts about the crate.
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

    /// The number of services that a file may be for.
    pub(super) fn services(&self) -> usize {
        self.crates.len()
    }

    /// The directory of the files for a service, with a slash; empty if there is only one service.
    pub(super) fn directory(&self, service: usize) -> &str {
        self.crates
            .get(service)
            .map_or("", |(directory, _)| directory)
    }

    /// The whole context for an expression about one of the services.
    pub(super) fn value(&self, service: usize) -> Value {
        Value::from_pairs(self.pairs(service))
    }

    /// The same with an additional value.
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

/// The answers by component. A dash is not valid in an identifier: `ingress-class` is `ingress_class` in templates.
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
