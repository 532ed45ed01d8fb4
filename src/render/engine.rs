//! The template engine: our delimiters, slots, and an escape that fails closed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, UndefinedBehavior, filters};

use super::context::Context;
use super::format::Format;
use crate::catalog::{Catalog, Component};
use crate::error::Usage;
use crate::names;
use crate::select::Selection;

/// What `<% include "slot:readme.run" %>` begins with.
const SLOT: &str = "slot:";

/// The function that gives the text of a fragment that is nothing but text.
const TEXT: &str = "text";

/// The name under which a text that is no template file is rendered.
const INLINE: &str = "component.toml";

/// The service that whatever is about none in particular speaks of.
pub const FIRST: usize = 0;

/// Renders templates of a catalog.
pub struct Engine<'c> {
    environment: Environment<'c>,
    catalog: &'c Catalog,
    context: &'c Context,
}

/// The name under which the templates' filters find the format of the file that is being rendered; the fragments that it
/// includes are written into it. A template cannot say it.
const FORMAT: &str = "file format";

impl<'c> Engine<'c> {
    /// An engine for the templates of `catalog`, in which the slots are filled by the components of `selection`.
    pub fn new(catalog: &'c Catalog, selection: &Selection<'_>, context: &'c Context) -> Self {
        // With what is added below and nothing else: the rest would be a tenth of the binary.
        let mut environment = Environment::empty();
        environment.set_syntax(delimiters());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // With any escape at all, a captured block counts as escaped already, which it is.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("literal".into()));
        environment.set_formatter(|out, state, value| {
            let text = bare(current(state), value)?;
            out.write_str(&text).map_err(Error::from)
        });
        environment.add_filter("lit", |state: &State<'_, '_>, value: &Value| {
            literal(current(state), value)
        });
        environment.add_filter("items", filters::items);
        environment.add_filter("join", filters::join);
        environment.add_filter("length", filters::length);
        environment.add_filter("replace", filters::replace);
        environment.add_filter("trim", filters::trim);
        environment.add_filter("upper", filters::upper);
        environment.add_test("endingwith", minijinja::tests::is_endingwith);
        environment.add_test("none", minijinja::tests::is_none);
        environment.add_test("bare", |state: &State<'_, '_>, value: &Value| {
            current(state).takes_bare(&value.to_string())
        });
        environment.add_filter("sort_lines", sort_lines);
        environment.add_filter("json_entries", json_entries);
        environment.add_filter("indent", indent);
        environment.add_function("refuse", |why: String| -> Result<Value, Error> {
            let refused = Error::new(ErrorKind::InvalidOperation, "refused");
            Err(refused.with_source(Usage::new(why)))
        });
        environment.add_filter("image_of", |repository: &str, slug: &str| {
            names::image_of(repository, slug)
        });
        environment.add_filter("port_of", |url: &str| names::port_of(url));

        let slots = Arc::new(fragments(catalog, selection));
        let filled = Arc::clone(&slots);
        environment.add_function("filled", move |slot: &str| filled.contains_key(slot));
        let lent = slots.values().flatten().cloned();
        let lent: Arc<BTreeMap<String, Cow<'static, str>>> = Arc::new(lent.collect());
        let texts = Arc::clone(&lent);
        environment.add_function(TEXT, move |fragment: &str| {
            texts
                .get(fragment)
                .map(|text| Value::from_safe_string(text.to_string()))
        });
        environment.set_loader(move |name| match name.strip_prefix(SLOT) {
            Some(slot) => Ok(Some(
                slots
                    .get(slot)
                    .map(|fragments| include_all(fragments))
                    .unwrap_or_default(),
            )),
            None => Ok(lent.get(name).map(ToString::to_string)),
        });
        Self {
            environment,
            catalog,
            context,
        }
    }

    /// Renders a template of the catalog, for a file that is about one of the services.
    ///
    /// # Errors
    ///
    /// [`Usage`] where the template refuses the crate; otherwise names the template, the line, and what is wrong there.
    pub fn render(&self, template: &str, service: usize) -> Result<String> {
        let place = || format!("rendering {}", self.place(template));
        let source = self.catalog.source(template).with_context(place)?;
        if is_text(source) {
            return Ok(source.to_string());
        }
        let context = self.context_for(Format::of_template(template), service);
        // An environment keeps what was included, and hardly anything is included twice: its memory is better used again.
        let environment = self.environment.clone();
        let rendered = environment.render_named_str(template, source, context);
        match rendered.as_ref().err().and_then(refusal) {
            Some(why) => {
                let component = template.split('/').next().unwrap_or(template);
                Err(Usage::new(format!("`{component}` cannot be added here: {why}")).into())
            }
            None => rendered.with_context(place),
        }
    }

