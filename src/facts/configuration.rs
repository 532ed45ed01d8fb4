//! How the program is configured: environment variables, their prefixes, and files.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::evidence::{Evidence, Found};
use super::fallback::{self, Fallback};
use super::listening::annotated_field;
use super::source::{Call, Form, SourceFile, Sources};

/// How a program is configured.
#[derive(Debug, Default, Serialize)]
pub struct Configuration {
    /// Environment variables that it reads, sorted.
    pub environment: Vec<Found<Variable>>,
    /// Prefixes of variables that it reads into its settings.
    pub prefixes: Vec<Found<String>>,
    /// Variables that are read at compile time.
    pub at_build: Vec<Found<String>>,
    /// Configuration files and directories that it reads at run time, relative to the package.
    pub files: Vec<Found<String>>,
}

/// An environment variable.
#[derive(Debug, PartialEq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its default, if the sources have a literal for it.
    pub default: Option<String>,
    /// Whether the variable is optional; none if the sources do not show it.
    pub optional: Option<bool>,
}

/// Finds the configuration in the sources and build scripts of a package in this directory.
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
            // Cargo sets its own variables.
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

/// The same variable, read in two places: combines what they show.
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
    let (name, fallback) = match call.form {
        Form::Attribute => attribute(call, sources)?,
        Form::Function => {
            let reader = Reader::from_call(call)?;
            let mut fallback = fallback::find(call, sources);
            if reader == Reader::Other {
                fallback.optional = fallback.optional.filter(|optional| *optional);
            }
            (sources.text_of(call, 0)?, fallback)
        }
        // clap's builder; with two arguments, it is a command whose environment is set.
        Form::Method if call.name() == "env" && call.arguments.len() == 1 => {
            (sources.text_of(call, 0)?, builder_fallback(call, sources))
        }
        Form::Method | Form::Macro => return None,
    };
    // A name with a lower-case letter or a space is hardly an environment variable.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = !name.is_empty() && name.chars().all(plain) && !name.starts_with("CARGO_");
    is_name.then(|| {
        let Fallback { default, optional } = fallback;
        let variable = Variable {
            name,
            default,
            optional,
        };
        Found::likely(variable, call.file.evidence(call.at))
    })
}

/// The function that reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    /// The standard library's, or one with the same result.
    Std,
    /// Another one, whose result for an unset variable is not known.
    Other,
}

impl Reader {
    /// By the path of a call, or of the import of its name.
    fn from_call(call: &Call<'_>) -> Option<Self> {
        const STD: [&str; 4] = ["env::var", "env::var_os", "dotenv::var", "dotenvy::var"];
        const OTHER: [&str; 2] = ["envmnt::get", "env_var"];
        let is_one_of = |paths: &[&str]| paths.iter().any(|path| call.is(path));
        if is_one_of(&STD) {
            return Some(Self::Std);
        }
        if is_one_of(&OTHER) {
            return Some(Self::Other);
        }
        let is_bare = matches!(call.path.as_str(), "var" | "var_os");
        let import = is_bare.then(|| call.file.import(&call.path))??;
        let is_std = STD.iter().any(|path| {
            let before = import.strip_suffix(path);
            before.is_some_and(|before| before.is_empty() || before.ends_with("::"))
        });
        Some(if is_std { Self::Std } else { Self::Other })
    }
}

/// `.env("PORT").default_value("8080")`, in either order, of clap's builder.
fn builder_fallback(call: &Call<'_>, sources: &Sources) -> Fallback {
    let file = call.file;
    // The argument's own call is shortly before; both are in the chain after that.
    let argument = file
        .calls_before(call.at)
        .find(|before| before.is("Arg::new"));
    let value = argument.and_then(|argument| {
        let mut chain = argument.chain();
        let default =
            chain.find(|next| matches!(next.name(), "default_value" | "default_value_t"))?;
        default.arguments.first().cloned()
    });
    Fallback {
        optional: value.is_some().then_some(true),
        default: value.and_then(|value| sources.literal(file, value)),
    }
}

