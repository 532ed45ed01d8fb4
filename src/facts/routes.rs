//! The routes for the platform: liveness, readiness and metrics; and whether there is a gRPC health service.
//!
//! Their names and forms are data, in `routes.toml` beside this file.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use super::evidence::{Certainty, Found};
use super::source::{Call, Form, SourceFile, Sources};

/// The routes of a program that the platform requests.
#[derive(Debug, Default, Serialize)]
pub struct Routes {
    /// The path that responds as long as the process is alive.
    pub liveness: Option<Found<String>>,
    /// The path that responds while it can take requests.
    pub readiness: Option<Found<String>>,
    /// The path of its Prometheus metrics.
    pub metrics: Option<Found<String>>,
    /// Whether there is a gRPC health service.
    pub grpc_health: Option<Found<bool>>,
}

/// The data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    liveness: Vec<String>,
    readiness: Vec<String>,
    metrics: Vec<String>,
    methods: Vec<String>,
    functions: Vec<String>,
    attributes: Vec<String>,
    nests: Vec<String>,
    hands_on: Vec<String>,
    grpc_health: Vec<String>,
}

/// Finds the routes in the sources.
///
/// # Errors
///
/// If the data is malformed, which a test rules out.
pub fn find(sources: &Sources) -> Result<Routes> {
    let table: Table = toml_edit::de::from_str(include_str!("routes.toml"))
        .context("reading the table of routes")?;
    let finder = Finder {
        sources,
        table: &table,
    };
    let mut routes = Routes::default();
    let mut found: Vec<Found<String>> = Vec::new();
    for file in &sources.files {
        for call in file.calls() {
            // Finding a route's prefix takes time, and most routes are none of these.
            let path = table
                .path_of(&call, sources)
                .filter(|(_, path)| table.is_platform_route(path));
            found.extend(path.map(|(at, path)| finder.route(file, at, &path)));
            if table.grpc_health.iter().any(|path| call.is(path)) {
                let evidence = file.evidence(call.at);
                routes
                    .grpc_health
                    .get_or_insert(Found::likely(true, evidence));
            }
        }
    }
    routes.liveness = best_match(&found, &table.liveness);
    routes.readiness = best_match(&found, &table.readiness);
    routes.metrics = best_match(&found, &table.metrics);
    Ok(routes)
}

/// The last segment of a path.
fn last_segment(path: &str) -> &str {
    path.rsplit('/')
        .find(|segment| !segment.is_empty())
        .unwrap_or_default()
}

/// The first of the names that match the end of a route.
fn best_match(routes: &[Found<String>], names: &[String]) -> Option<Found<String>> {
    names.iter().find_map(|name| {
        let ends = |route: &&Found<String>| last_segment(&route.value) == *name;
        // The shortest path is the one that does not belong to a resource.
        routes
            .iter()
            .filter(ends)
            .min_by_key(|route| route.value.len())
            .cloned()
    })
}

impl Table {
    fn is_platform_route(&self, path: &str) -> bool {
        let last = last_segment(path);
        let all = [&self.liveness, &self.readiness, &self.metrics];
        all.into_iter().flatten().any(|name| name == last)
    }

    fn nests(&self, call: &Call<'_>) -> bool {
        self.nests.iter().any(|name| name == call.name())
    }

    /// The path that a call defines a route for, and the index of its literal.
    fn path_of(&self, call: &Call<'_>, sources: &Sources) -> Option<(usize, String)> {
        let names = match call.form {
            Form::Method => &self.methods,
            Form::Function => &self.functions,
            Form::Attribute => &self.attributes,
            Form::Macro if call.is("path") => {
                // `path!("health" / "live")`
                let range = call.arguments.first()?.clone();
                let parts: Option<Vec<String>> =
                    range.step_by(2).map(|at| call.file.text(at)).collect();
                return Some((call.at, format!("/{}", parts?.join("/"))));
            }
            Form::Macro => return None,
        };
        names.iter().find(|name| call.is(name))?;
        let path = sources.text_of(call, 0)?;
        let path = path.split('?').next().unwrap_or_default();
        // In poem and salvo the first slash is optional; a text with a space is not a path.
        let plain = !path.is_empty() && !path.contains([' ', ':', '\n']);
        plain.then(|| {
            (
                call.arguments[0].start,
                format!("/{}", path.trim_matches('/')),
            )
        })
    }
}

