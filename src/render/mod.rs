//! From a selection and its answers to the files to write.

mod context;
mod engine;
mod format;
mod manifest;
pub mod membership;

use anyhow::{Context as _, Result};
use serde::Serialize;

pub use context::Context;
pub use engine::{Engine, FIRST_SERVICE, compile};
pub(crate) use manifest::{dependency, is_dependency, section_rank};

use crate::catalog::{Component, Each, Exception, Next, Template};
use crate::select::Selection;
use crate::threads;
use crate::tree::{File, RelPath, Tree};

/// Renders the files of `selection`.
///
/// # Errors
///
/// If a template fails, with its path and line, or if the components' fragments of `Cargo.toml` contradict each other.
pub fn render(engine: &Engine<'_>, selection: &Selection<'_>) -> Result<Tree> {
    let mut tree = Tree::new();
    for (path, file) in threads::try_map(&files(engine, selection)?, |file| file.render(engine))? {
        if let Some(other) = tree.insert(path.clone(), file) {
            let component = &tree[&path].component;
            anyhow::bail!(
                "`{}` and `{component}` both write `{path}`",
                other.component
            );
        }
    }
    let mut fragments = Vec::new();
    for component in &selection.components {
        if let Some(source) = &component.manifest {
            fragments.push((
                engine.display_path(source),
                engine.render(source, FIRST_SERVICE)?,
            ));
        }
    }
    if !fragments.is_empty() {
        let text = manifest::compose(&fragments)?;
        tree.insert(RelPath::new("Cargo.toml")?, File::of_project(text));
    }
    Ok(tree)
}

/// A file that a component writes.
struct Planned<'c> {
    component: &'c Component,
    template: &'c Template,
    /// The index of the service that it is for.
    service: usize,
}

/// The files whose conditions hold.
fn files<'c>(engine: &Engine<'_>, selection: &Selection<'c>) -> Result<Vec<Planned<'c>>> {
    let mut files = Vec::new();
    for &component in &selection.components {
        for template in &component.templates {
            let exception = component.exception(&template.path);
            let each = exception.is_some_and(|exception| exception.each.is_some());
            let count = if each { engine.services() } else { 1 };
            for service in FIRST_SERVICE..count {
                let file = Planned {
                    component,
                    template,
                    service,
                };
                if file.is_wanted(engine)? {
                    files.push(file);
                }
            }
        }
    }
    Ok(files)
}

impl Planned<'_> {
    fn exception(&self) -> Option<&Exception> {
        self.component.exception(&self.template.path)
    }

    fn is_wanted(&self, engine: &Engine<'_>) -> Result<bool> {
        let condition = self.exception().and_then(|file| file.when.as_deref());
        let Some(condition) = condition else {
            return Ok(true);
        };
        let (path, component) = (&self.template.path, &self.component.name);
        engine.holds(condition, self.service).with_context(|| {
            let place = engine.definition(component);
            format!("reading `when` of `{path}` in {place}")
        })
    }

    fn render(&self, engine: &Engine<'_>) -> Result<(RelPath, File)> {
        let exception = self.exception();
        let file = File {
            text: engine.render(&self.template.source, self.service)?,
            executable: exception.is_some_and(|exception| exception.executable),
            class: exception
                .map(|exception| exception.class)
                .unwrap_or_default(),
            component: self.component.name.clone(),
        };
        Ok((self.path(engine)?, file))
    }

    /// Its path: a file for one of several services goes into that service's directory.
    fn path(&self, engine: &Engine<'_>) -> Result<RelPath> {
        let path = &self.template.path;
        let about = self.exception().and_then(|exception| exception.each);
        let directory = about.map_or("", |Each::Service| engine.directory(self.service));
        if directory.is_empty() {
            return Ok(path.clone());
        }
        let path = path.as_str();
        let (above, name) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
        Ok(RelPath::new(format!("{above}{directory}{name}"))?)
    }
}

/// Lines for the user's own sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wiring {
    /// The component whose code they start.
    #[serde(skip)]
    pub component: String,
    /// Where they go, as a text.
    pub at: String,
    /// The lines.
    pub code: String,
}

/// Renders the lines that the components' code needs in the user's own sources.
///
/// # Errors
///
/// As [`render`].
pub fn wiring(engine: &Engine<'_>, selection: &Selection<'_>) -> Result<Vec<Wiring>> {
    let mut wiring = Vec::new();
    for component in &selection.components {
        let name = &component.name;
        let place = || format!("reading [[existing.wire]] in {}", engine.definition(name));
        for wire in &component.existing.wire {
            for service in FIRST_SERVICE..engine.services() {
                let condition = wire.when.as_deref().unwrap_or("true");
                let is_here = engine.holds("crate.here", service)?;
                if is_here && engine.holds(condition, service).with_context(place)? {
                    let render = |text| engine.render_text(text, service).with_context(place);
                    wiring.push(Wiring {
                        component: name.clone(),
                        at: render(&wire.at)?,
                        code: render(&wire.code)?,
                    });
                }
            }
        }
    }
    Ok(wiring)
}

/// A command to run next.
#[derive(Clone, Debug, Serialize)]
pub struct NextStep {
    /// The component that suggests it, if any.
    #[serde(skip)]
    pub component: Option<String>,
    /// The command.
    pub command: String,
    /// What it does.
    pub why: String,
}

/// Renders the commands that the components of a selection suggest to run next.
///
/// # Errors
///
/// As [`render`].
pub fn next_steps(engine: &Engine<'_>, selection: &Selection<'_>) -> Result<Vec<NextStep>> {
    let step = |component: &str, next: &Next| -> Result<NextStep> {
        let place = || format!("reading [[next]] in {}", engine.definition(component));
        let command = engine
            .render_text(&next.command, FIRST_SERVICE)
            .with_context(place)?;
        let why = engine
            .render_text(&next.why, FIRST_SERVICE)
            .with_context(place)?;
        Ok(NextStep {
            component: Some(component.to_owned()),
            command,
            why,
        })
    };
    let mut steps = Vec::new();
    for component in &selection.components {
        for next in &component.next {
            let condition = next.when.as_deref();
            if condition.map_or(Ok(true), |condition| engine.holds(condition, FIRST_SERVICE))? {
                steps.push(step(&component.name, next)?);
            }
        }
    }
    Ok(steps)
}