/// `#[arg(long, env = "PORT")]`, `#[arg(env)] port: u16`, `#[envconfig(from = "PORT")]`
fn attribute(call: &Call<'_>, sources: &Sources) -> Option<(String, Fallback)> {
    const DEFAULTS: [&str; 6] = [
        "default_value_t",
        "default_value",
        "default",
        "default_values_t",
        "default_values",
        "default_value_os_t",
    ];
    let file = call.file;
    let key = match call.name() {
        "arg" | "clap" | "structopt" => "env",
        "envconfig" => "from",
        _ => return None,
    };
    let name = match call.value(key) {
        Some(given) => sources.literal(file, given)?,
        None if call.flag(key) => annotated_field(call)?.1.to_uppercase(),
        None => return None,
    };
    let value = DEFAULTS.iter().find_map(|key| call.value(key));
    // A default that is not a literal is still a default, and so is the type's default.
    let has_default = value.is_some() || DEFAULTS.iter().any(|key| call.flag(key));
    let is_required = call.option("required").map(|at| file.is(at, "true"));
    // An unset flag is off, and a list is empty.
    let may_be_unset = |at| {
        ["Option", "Vec", "bool"]
            .iter()
            .any(|word| file.is(at + 2, word))
    };
    let field = annotated_field(call).map(|(at, _)| may_be_unset(at));
    let fallback = Fallback {
        default: value.and_then(|value| sources.literal(file, value)),
        optional: if has_default {
            Some(true)
        } else {
            is_required.map(|required| !required).or(field)
        },
    };
    Some((name, fallback))
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

/// `File::with_name("config/default")`, `Toml::file("App.toml")`, and other names of existing configuration files.
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
    // `config/{name}`: only the directory is known.
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

/// The literal in `&format!("…")` as the first argument.
fn format_text(call: &Call<'_>) -> Option<String> {
    let argument = call.arguments.first()?.clone();
    let file: &SourceFile = call.file;
    let mut formats = argument.clone().filter(|at| file.is(*at, "format"));
    file.text(formats.next()? + 3)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Sources, find};

    /// The variables that code reads: each with its default, and whether it is optional.
    fn variables(code: &str) -> Vec<(String, Option<String>, Option<bool>)> {
        let sources = Sources::from_text(code);
        let found = find(&sources, &Sources::default(), Path::new("."));
        let found = found.environment.into_iter().map(|found| found.value);
        found.map(|it| (it.name, it.default, it.optional)).collect()
    }

    fn one(
        name: &str,
        default: Option<&str>,
        optional: Option<bool>,
    ) -> Vec<(String, Option<String>, Option<bool>)> {
        vec![(name.to_owned(), default.map(str::to_owned), optional)]
    }

    #[test]
    fn reads_clap_variable_names_from_constants() {
        let code = r#"
            const ADDR: &str = "MY_HTTP_ADDR";
            const DEFAULT: &str = "0.0.0.0:7700";
            struct A { #[arg(long, env = names::ADDR, default_value = DEFAULT)] addr: String }
        "#;
        let expected = one("MY_HTTP_ADDR", Some("0.0.0.0:7700"), Some(true));
        assert_eq!(variables(code), expected);
    }

    #[test]
    fn non_literal_defaults_make_a_variable_optional() {
        for default in [
            "default_value_t = Size::Human",
            "default_value_t",
            "default_values_t = [1, 2]",
        ] {
            let code = format!("struct A {{ #[arg({default}, env = \"SIZE\")] size: Size }}");
            assert_eq!(variables(&code), one("SIZE", None, Some(true)), "{code}");
        }
        let optional = r#"struct A { #[arg(env = "SIZE", required = false)] size: Size }"#;
        assert_eq!(variables(optional), one("SIZE", None, Some(true)));
        let builder = r#"fn f() { Arg::new("size").env("SIZE").default_value(size()); }"#;
        assert_eq!(variables(builder), one("SIZE", None, Some(true)));
    }

    #[test]
    fn recognizes_env_var_by_its_path_or_import() {
        for code in [
            r#"fn f() { std::env::var("A")?; }"#,
            r#"use std::env::var; fn f() { var("A")?; }"#,
            r#"use std::{env::{self, var}, fs}; fn f() { var("A")?; }"#,
            r#"use std::env::var as env_var; fn f() { env_var("A")?; }"#,
        ] {
            assert_eq!(variables(code), one("A", None, Some(false)), "{code}");
        }
        let other = r#"use crates_io_env_vars::{required_var, var}; fn f() { var("A")?; }"#;
        assert_eq!(variables(other), one("A", None, None));
        let none = r#"fn f() { var("x").unwrap(); }"#;
        assert_eq!(variables(none), []);
    }
}
