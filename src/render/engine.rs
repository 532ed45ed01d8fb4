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

/// The prefix in `<% include "slot:readme.run" %>`.
const SLOT: &str = "slot:";

/// The function that returns the text of a fragment without template syntax.
const TEXT: &str = "text";

/// The name of templates that are not in a file of their own.
const INLINE: &str = "component.toml";

/// The service that is used where none in particular is meant.
pub const FIRST_SERVICE: usize = 0;

/// Renders the templates of a catalog.
pub struct Engine<'c> {
    environment: Environment<'c>,
    catalog: &'c Catalog,
    context: &'c Context,
}

/// The name under which filters find the format of the file being rendered, which also applies to included fragments. It is not
/// valid in a template.
const FORMAT: &str = "file format";

impl<'c> Engine<'c> {
    /// An engine for the templates of `catalog`, with the slots filled by the components of `selection`.
    pub fn new(catalog: &'c Catalog, selection: &Selection<'_>, context: &'c Context) -> Self {
        // Only with what is added below: the rest would be a tenth of the binary.
        let mut environment = Environment::empty();
        environment.set_syntax(delimiters());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // With auto-escaping on, a captured block counts as escaped already, which it is.
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("literal".into()));
        environment.set_formatter(|out, state, value| {
            let text = bare(current_format(state), value)?;
            out.write_str(&text).map_err(Error::from)
        });
        environment.add_filter("lit", |state: &State<'_, '_>, value: &Value| {
            literal(current_format(state), value)
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
            current_format(state).allows_bare(&value.to_string())
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

    /// Renders a template of the catalog, for a file about one of the services.
    ///
    /// # Errors
    ///
    /// [`Usage`] if the template refuses the crate; otherwise names the template, the line, and what is wrong there.
    pub fn render(&self, template: &str, service: usize) -> Result<String> {
        let place = || format!("rendering {}", self.display_path(template));
        let source = self.catalog.source(template).with_context(place)?;
        if is_text(source) {
            return Ok(source.to_string());
        }
        let context = self.context_for(Format::for_template(template), service);
        // An environment caches what it includes, although hardly anything is included twice: a clone is dropped along with its cache.
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

    /// Renders a text in a `component.toml`, such as a default or a command, for one of the services.
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

    /// Whether an expression over the context is true for one of the services.
    ///
    /// # Errors
    ///
    /// If it is not an expression, or uses an undefined name.
    pub fn holds(&self, condition: &str, service: usize) -> Result<bool> {
        Ok(self
            .environment
            .compile_expression(condition)?
            .eval(self.context.value(service))?
            .is_true())
    }

    /// A template as shown in messages.
    pub(super) fn display_path(&self, template: &str) -> String {
        self.catalog.display_path(template)
    }

    /// A component's definition as shown in messages.
    pub(super) fn definition(&self, component: &str) -> String {
        self.display_path(&format!("{component}/component.toml"))
    }

    /// The number of services that a file may be for.
    pub(super) fn services(&self) -> usize {
        self.context.services()
    }

    /// The directory of the files for a service, with a slash; empty if there is only one service.
    pub(super) fn directory(&self, service: usize) -> &str {
        self.context.directory(service)
    }
}

/// Checks the syntax of a component's templates, independently of selection and answers.
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
            let (place, line) = (catalog.display_path(source), line.unwrap_or_default());
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
        environment.compile_expression(condition).with_context(|| {
            format!("{}: `when = \"{condition}\"`", catalog.display_path(&place))
        })?;
    }
    Ok(())
}

/// Delimiters that do not collide with Rust, TOML, YAML, the expressions of GitHub, Helm and Grafana, shell or a Dockerfile.
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

/// The fragments in each slot, in the order of the components.
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

/// Each fragment is included under its own name, so that errors can name it.
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

/// Whether a template has no template syntax, so that the engine can skip it.
fn is_text(source: &str) -> bool {
    !source.contains("<%")
}

/// The format being written. Without one, the strictest applies, for which `lit` has no literals.
fn current_format(state: &State<'_, '_>) -> Format {
    let format = state.lookup(FORMAT);
    let format = format.as_ref().and_then(Value::downcast_object_ref);
    format.copied().unwrap_or(Format::Plain)
}

/// The output of an expression without a filter: only allowed if it cannot be misread.
fn bare(format: Format, value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "the value is undefined",
        ));
    }
    let text = value.to_string();
    // Rendered text, numbers and booleans are valid in every format.
    let plain = value.is_safe() || value.is_number() || value.kind() == ValueKind::Bool;
    if plain || format.allows_bare(&text) {
        return Ok(text);
    }
    let text = text.escape_debug();
    let detail = format!("`{text}` is not a plain token in {format}: pass it through `| lit`");
    Err(Error::new(ErrorKind::BadEscape, detail))
}

/// The argument of `refuse`, if that is why rendering failed.
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

/// The filter `lit`: a literal in the format being written.
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

/// The filter `sort_lines`: sorts like rustfmt sorts modules and imports.
fn sort_lines(text: &str) -> Value {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    Value::from_safe_string(lines.concat())
}

/// The filter `indent`: indents each line that is not empty by a number of spaces.
fn indent(text: &str, width: usize) -> Value {
    let lines = text.split_inclusive('\n');
    let moved = lines.map(|line| match line.trim() {
        "" => line.to_owned(),
        _ => " ".repeat(width) + line,
    });
    Value::from_safe_string(moved.collect())
}

/// The filter `json_entries`: adds commas between the entries that several fragments add to an object or a list. Those of an
/// object, which start with their key, are sorted by it.
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
    // The entries of a list start with a brace, and keep their order.
    entries.sort_by(|a, b| key(a).cmp(&key(b)));
    let joined = entries.join(",\n");
    let end = if joined.is_empty() { "" } else { "\n" };
    Value::from_safe_string(joined + end)
}

/// The key at the start of an entry, if it has one.
fn key(entry: &str) -> Option<&str> {
    Some(entry.trim_start().strip_prefix('"')?.split_once("\":")?.0)
}

#[cfg(test)]
mod tests {
    use super::json_entries;

    #[test]
    fn json_entries_are_sorted_and_separated_by_commas() {
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
