//! How the program is configured: environment variables, prefixes of such, and files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::found::{Evidence, Found};
use super::listening::field_below;
use super::source::{Call, Form, SourceFile, Sources};

/// How a program is configured.
#[derive(Debug, Default, Serialize)]
pub struct Configuration {
    /// Environment variables that it reads, sorted.
    pub environment: Vec<Found<Variable>>,
    /// Beginnings of the names of variables that it takes into its settings.
    pub prefixes: Vec<Found<String>>,
    /// Variables that are read while it is compiled.
    pub at_build: Vec<Found<String>>,
    /// Files and directories of configuration that it reads when it runs, below the package.
    pub files: Vec<Found<String>>,
}

/// An environment variable.
#[derive(Debug, PartialEq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What is taken where it is not set, where the sources say so in a literal.
    pub default: Option<String>,
    /// Whether the program does without it; none where the sources do not show it.
    pub optional: Option<bool>,
}

/// Finds it in the sources and build scripts of a package in this directory.
pub fn find(sources: &Sources, scripts: &Sources, directory: &Path) -> Configuration {
    let mut found = Configuration::default();
    let mut variables: BTreeMap<String, Found<Variable>> = BTreeMap::new();
    for call in sources.calls() {
        if let Some(variable) = variable(&call, sources) {
            match variables.get_mut(&variable.value.name) {
                Some(known) => merge(known, variable),
                None => drop(variables.insert(variable.value.name.clone(), variable)),
            }
        }
        let evidence = || call.file.evidence(call.at);
        if let Some(prefix) = prefix(&call) {
            add(&mut found.prefixes, prefix, evidence());
        }
        if call.form == Form::Macro && (call.is("env") || call.is("option_env")) {
            // Cargo sets its own.
            let name = call
                .text(0)
                .filter(|name| !name.starts_with("CARGO") && name != "OUT_DIR")
                .filter(|name| !is_set_by(scripts, name));
            if let Some(name) = name {
                add(&mut found.at_build, name, evidence());
            }
        }
        if let Some(file) = file(&call, directory) {
            add(&mut found.files, file, evidence());
        }
    }
    found.environment = variables.into_values().collect();
    found
}

/// Whether a build script sets a variable for the compiler: `println!("cargo::rustc-env=NAME={value}")`.
fn is_set_by(scripts: &Sources, name: &str) -> bool {
    let set = format!("rustc-env={name}=");
    let mut texts = scripts
        .files
        .iter()
        .flat_map(|file| (file.indices()).filter_map(|at| file.text(at)));
    texts.any(|text| text.contains(&set))
}

fn add(list: &mut Vec<Found<String>>, value: String, evidence: Evidence) {
    match list.iter_mut().find(|known| known.value == value) {
        Some(known) => known.evidence.push(evidence),
        None => list.push(Found::likely(value, evidence)),
    }
}

/// The same variable, read in two places: what one of them shows counts.
fn merge(known: &mut Found<Variable>, other: Found<Variable>) {
    known.evidence.extend(other.evidence);
    let Variable {
        default, optional, ..
    } = other.value;
    known.value.default = known.value.default.take().or(default);
    known.value.optional = match (known.value.optional, optional) {
        (Some(a), Some(b)) => Some(a && b),
        (a, b) => a.or(b),
    };
}

/// The variable that a call reads.
fn variable(call: &Call<'_>, sources: &Sources) -> Option<Found<Variable>> {
    if call.form == Form::Attribute {
        return attribute(call);
    }
    let reads = match call.form {
        Form::Function => {
            [
                "env::var",
                "env::var_os",
                "dotenv::var",
                "dotenvy::var",
                "envmnt::get",
                "env_var",
            ]
            .iter()
            .any(|path| call.is(path))
                || call.path == "var"
        }
        // clap's builder; with two arguments it is a command that gets one.
        Form::Method => call.name() == "env" && call.arguments.len() == 1,
        Form::Macro | Form::Attribute => false,
    };
    let file = call.file;
    let name = reads.then(|| sources.text_of(call, 0))??;
    // A name with a small letter or a blank is hardly one of the environment.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = !name.is_empty() && name.chars().all(plain) && !name.starts_with("CARGO_");
    let (default, optional) = match call.form {
        Form::Method => (builder_default(call), None),
        _ => fallback(call),
    };
    is_name.then(|| {
        let variable = Variable {
            name,
            default,
            optional,
        };
        Found::likely(variable, file.evidence(call.at))
    })
}