struct Finder<'s> {
    sources: &'s Sources,
    table: &'s Table,
}

impl<'s> Finder<'s> {
    /// The route with its prefix, if it is nested in another router.
    fn route(&self, file: &'s SourceFile, at: usize, path: &str) -> Found<String> {
        let mut evidence = vec![file.evidence(at)];
        let mut whole = path.to_owned();
        let mut certainty = Certainty::Likely;
        // First what surrounds the literal in its expression, then what surrounds a call of the function that it is in.
        let mut place = (file, at);
        for _ in 0..4 {
            if let Some((nest, prefix)) = self.nest_around(place.0, place.1) {
                whole = join(&prefix, &whole);
                evidence.push(place.0.evidence(nest));
                place.1 = nest;
                continue;
            }
            let Some(next) =
                function_around(place.0, place.1).and_then(|name| self.nested_call(place.0, name))
            else {
                break;
            };
            place = next;
        }
        if evidence.len() > 1 {
            certainty = Certainty::Guess;
        }
        Found::new(whole, certainty, evidence)
    }

    /// `nest("/api", …)` with an index among its arguments, or `scope("/api")` before it in the same chain.
    fn nest_around(&self, file: &SourceFile, at: usize) -> Option<(usize, String)> {
        let nests = file
            .calls()
            .filter(|call| call.at < at && self.table.nests(call));
        let around = nests.filter(|call| {
            let inside = call
                .arguments
                .iter()
                .skip(1)
                .any(|argument| argument.contains(&at));
            // `web::scope("/api").service(…)`: whatever follows in the chain is nested.
            let chain =
                call.name() == "scope" && call.chain().last().is_some_and(|last| last.end > at);
            inside || chain
        });
        let nest = around.last()?;
        Some((nest.at, self.sources.text_of(&nest, 0)?))
    }

    /// Where a function of a file is used in a nesting call.
    fn nested_call(&self, home: &SourceFile, name: &str) -> Option<(&'s SourceFile, usize)> {
        self.sources.files.iter().find_map(|file| {
            let hands_on =
                |call: &Call<'_>| self.table.hands_on.iter().any(|name| name == call.name());
            file.calls().filter(hands_on).find_map(|call| {
                let mut inside = call.arguments.iter().cloned().flatten();
                let is_use =
                    |at: &usize| file.name(*at) == Some(name) && may_refer_to(file, *at, home);
                let at = inside.find(is_use)?;
                self.nest_around(file, at).map(|_| (file, at))
            })
        })
    }
}

/// Whether the name at an index may refer to an item of another file: many files have a function `router`. The first name of
/// `users::router` or `Users::router` is that of the file or of a type in it; an unqualified name is the file's own, or imported.
fn may_refer_to(file: &SourceFile, at: usize, home: &SourceFile) -> bool {
    let qualifier = at
        .checked_sub(3)
        .filter(|_| file.is(at - 1, ":"))
        .and_then(|at| file.name(at));
    match qualifier {
        Some("self" | "Self") => file.display_path == home.display_path,
        Some(qualifier) => {
            let of_type = |at: usize| home.is(at, "impl") && home.is(at + 1, qualifier);
            qualifier == home.module() || home.indices().any(of_type)
        }
        None => file.display_path == home.display_path || file.imports(home.module()),
    }
}

fn join(prefix: &str, path: &str) -> String {
    let prefix = prefix.trim_matches('/');
    if prefix.is_empty() {
        path.to_owned()
    } else {
        format!("/{prefix}{path}")
    }
}

/// The name of the function that an index is in, or that an attribute belongs to.
fn function_around(file: &SourceFile, at: usize) -> Option<&str> {
    let mut name = None;
    for start in file.indices() {
        if !file.is(start, "fn") {
            continue;
        }
        let end = file.end_of(start);
        if start < at && at < end {
            name = file.name(start + 1);
        } else if start > at {
            // After an attribute, the next function is the one that it belongs to, if no item has ended in between.
            let between = |word| (at..start).any(|at| file.is(at, word));
            let own = !between(";") && !between("}");
            return if own { file.name(start + 1) } else { name };
        }
    }
    name
}
