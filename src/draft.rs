//! From a selection to the files to write: asks the remaining questions and renders, but writes nothing.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use toml_edit::DocumentMut;

use crate::answers::{Answers, GivenAnswers, OpenQuestion, Source};
use crate::catalog::{self, Catalog, Question, Value};
use crate::error::Usage;
use crate::facts::Facts;
use crate::names;
use crate::pins::Pins;
use crate::prompt::Prompt;
use crate::provenance::AnswersFile;
use crate::render::{self, Context, Engine, FIRST_SERVICE, NextStep, Wiring};
use crate::select::Selection;
use crate::shell::Shell;
use crate::tree::{RelPath, Tree};

/// A project that is rendered but not written.
#[derive(Debug, Default)]
pub struct Draft {
    /// All answers, whether given, asked for or taken from the defaults.
    pub answers: Answers,
    /// The keys of those that were not given.
    pub assumed: Vec<String>,
    /// The files that its components write.
    pub tree: Tree,
    /// The code that the user's own sources need for them to work.
    pub wire: Vec<Wiring>,
    /// Commands to run once they are written.
    pub next: Vec<NextStep>,
    /// The binaries that run in production, in an existing crate.
    pub bins: Vec<String>,
    /// What would keep them from running there.
    pub notes: Vec<String>,
    /// The versions that its files name.
    pub pins: Pins,
    /// The directory of own templates that was given in this run.
    pub templates: Option<PathBuf>,
}

/// What is drafted: a new project or an existing crate.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The project's name.
    pub name: &'a str,
    /// The facts about an existing crate.
    pub existing: Option<&'a ExistingCrate>,
}

/// The facts about an existing crate.
#[derive(Debug, Default)]
pub struct ExistingCrate {
    /// Its facts.
    pub facts: Facts,
    /// Defaults for the questions about the project that its manifest answers.
    pub answers: Answers,
}

impl<'a> Subject<'a> {
    /// A new project.
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            existing: None,
        }
    }
}

impl Draft {
    /// The answers for which a placeholder stands in.
    pub fn placeholders(&self) -> Option<String> {
        let stands_in = |key: &&String| {
            let value = self.answers.get(*key).map(ToString::to_string);
            value.is_some_and(|value| names::is_placeholder(&value))
        };
        let keys = self.assumed.iter().filter(stands_in);
        let keys: Vec<String> = keys.map(|key| format!("`{key}`")).collect();
        let keys = (!keys.is_empty()).then(|| keys.join(" and "));
        keys.map(|keys| format!("example.com is a placeholder in {keys}: replace it with --set"))
    }
}

