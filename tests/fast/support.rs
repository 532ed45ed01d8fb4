//! What the tests share: projects drafted in memory, and the program run as a user runs it.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use cargo_prodify::answers::{Answers, GivenAnswers};
use cargo_prodify::catalog::{Catalog, Scope};
use cargo_prodify::draft::{Draft, Subject, draft};
use cargo_prodify::select::{Request, select};
use cargo_prodify::shell::{Shell, Verbosity};
use cargo_prodify::tree::Tree;
use serde_json::Value;

/// Drafts a project with these components and their requirements.
pub(crate) fn try_draft(
    catalog: &Catalog,
    name: &str,
    components: &[&str],
    answers: &[&str],
) -> anyhow::Result<Draft> {
    let request = Request {
        with: components
            .iter()
            .map(|&component| component.to_owned())
            .collect(),
        ..Request::default()
    };
    let selection = select(catalog, &request, Scope::Repository)?;
    let flags: Vec<String> = answers.iter().map(|&answer| answer.to_owned()).collect();
    let given = GivenAnswers::new(catalog, &flags, Answers::new())?;
    draft(
        catalog,
        &Subject::new(name),
        &selection,
        &given,
        None,
        &Shell::new(Verbosity::Quiet),
    )
}

/// The files of [`try_draft`].
pub(crate) fn render(catalog: &Catalog, name: &str, components: &[&str], answers: &[&str]) -> Tree {
    let drafted = try_draft(catalog, name, components, answers);
    drafted
        .unwrap_or_else(|error| panic!("{components:?} {answers:?}: {error:#}"))
        .tree
}

/// Runs the program in `directory`, as cargo does, without a terminal.
pub(crate) fn prodify(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().unwrap()
}

/// Like [`prodify`], but not started yet.
pub(crate) fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-prodify"));
    command
        .arg("prodify")
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
        .env_remove("CI")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command
}

/// What a run printed to standard error, which is for people.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All paths in a directory, sorted, without git's; none if there is no directory.
pub(crate) fn listing(directory: &Path) -> Vec<String> {
    if !directory.exists() {
        return Vec::new();
    }
    let entries = walkdir::WalkDir::new(directory)
        .min_depth(1)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| entry.file_name() != ".git");
    entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .strip_prefix(directory)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/")
        })
        .collect()
}

/// All paths in a directory with their contents, escaped if not text; empty for a directory.
pub(crate) fn contents(root: &Path) -> Vec<(String, String)> {
    let read = |path: String| {
        let bytes = std::fs::read(root.join(&path)).unwrap_or_default();
        let text = String::from_utf8(bytes);
        let text = text.unwrap_or_else(|error| error.as_bytes().escape_ascii().to_string());
        (path, text)
    };
    listing(root).into_iter().map(read).collect()
}

/// The report of a run, which must be valid for the published schema.
pub(crate) fn json(output: &Output) -> Value {
    json_with_schema(output, include_str!("../../src/report.schema.json"))
}

/// The JSON output of a run, which must be valid for this schema.
pub(crate) fn json_with_schema(output: &Output, schema: &str) -> Value {
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stdout)));
    let schema: Value = serde_json::from_str(schema).unwrap();
    let problems: Vec<String> = jsonschema::validator_for(&schema)
        .unwrap()
        .iter_errors(&document)
        .map(|error| format!("{error} at {}", error.instance_path()))
        .collect();
    assert!(problems.is_empty(), "{problems:?}\n{document:#}");
    document
}

/// git with a configured identity; returns its output.
pub(crate) fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
    let output = git.args(arguments).current_dir(directory).output().unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        stderr(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
