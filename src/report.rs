//! The result of a run, as text for people and as JSON for programs.
//!
//! The JSON is specified by `report.schema.json` beside this file, that of `inspect` by `inspection.schema.json`; tests validate
//! the output.

mod annotations;
mod inspection;
mod page;
mod text;

use std::io;

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::catalog::{
    Basis, Catalog, Choice, Component, Kind, Origin, Preset, Question, Scope, Value,
};
use crate::cli::Format;
use crate::error::Outcome;
use crate::facts::inspection::Inspection;
use crate::plan::{Action, Plan};
use crate::render::{NextStep, Wiring};
use crate::shell::{Shell, Verbosity};
use crate::tree::RelPath;
use crate::{merge, provenance};

/// The version of the JSON; incremented by breaking changes.
const SCHEMA_VERSION: u32 = 1;

/// What a verb found or did.
pub enum Report {
    /// `new`
    Written(Box<Written>),
    /// `inspect`
    Inspected(Box<Inspection>),
    /// `list`
    Listed(Vec<Summary>),
    /// `show`
    Shown(Box<Details>),
    /// `completions`: a script
    Script(String),
}

/// What was written, or would be.
#[derive(Debug, Serialize)]
pub struct Written {
    /// The verb.
    pub command: &'static str,
    /// How it ended.
    pub outcome: Ending,
    /// Whether this was a dry run.
    #[serde(skip)]
    pub is_dry: bool,
    /// The project's name.
    pub name: String,
    /// Its directory, as the user would type it.
    pub path: String,
    /// Its components, in order.
    pub components: Vec<String>,
    /// What happened to each file.
    pub files: Vec<FileReport>,
    /// Notes for the user.
    pub notes: Vec<String>,
    /// The code that the user's own sources need for the new code to run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<Wiring>,
    /// Commands to run next.
    pub next: Vec<NextStep>,
    /// The command line that resolves the conflicts, if it differs from that of this run.
    #[serde(skip)]
    pub again: Option<String>,
}

/// How a run of a writing verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything is written.
    Done,
    /// Nothing had to be written.
    Unchanged,
    /// A dry run: this is what would happen.
    Planned,
    /// Files are in the way, so nothing is written.
    Conflict,
    /// An update is written, except for conflicts that are left to the user.
    Unresolved,
    /// A check: an update would change something.
    Different,
}

/// What happened to a file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// Its path relative to the directory that is written to.
    pub path: String,
    /// Its previous path, if it moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What happened.
    pub action: Action,
    /// Why, if it is not obvious.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The change as a unified diff, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// The first line of the file on disk that changes, if a difference is to be shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Its path relative to the repository's root, if needed for annotations.
    #[serde(skip)]
    pub place: Option<String>,
    /// Whether it is in the way, and can never be replaced.
    #[serde(skip)]
    pub is_unreplaceable: bool,
    /// Whether it is in no file's way, but in the directory of a new project.
    #[serde(skip)]
    pub is_unrelated: bool,
}

/// A component, in a list.
#[derive(Debug, Serialize)]
pub struct Summary {
    name: String,
    summary: String,
    preset: Preset,
    scope: Scope,
    requires: Vec<String>,
    conflicts: Vec<String>,
    /// How own templates change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    own: Option<Origin>,
    /// Why it cannot be added to an existing crate.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

/// A component in detail.
#[derive(Debug, Serialize)]
pub struct Details {
    #[serde(flatten)]
    summary: Summary,
    files: Vec<String>,
    questions: Vec<QuestionReport>,
}

#[derive(Debug, Serialize)]
struct QuestionReport {
    key: String,
    prompt: String,
    help: String,
    #[serde(rename = "type")]
    kind: &'static str,
    /// None if it depends on the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<Value>,
    /// What it then derives from.
    #[serde(skip_serializing_if = "Option::is_none")]
    default_from: Option<Basis>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    choices: Vec<ChoiceReport>,
}

#[derive(Debug, Serialize)]
struct ChoiceReport {
    value: String,
    help: String,
}

impl Report {
    /// The list of all components.
    pub fn list(catalog: &Catalog) -> Self {
        let summaries = catalog.components();
        Self::Listed(
            summaries
                .map(|component| Summary::new(catalog, component))
                .collect(),
        )
    }

    /// The questions that are asked for every project.
    pub fn project(catalog: &Catalog) -> Self {
        let summary = Summary {
            name: "project".to_owned(),
            summary: "asked for every project, whatever components it has".to_owned(),
            preset: Preset::Minimal,
            scope: Scope::Package,
            requires: Vec::new(),
            conflicts: Vec::new(),
            own: None,
            refused: None,
        };
        let questions = catalog
            .project
            .iter()
            .map(|question| QuestionReport::new("project", question));
        let files = [provenance::ANSWERS, provenance::BASE]
            .map(str::to_owned)
            .to_vec();
        Self::Shown(Box::new(Details {
            summary,
            files,
            questions: questions.collect(),
        }))
    }