/// Drafts a project.
///
/// # Errors
///
/// [`Usage`] if an answer is not valid, or if a dependency has the project's name; otherwise if a template fails.
pub fn draft(
    catalog: &Catalog,
    subject: &Subject<'_>,
    selection: &Selection<'_>,
    given: &GivenAnswers,
    prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<Draft> {
    let name = subject.name;
    let names: Vec<&str> = selection.names().collect();
    given.check_all_used(&names)?;
    let (answers, assumed) = answer_all(catalog, subject, selection, given, prompt, shell)?;

    let context = Context::new(name, &answers).with_versions(&catalog.versions)?;
    let context = context.with_facts(&match subject.existing {
        Some(existing) => {
            let facts = existing.facts.clone().with_images(&answers);
            let (of_package, of_all): (Vec<_>, Vec<_>) = (selection.components.iter().copied())
                .partition(|component| component.scope == catalog::Scope::Package);
            facts
                .with_components(|_| true, &of_all, &answers)?
                .with_components(|service| service.here, &of_package, &answers)?
        }
        None => Facts::for_new_crate(name, catalog.toolchain()?, &selection.components, &answers)?,
    });
    let engine = Engine::new(catalog, selection, &context);
    let tree = render::render(&engine, selection)?;
    refuse_dependency_name(name, &tree)?;
    let next = render::next_steps(&engine, selection)?;
    let wire = match subject.existing {
        Some(_) => render::wiring(&engine, selection)?,
        None => Vec::new(),
    };
    Ok(Draft {
        answers,
        assumed,
        tree,
        wire,
        next,
        pins: Pins::from_versions(&catalog.versions),
        templates: catalog
            .overlay()
            .filter(|overlay| overlay.is_explicit)
            .map(|overlay| overlay.directory.clone()),
        ..Draft::default()
    })
}

/// The answers that a project called `name` takes over from another project: all except defaults derived from the other project's
/// name.
///
/// # Errors
///
/// If a default cannot be rendered.
pub fn reusable_answers(catalog: &Catalog, from: &AnswersFile, name: &str) -> Result<Answers> {
    let mut reusable = from.answers.clone();
    let Some(other) = &from.name else {
        return Ok(reusable);
    };
    let default = |(owner, question): (&str, &Question), name: &str, answers: &Answers| {
        let subject = &Subject::new(name);
        let scope = QuestionScope {
            catalog,
            subject,
            owner,
            answers,
        };
        scope.default(question)
    };
    // A default may derive from another one, whatever the order of the questions.
    let mut rendered = from.answers.clone();
    loop {
        let before = reusable.len();
        for (owner, question) in catalog.questions() {
            let key = format!("{owner}.{}", question.key);
            let Some(answer) = reusable.get(&key) else {
                continue;
            };
            let question = (owner, question);
            let new = default(question, name, &rendered)?;
            if new != *answer && default(question, other, &from.answers)? == *answer {
                reusable.remove(&key);
                rendered.insert(key, new);
            }
        }
        if reusable.len() == before {
            return Ok(reusable);
        }
    }
}

/// Answers every question: those of the project first, then those of the components in their order. Also returns the keys of the
/// answers that were not given.
fn answer_all(
    catalog: &Catalog,
    subject: &Subject<'_>,
    selection: &Selection<'_>,
    given: &GivenAnswers,
    mut prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<(Answers, Vec<String>)> {
    let mut answers = Answers::new();
    let mut assumed = Vec::new();
    // For an existing crate, only the questions about the project that its components' templates use are asked.
    let is_asked = |key: &str| {
        let components = || selection.components.iter();
        subject.existing.is_none()
            || !key.starts_with("project.")
            || components().any(|component| catalog.mentions(component, key))
    };
    let of_project = catalog.project.iter().map(|question| ("project", question));
    let of_components = selection
        .components
        .iter()
        .flat_map(|component| component.questions_with_owner());
    for (owner, question) in of_project.chain(of_components) {
        let scope = QuestionScope {
            catalog,
            subject,
            owner,
            answers: &answers,
        };
        let key = format!("{owner}.{}", question.key);
        let check_condition = |value: &Value| scope.check_condition(question, value);
        let known = subject
            .existing
            .and_then(|existing| existing.answers.get(&key));
        let known = known.filter(|value| question.check(value).is_ok());
        let default = match known {
            Some(value) => value.clone(),
            None => scope.default(question)?,
        };
        let open_question = OpenQuestion {
            owner,
            question,
            default,
            check_condition: &check_condition,
        };
        // `as_deref_mut` would borrow for as long as the trait object lives.
        let prompt = prompt
            .as_mut()
            .filter(|_| is_asked(&key))
            .map(|prompt| &mut **prompt as &mut dyn Prompt);
        let (value, source) = given.answer(&open_question, prompt)?;
        if source == Source::Flag && !is_asked(&key) {
            return Err(Usage::new(format!(
                "`--set {key}=…` answers a question that none of the components asks"
            ))
            .into());
        }
        shell.detail(format!("{:>12} {key} = {value} ({source})", "answer"));
        if source == Source::Default && known.is_none() {
            assumed.push(key.clone());
        }
        answers.insert(key, value);
    }
    answers.retain(|key, _| is_asked(key));
    assumed.retain(|key| is_asked(key));
    Ok((answers, assumed))
}

/// What a question can refer to while it is asked: the project, and the answers so far.
struct QuestionScope<'a> {
    catalog: &'a Catalog,
    subject: &'a Subject<'a>,
    owner: &'a str,
    answers: &'a Answers,
}

impl QuestionScope<'_> {
    /// A new project has no facts about the crate yet: they depend on the answers.
    fn context(&self, answers: &Answers) -> Context {
        let none = Facts::default();
        let facts = self
            .subject
            .existing
            .map_or(&none, |existing| &existing.facts);
        Context::new(self.subject.name, answers).with_facts(facts)
    }

    /// The default of a question; a text may be a template.
    fn default(&self, question: &Question) -> Result<Value> {
        match &question.default {
            Value::Text(text) if question.basis().is_some() => {
                let context = self.context(self.answers);
                let engine = Engine::new(self.catalog, &Selection::default(), &context);
                Ok(Value::Text(engine.render_text(text, FIRST_SERVICE)?))
            }
            value => Ok(value.clone()),
        }
    }

    /// Whether this answer and those before it meet a question's condition.
    fn check_condition(&self, question: &Question, value: &Value) -> Result<(), String> {
        let Some(condition) = &question.holds else {
            return Ok(());
        };
        let mut answers = self.answers.clone();
        answers.insert(format!("{}.{}", self.owner, question.key), value.clone());
        let context = self.context(&answers);
        let engine = Engine::new(self.catalog, &Selection::default(), &context);
        match engine.holds(&condition.when, FIRST_SERVICE) {
            Ok(true) => Ok(()),
            Ok(false) => Err(condition.must.clone()),
            Err(error) => Err(format!("has a condition that cannot be read: {error:#}")),
        }
    }
}

/// Cargo cannot tell a package from a dependency of the same name.
fn refuse_dependency_name(name: &str, tree: &Tree) -> Result<()> {
    let Some(manifest) = tree.get(&RelPath::new("Cargo.toml")?) else {
        return Ok(());
    };
    let document: DocumentMut = manifest
        .text
        .parse()
        .context("reading the rendered Cargo.toml")?;
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut dependencies = sections
        .iter()
        .filter_map(|section| document.get(section)?.as_table_like())
        .flat_map(|table| table.iter());
    match dependencies.find(|(dependency, _)| names::ident(dependency) == names::ident(name)) {
        Some((dependency, _)) => Err(Usage::new(format!(
            "`{name}` cannot be the project's name: it depends on the crate `{dependency}`"
        ))
        .into()),
        None => Ok(()),
    }
}
