//! From a selection to the files that are to be: asks what is left to ask, renders, and writes nothing.

use anyhow::{Context as _, Result};
use toml_edit::{DocumentMut, Item};

use crate::answers::{Answers, Asked, Given, Source};
use crate::catalog::{Catalog, Question, Value};
use crate::error::Usage;
use crate::facts::Facts;
use crate::names;
use crate::prompt::Prompt;
use crate::render::{self, Context, Engine};
use crate::report::NextStep;
use crate::select::Selection;
use crate::shell::Shell;
use crate::tree::{RelPath, Tree};

/// A project on paper.
#[derive(Debug)]
pub struct Draft {
    /// All answers, whether given, asked for or taken from the defaults.
    pub answers: Answers,
    /// The keys of those that nobody gave.
    pub assumed: Vec<String>,
    /// The files that its components write.
    pub tree: Tree,
    /// What to type once they are written.
    pub next: Vec<NextStep>,
}

/// Drafts a new project.
///
/// # Errors
///
/// [`Usage`] where an answer cannot be taken, or where the name is that of a crate it depends on; otherwise where a
/// template fails.
pub fn draft(
    catalog: &Catalog,
    name: &str,
    selection: &Selection<'_>,
    given: &Given,
    prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<Draft> {
    let names: Vec<&str> = selection.names().collect();
    given.all_used(&names)?;
    let (answers, assumed) = answer_all(catalog, name, selection, given, prompt, shell)?;

    let toolchain = catalog
        .versions
        .get("toolchain")
        .and_then(|table| table.get("channel"))
        .and_then(Item::as_str);
    let toolchain = toolchain.context("templates/versions.toml has no `toolchain.channel`")?;
    let facts = Facts::of_new(name, toolchain, &selection.components, &answers)?;
    let context = Context::new(name, &answers)
        .with_versions(&catalog.versions)?
        .with_facts(&facts);
    let engine = Engine::new(catalog, selection, &context);
    let tree = render::render(&engine, selection)?;
    refuse_dependency_name(name, &tree)?;
    let next = NextStep::of_selection(&engine, selection)?;
    Ok(Draft {
        answers,
        assumed,
        tree,
        next,
    })
}

/// Answers every question, those of the project first, then those of the components in their order; says too which of them
/// nobody gave.
fn answer_all(
    catalog: &Catalog,
    name: &str,
    selection: &Selection<'_>,
    given: &Given,
    mut prompt: Option<&mut dyn Prompt>,
    shell: &Shell,
) -> Result<(Answers, Vec<String>)> {
    let mut answers = Answers::new();
    let mut assumed = Vec::new();
    let of_project = catalog.project.iter().map(|question| ("project", question));
    let of_components = selection
        .components
        .iter()
        .flat_map(|component| component.asked());
    for (owner, question) in of_project.chain(of_components) {
        let scope = Scope {
            catalog,
            name,
            owner,
            answers: &answers,
        };
        let holds = |value: &Value| scope.holds(question, value);
        let default = scope.default(question)?;
        let asked = Asked {
            owner,
            question,
            default,
            holds: &holds,
        };
        // `as_deref_mut` would keep the borrow for as long as the trait object lives.
        let prompt = prompt
            .as_mut()
            .map(|prompt| &mut **prompt as &mut dyn Prompt);
        let (value, source) = given.answer(&asked, prompt)?;
        let key = asked.key();
        shell.detail(format!("{:>12} {key} = {value} ({source})", "answer"));
        if source == Source::Default {
            assumed.push(key.clone());
        }
        answers.insert(key, value);
    }
    Ok((answers, assumed))
}

/// What can be said of a question while it is asked: the project, and the answers before it.
struct Scope<'a> {
    catalog: &'a Catalog,
    name: &'a str,
    owner: &'a str,
    answers: &'a Answers,
}

impl Scope<'_> {
    /// The default of a question; a text may be a template.
    fn default(&self, question: &Question) -> Result<Value> {
        match &question.default {
            Value::Text(text) if text.contains("<%") => {
                let context = Context::new(self.name, self.answers);
                let engine = Engine::new(self.catalog, &Selection::default(), &context);
                Ok(Value::Text(engine.render_text(text)?))
            }
            value => Ok(value.clone()),
        }
    }

    /// Whether a question's condition is met by this answer and those before it.
    fn holds(&self, question: &Question, value: &Value) -> Result<(), String> {
        let Some(condition) = &question.holds else {
            return Ok(());
        };
        let mut answers = self.answers.clone();
        answers.insert(format!("{}.{}", self.owner, question.key), value.clone());
        let context = Context::new(self.name, &answers);
        let engine = Engine::new(self.catalog, &Selection::default(), &context);
        match engine.holds(&condition.when) {
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