    /// Renders a text that stands in a `component.toml`, a default or a command, about one of the services.
    ///
    /// # Errors
    ///
    /// As [`Engine::render`].
    pub fn render_text(&self, text: &str, service: usize) -> Result<String> {
        self.environment
            .render_named_str(INLINE, text, self.context_for(Format::Free, service))
            .with_context(|| format!("rendering `{text}`"))
    }

    fn context_for(&self, format: Format, service: usize) -> Value {
        self.context
            .with(service, FORMAT, Value::from_object(format))
    }

    /// Whether an expression over the context is true of one of the services.
    ///
    /// # Errors
    ///
    /// Where it is no expression, or names what there is not.
    pub fn holds(&self, condition: &str, service: usize) -> Result<bool> {
        Ok(self
            .environment
            .compile_expression(condition)?
            .eval(self.context.value(service))?
            .is_true())
    }

    /// A template as a message names it.
    pub(super) fn place(&self, template: &str) -> String {
        self.catalog.place(template)
    }

    /// What a component says of itself, as a message names it.
    pub(super) fn definition(&self, component: &str) -> String {
        self.place(&format!("{component}/component.toml"))
    }

    /// How many services a file may be about.
    pub(super) fn services(&self) -> usize {
        self.context.services()
    }

    /// The directory of the files that are about one of them, with a slash; empty where that is the only one.
    pub(super) fn directory(&self, service: usize) -> &str {
        self.context.directory(service)
    }
}

/// Whether the templates of a component can be read, whatever is chosen and answered.
///
/// # Errors
///
/// Names the template, the line, and what is wrong there.
pub fn compile(catalog: &Catalog, component: &Component) -> Result<()> {
    let mut environment = Environment::empty();
    environment.set_syntax(delimiters());
    for source in component.sources() {
        let text = catalog.source(source).map_or("", AsRef::as_ref);
        let read = environment.template_from_named_str(source, text);
        if let Err(error) = read {
            let line = error.line().map(|line| format!(":{line}"));
            let (place, line) = (catalog.place(source), line.unwrap_or_default());
            bail!(
                "{place}{line}: {}",
                error.detail().unwrap_or("cannot be read")
            );
        }
    }
    let place = format!("{}/component.toml", component.name);
    let conditions = component
        .files
        .values()
        .filter_map(|file| file.when.as_ref());
    let conditions = conditions.chain(component.next.iter().filter_map(|next| next.when.as_ref()));
    for condition in conditions {
        environment
            .compile_expression(condition)
            .with_context(|| format!("{}: `when = \"{condition}\"`", catalog.place(&place)))?;
    }
    Ok(())
}

/// Delimiters that collide with nothing in Rust, TOML, YAML, GitHub's, Helm's and Grafana's expressions, shell or Dockerfile.
fn delimiters() -> SyntaxConfig {
    let mut syntax = SyntaxConfig::builder();
    syntax
        .block_delimiters("<%", "%>")
        .variable_delimiters("<%=", "%>")
        .comment_delimiters("<%#", "%>");
    syntax
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true);
    #[expect(
        clippy::expect_used,
        reason = "the delimiters are constants, which a test has seen accepted"
    )]
    syntax
        .build()
        .expect("the delimiters differ from each other")
}

