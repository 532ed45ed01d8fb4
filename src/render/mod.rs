//! From a selection and its answers to the files that are to be.

mod context;
mod engine;
mod format;
mod manifest;
pub mod membership;

use anyhow::{Context as _, Result};

pub use context::Context;
pub use engine::Engine;

use crate::catalog::Next;
use crate::select::Selection;
use crate::tree::{File, RelPath, Tree};

/// Renders what `selection` writes.
///
/// # Errors
///
/// Where a template fails, with its path and line, or where the components' pieces of `Cargo.toml` contradict each other.
pub fn render(engine: &Engine<'_>, selection: &Selection<'_>) -> Result<Tree> {
    let mut tree = Tree::new();
    for component in &selection.components {
        for template in &component.templates {
            let exception = component.exception(&template.path);
            if let Some(condition) = exception.and_then(|exception| exception.when.as_deref()) {
                let place = || {
                    format!(
                        "reading `when` of `{}` in templates/{}/component.toml",
                        template.path, component.name
                    )
                };
                if !engine.holds(condition).with_context(place)? {
                    continue;
                }
            }
            let file = File {
                text: engine.render(&template.source)?,
                executable: exception.is_some_and(|exception| exception.executable),
                class: exception
                    .map(|exception| exception.class)
                    .unwrap_or_default(),
                component: component.name.clone(),
            };
            if let Some(other) = tree.insert(template.path.clone(), file) {
                anyhow::bail!(
                    "`{}` and `{}` both write `{}`",
                    other.component,
                    component.name,
                    template.path
                );
            }
        }
    }
    let mut pieces = Vec::new();
    for component in &selection.components {
        if let Some(source) = &component.manifest {
            pieces.push((component.name.as_str(), engine.render(source)?));
        }
    }
    if !pieces.is_empty() {
        // It is every component's, and so none's.
        let component = "project".to_owned();
        let text = manifest::compose(&pieces)?;
        tree.insert(
            RelPath::new("Cargo.toml")?,
            File {
                text,
                executable: false,
                class: crate::tree::Class::Shared,
                component,
            },
        );
    }
    Ok(tree)
}

/// Renders what to type next: commands, each with what it does.
///
/// # Errors
///
/// As [`render`].
pub fn next_steps(engine: &Engine<'_>, selection: &Selection<'_>) -> Result<Vec<(String, String)>> {
    let step = |component: &str, next: &Next| {
        let place = || format!("reading [[next]] in templates/{component}/component.toml");
        let command = engine.render_text(&next.command).with_context(place)?;
        let why = engine.render_text(&next.why).with_context(place)?;
        Ok((command, why))
    };
    let steps = selection
        .components
        .iter()
        .flat_map(|component| component.next.iter().map(move |next| (component, next)));
    steps
        .map(|(component, next)| step(&component.name, next))
        .collect()
}