    /// A component in detail.
    pub fn show(catalog: &Catalog, component: &Component) -> Self {
        let questions = component
            .questions
            .iter()
            .map(|question| QuestionReport::new(&component.name, question))
            .collect();
        let mut files: Vec<String> = component
            .templates
            .iter()
            .map(|template| template.path.to_string())
            .collect();
        files.extend(
            component
                .manifest
                .as_ref()
                .map(|_| "Cargo.toml (entries)".to_owned()),
        );
        Self::Shown(Box::new(Details {
            summary: Summary::new(catalog, component),
            files,
            questions,
        }))
    }

    /// How the run ended.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Written(written) => match written.outcome {
                Ending::Conflict | Ending::Unresolved => Outcome::Conflict,
                Ending::Different => Outcome::Different,
                Ending::Done | Ending::Unchanged | Ending::Planned => Outcome::Done,
            },
            _ => Outcome::Done,
        }
    }

    /// Prints it.
    ///
    /// # Errors
    ///
    /// As [`Shell::out`].
    pub fn print(&self, shell: &Shell, format: Format) -> io::Result<()> {
        if format == Format::Json {
            return shell.out(self.json());
        }
        match self {
            Self::Script(script) => shell.out(script),
            Self::Written(written) => {
                written.print(shell)?;
                match format {
                    Format::Github => shell.out(annotations::render(written)),
                    Format::Text | Format::Json => Ok(()),
                }
            }
            Self::Inspected(found) => shell.out(inspection::text(
                found,
                shell.verbosity() == Verbosity::Verbose,
            )),
            Self::Listed(components) => shell.out(text::list(components)),
            Self::Shown(details) => shell.out(details.text()),
        }
    }

    /// The JSON document for programs.
    pub fn json(&self) -> String {
        let (command, mut body) = match self {
            Self::Written(written) => (written.command, json!(written)),
            Self::Inspected(found) => ("inspect", json!(found)),
            Self::Listed(components) => ("list", json!({ "components": components })),
            Self::Shown(details) => ("show", json!({ "component": details })),
            Self::Script(script) => ("completions", json!({ "script": script })),
        };
        body["schema_version"] = SCHEMA_VERSION.into();
        body["command"] = command.into();
        document(&body)
    }
}

/// An error as an annotation for GitHub Actions.
pub use annotations::error as error_annotation;

/// An error as a JSON document.
pub fn error_json(error: &anyhow::Error, outcome: Outcome) -> String {
    let causes = error.chain().skip(1).map(ToString::to_string);
    let causes: Vec<String> = causes.map(|cause| cause.trim_end().to_owned()).collect();
    let error =
        json!({ "message": error.to_string(), "causes": causes, "exit_code": outcome.code() });
    document(&json!({ "schema_version": SCHEMA_VERSION, "error": error }))
}

fn document(body: &Json) -> String {
    format!("{body:#}\n")
}

impl FileReport {
    /// What a plan does to each file; with diffs, if requested.
    pub fn from_plan(plan: &Plan, diffs: bool) -> Vec<Self> {
        let diff = |step: &crate::plan::Step| {
            let after = step.after.as_ref().map(|file| file.text.as_str());
            let from = step.from.as_ref().unwrap_or(&step.path);
            let paths = [from, &step.path].map(RelPath::as_str);
            merge::moved_diff(paths, step.before.as_deref(), after)
        };
        // A file that is not text has no diff.
        let shows = |step: &crate::plan::Step| match step.action {
            Action::Create => true,
            action => step.before.is_some() && (action.writes() || step.after.is_some()),
        };
        let line = |step: &crate::plan::Step| {
            let after = step.after.as_ref().map_or("", |file| &file.text);
            merge::first_change(step.before.as_deref()?, after)
        };
        plan.steps
            .iter()
            .map(|step| Self {
                path: step.path.to_string(),
                from: step.from.as_ref().map(ToString::to_string),
                action: step.action,
                why: step.why,
                diff: (diffs && shows(step)).then(|| diff(step)),
                line: line(step).filter(|_| diffs && shows(step)),
                place: None,
                is_unreplaceable: step.is_unreplaceable(),
                is_unrelated: step.is_unrelated(),
            })
            .collect()
    }
}

impl Summary {
    fn new(catalog: &Catalog, component: &Component) -> Self {
        Self {
            own: catalog.origin(&component.name),
            name: component.name.clone(),
            summary: component.summary.clone(),
            preset: component.preset,
            scope: component.scope,
            requires: component.requires.clone(),
            conflicts: component.conflicts.clone(),
            refused: component.existing.refused.clone(),
        }
    }
}

impl QuestionReport {
    fn new(component: &str, question: &Question) -> Self {
        let report = |choice: &Choice| ChoiceReport {
            value: choice.value.clone(),
            help: choice.help.clone(),
        };
        let (kind, choices) = match &question.kind {
            Kind::Choice { choices } => ("choice", choices.iter().map(report).collect()),
            Kind::Text { .. } => ("text", Vec::new()),
            Kind::Bool => ("bool", Vec::new()),
            Kind::Integer { .. } => ("integer", Vec::new()),
        };
        let default_from = question.basis();
        Self {
            key: format!("{component}.{}", question.key),
            prompt: question.prompt.clone(),
            help: question.help.clone(),
            kind,
            default: default_from.is_none().then(|| question.default.clone()),
            default_from,
            choices,
        }
    }
}