/// The path of a fragment's template, and its text.
type Fragment = (String, Cow<'static, str>);

/// What fills each slot, in the order of the components.
fn fragments(catalog: &Catalog, selection: &Selection<'_>) -> BTreeMap<String, Vec<Fragment>> {
    let mut slots: BTreeMap<String, Vec<Fragment>> = BTreeMap::new();
    let lent = selection
        .components
        .iter()
        .flat_map(|component| &component.fragments);
    for (slot, path) in lent {
        if let Some(text) = catalog.source(path) {
            let fragments = slots.entry(slot.clone()).or_default();
            fragments.push((path.clone(), text.clone()));
        }
    }
    slots
}

/// Including each fragment under its own name lets an error name the fragment.
fn include_all(fragments: &[Fragment]) -> String {
    let include = |(path, text): &Fragment| {
        if is_text(text) {
            format!("<%= {TEXT}('{path}') %>")
        } else {
            format!("<% include '{path}' %>")
        }
    };
    fragments.iter().map(include).collect()
}

/// Whether a template is nothing but text, which the engine need not look at.
fn is_text(source: &str) -> bool {
    !source.contains("<%")
}

/// The format that is being written. Without one, the strictest there is: `lit` then has nothing to say.
fn current(state: &State<'_, '_>) -> Format {
    let format = state.lookup(FORMAT);
    let format = format.as_ref().and_then(Value::downcast_object_ref);
    format.copied().unwrap_or(Format::Plain)
}

/// What goes into the output for an expression without a filter: only what cannot be misread.
fn bare(format: Format, value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "the value is undefined",
        ));
    }
    let text = value.to_string();
    // What was rendered already, and numbers and booleans, mean in every format what they say.
    let plain = value.is_safe() || value.is_number() || value.kind() == ValueKind::Bool;
    if plain || format.takes_bare(&text) {
        return Ok(text);
    }
    let text = text.escape_debug();
    let detail = format!("`{text}` is no plain token in {format}: pass it through `| lit`");
    Err(Error::new(ErrorKind::BadEscape, detail))
}

/// What `refuse` was called with, where that is why a template was not rendered.
fn refusal(error: &Error) -> Option<String> {
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(error) = cause {
        if let Some(why) = error.downcast_ref::<Usage>() {
            return Some(why.to_string());
        }
        cause = error.source();
    }
    None
}

/// The filter `lit`: a literal of the format that is being written.
fn literal(format: Format, value: &Value) -> Result<Value, Error> {
    let text = value.to_string();
    let none = || {
        let text = text.escape_debug();
        Error::new(
            ErrorKind::BadEscape,
            format!("{format} has no literal for `{text}`"),
        )
    };
    Ok(Value::from_safe_string(
        format.literal(&text).ok_or_else(none)?,
    ))
}

/// The filter `sort_lines`: what rustfmt would do to a list of modules or imports.
fn sort_lines(text: &str) -> Value {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    Value::from_safe_string(lines.concat())
}

/// The filter `indent`: moves each line that is not empty so many spaces to the right.
fn indent(text: &str, width: usize) -> Value {
    let lines = text.split_inclusive('\n');
    let moved = lines.map(|line| match line.trim() {
        "" => line.to_owned(),
        _ => " ".repeat(width) + line,
    });
    Value::from_safe_string(moved.collect())
}

/// The filter `json_entries`: puts commas between what several fragments add to an object or to a list. Those of an object,
/// which begin with their key, are sorted by it.
fn json_entries(text: &str) -> Value {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let outermost = text.lines().map(indent).min().unwrap_or_default();
    let mut entries: Vec<String> = Vec::new();
    for line in text.lines() {
        let begins = indent(line) == outermost && !line.trim_start().starts_with(['}', ']']);
        match entries.last_mut() {
            Some(entry) if !begins => {
                entry.push('\n');
                entry.push_str(line);
            }
            _ => entries.push(line.to_owned()),
        }
    }
    // A list's entries begin with a brace, and stay in their order.
    entries.sort_by(|a, b| key(a).cmp(&key(b)));
    let joined = entries.join(",\n");
    let end = if joined.is_empty() { "" } else { "\n" };
    Value::from_safe_string(joined + end)
}

/// The key at the beginning of an entry, if it has one.
fn key(entry: &str) -> Option<&str> {
    Some(entry.trim_start().strip_prefix('"')?.split_once("\":")?.0)
}

#[cfg(test)]
mod tests {
    use super::json_entries;

    #[test]
    fn entries_of_json_get_their_order_and_commas() {
        let object = "  \"b/c\": {\n    \"x\": 1\n  }\n  \"b\": 2\n  \"a\": [\n    3\n  ]\n";
        assert_eq!(
            json_entries(object).to_string(),
            "  \"a\": [\n    3\n  ],\n  \"b\": 2,\n  \"b/c\": {\n    \"x\": 1\n  }\n"
        );
        assert_eq!(
            json_entries("  { \"b\": 1 }\n  { \"a\": 2 }\n").to_string(),
            "  { \"b\": 1 },\n  { \"a\": 2 }\n"
        );
        assert_eq!(json_entries("").to_string(), "");
    }
}