/// What a read falls back to: `.unwrap_or_else(|_| "8080".to_owned())`, and whether the program ends without it.
fn fallback(call: &Call<'_>) -> (Option<String>, Option<bool>) {
    let file = call.file;
    if file.is(call.end + 1, "?") {
        return (None, Some(false));
    }
    for next in call.chain() {
        match next.name() {
            "unwrap" | "expect" => return (None, Some(false)),
            "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" | "map_or" | "or_else" => {
                return (
                    literal(file, next.arguments.iter().cloned().flatten()),
                    Some(true),
                );
            }
            "ok" | "is_ok" | "is_err" | "is_some" => return (None, Some(true)),
            "map_err" | "context" | "with_context" | "and_then" | "parse" | "map" => {}
            _ => return (None, None),
        }
        if file.is(next.end + 1, "?") {
            return (None, Some(false));
        }
    }
    // `if let Ok(port) = env::var("PORT")`
    let ends = |at: &usize| [";", "{", "}"].iter().any(|word| file.is(*at, word));
    let mut before = (0..call.at).rev().take_while(|at| !ends(at));
    let optional = before.any(|at| file.is(at, "if") || file.is(at, "while"));
    (None, optional.then_some(true))
}

/// `.env("PORT").default_value("8080")`, in either order, of clap's builder.
fn builder_default(call: &Call<'_>) -> Option<String> {
    let file = call.file;
    // The argument's own call is a little before, and the chain behind that holds both.
    let start = file
        .calls_before(call.at)
        .find(|before| before.is("Arg::new"))?;
    let default = start
        .chain()
        .find(|next| matches!(next.name(), "default_value" | "default_value_t"))?;
    literal(file, default.arguments.iter().cloned().flatten())
}

/// The first text or number among these tokens.
fn literal(file: &SourceFile, mut tokens: impl Iterator<Item = usize>) -> Option<String> {
    tokens.find_map(|at| {
        file.text(at)
            .or_else(|| file.number(at).map(|number| number.to_string()))
    })
}

/// `#[arg(long, env = "PORT")]`, `#[arg(env)] port: u16`, `#[envconfig(from = "PORT")]`
fn attribute(call: &Call<'_>) -> Option<Found<Variable>> {
    let file = call.file;
    let key = match call.name() {
        "arg" | "clap" | "structopt" => "env",
        "envconfig" => "from",
        _ => return None,
    };
    let given = call.option(key).and_then(|at| file.text(at));
    let name = match given {
        Some(name) => name,
        None if call.flag(key) => field_below(call)?.1.to_uppercase(),
        None => return None,
    };
    let default = ["default_value_t", "default_value", "default"]
        .iter()
        .find_map(|key| {
            let at = call.option(key)?;
            file.text(at)
                .or_else(|| file.number(at).map(|number| number.to_string()))
        });
    // A flag that is not set is off, and a list is empty.
    let does_without = |at| {
        ["Option", "Vec", "bool"]
            .iter()
            .any(|word| file.is(at + 2, word))
    };
    let optional = field_below(call).map(|(at, _)| does_without(at));
    let optional = if default.is_some() {
        Some(true)
    } else {
        optional
    };
    let variable = Variable {
        name,
        default,
        optional,
    };
    Some(Found::likely(variable, file.evidence(call.at)))
}

/// `Environment::with_prefix("APP")` of config, `Env::prefixed("APP_")` of figment, `envy::prefixed("APP_")`
fn prefix(call: &Call<'_>) -> Option<String> {
    let takes = [
        "Environment::with_prefix",
        "Env::prefixed",
        "envy::prefixed",
    ];
    takes.iter().find(|path| call.is(path))?;
    call.text(0)
}

/// `File::with_name("config/default")`, `Toml::file("App.toml")`, and what names a file of configuration that is there.
fn file(call: &Call<'_>, directory: &Path) -> Option<String> {
    let takes = [
        "File::with_name",
        "File::from",
        "Toml::file",
        "Yaml::file",
        "Json::file",
        "dotenvy::from_filename",
    ];
    takes.iter().find(|path| call.is(path))?;
    let name = call.text(0).or_else(|| format_text(call))?;
    let name = name.trim_start_matches("./");
    // `config/{name}`: the directory is what is known of it.
    let fixed = name.split('{').next().unwrap_or_default();
    let known = if fixed.len() < name.len() {
        fixed.rsplit_once('/')?.0
    } else {
        name
    };
    let path = directory.join(known);
    let is_there = path.exists()
        || ["toml", "yaml", "yml", "json"]
            .iter()
            .any(|ending| path.with_extension(ending).is_file());
    (is_there && !known.is_empty()).then(|| known.to_owned())
}

/// The literal of `&format!("…")` as the first argument.
fn format_text(call: &Call<'_>) -> Option<String> {
    let argument = call.arguments.first()?.clone();
    let file: &SourceFile = call.file;
    let mut formats = argument.clone().filter(|at| file.is(*at, "format"));
    file.text(formats.next()? + 3)
}
