//! `update` and `check`, case by case: each directory in `tests/update` is a project as one version wrote it, the user's edits,
//! and another version; the snapshot in it is the result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, thread};

use cargo_prodify::catalog::Catalog;
use cargo_prodify::cli::Cli;
use cargo_prodify::commands;
use cargo_prodify::shell::{Shell, Verbosity};
use clap::Parser as _;
use serde::Deserialize;
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::contents;

/// A case: everything has defaults, which suit most projects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The components by name, in the version that wrote the project.
    old: BTreeMap<String, Component>,
    /// In the version that updates it; none if they are the same.
    new: Option<BTreeMap<String, Component>>,
    /// The initial components of the project, if those are not all.
    start: Option<Vec<String>>,
    /// `versions.toml` of both versions.
    versions: Option<String>,
    /// The user's files, by path; prodify.toml may be one of them.
    #[serde(default)]
    ours: BTreeMap<String, String>,
    /// The user's replacements in prodify.toml or Cargo.toml: path, old, new.
    #[serde(default)]
    replaced: Vec<[String; 3]>,
    /// Files that the user moved, with their new paths; `ours` has the edits made there.
    #[serde(default)]
    moved: BTreeMap<String, String>,
    /// Files that the user deleted.
    #[serde(default)]
    deleted: Vec<String>,
    /// Files that the user made executable, or not executable.
    #[serde(default)]
    executable: BTreeMap<String, bool>,
    /// Files with binary data from the user.
    #[serde(default)]
    binary: Vec<String>,
    /// Directories made by the user.
    #[serde(default)]
    directory: Vec<String>,
    /// Links made by the user, with their targets.
    #[serde(default)]
    link: BTreeMap<String, String>,
    /// Further arguments of `update`.
    #[serde(default)]
    arguments: Vec<String>,
    /// Whether an edit is lost, as the user specified or because it is older.
    #[serde(default)]
    loses_edits: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Component {
    /// Additional lines of `component.toml`.
    #[serde(default)]
    definition: String,
    /// `manifest.toml.j2`.
    manifest: Option<String>,
    /// The templates by their output paths.
    #[serde(default)]
    files: BTreeMap<String, String>,
}

const MANIFEST: &str = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";

fn cases() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/update");
    let mut cases: Vec<PathBuf> = fs::read_dir(cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    cases
}

fn catalog(components: &BTreeMap<String, Component>, versions: Option<&str>) -> Catalog {
    let mut sources = BTreeMap::new();
    let versions = versions.unwrap_or_default();
    let versions = format!("toolchain.channel = \"1.90.0\"\n{versions}");
    sources.insert("versions.toml".to_owned(), versions.into());
    sources.insert("project.toml".to_owned(), "questions = []".into());
    for (name, component) in components {
        let definition = format!(
            "summary = \"x\"\npreset = \"minimal\"\nexisting = {{}}\n{}",
            component.definition
        );
        sources.insert(format!("{name}/component.toml"), definition.into());
        for (path, text) in &component.files {
            sources.insert(format!("{name}/files/{path}.j2"), text.clone().into());
        }
        let manifest = component.manifest.as_ref();
        sources
            .extend(manifest.map(|text| (format!("{name}/manifest.toml.j2"), text.clone().into())));
    }
    Catalog::from_sources(sources).unwrap()
}

/// A project on disk, and the reports of the commands that were run in it.
struct Project {
    directory: TempDir,
}

impl Project {
    /// Written by the old version, and then edited.
    fn create(case: &Case, old: &Catalog) -> Self {
        let project = Self {
            directory: tempdir().unwrap(),
        };
        fs::create_dir(project.path("src")).unwrap();
        fs::write(project.path("src/main.rs"), "fn main() {}\n").unwrap();
        fs::write(project.path("Cargo.toml"), MANIFEST).unwrap();
        let all: Vec<String> = case.old.keys().cloned().collect();
        let mut add = vec!["add", "-y", "-N"];
        add.extend(
            case.start
                .as_ref()
                .unwrap_or(&all)
                .iter()
                .map(String::as_str),
        );
        project.run(old, &add).unwrap();
        project.edit(case);
        project
    }

    fn edit(&self, case: &Case) {
        for (from, to) in &case.moved {
            fs::create_dir_all(self.path(to).parent().unwrap()).unwrap();
            fs::rename(self.path(from), self.path(to)).unwrap();
        }
        for (path, text) in &case.ours {
            fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
            fs::write(self.path(path), text).unwrap();
        }
        for [path, old, new] in &case.replaced {
            let text = fs::read_to_string(self.path(path)).unwrap();
            assert!(text.contains(old.as_str()), "{path} has no {old}:\n{text}");
            fs::write(self.path(path), text.replacen(old, new, 1)).unwrap();
        }
        let in_the_way = case
            .binary
            .iter()
            .chain(&case.directory)
            .chain(case.link.keys());
        for path in case.deleted.iter().chain(in_the_way) {
            fs::remove_file(self.path(path)).unwrap();
        }
        for path in &case.binary {
            fs::write(self.path(path), [0, 255]).unwrap();
        }
        for path in &case.directory {
            fs::create_dir(self.path(path)).unwrap();
        }
        #[cfg(unix)]
        for (path, target) in &case.link {
            std::os::unix::fs::symlink(target, self.path(path)).unwrap();
        }
        #[cfg(unix)]
        for (path, executable) in &case.executable {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = if *executable { 0o755 } else { 0o644 };
            fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(path)
    }

    /// Runs a command of that version.
    fn run(&self, catalog: &Catalog, arguments: &[&str]) -> anyhow::Result<Value> {
        let manifest = self.path("Cargo.toml");
        let manifest = manifest.to_str().unwrap();
        let line = ["cargo-prodify"].iter().chain(arguments);
        let line = Cli::parse_from(line.chain(&["--manifest-path", manifest]));
        let report = commands::run(catalog, &line, &Shell::new(Verbosity::Quiet))?;
        Ok(serde_json::from_str(&report.json()).unwrap())
    }

    /// What is at each path: text, or its kind, and whether it is executable.
    fn files(&self) -> BTreeMap<String, String> {
        let show = |(path, text): (String, String)| {
            let place = self.path(&path);
            let kind = match fs::read_link(&place) {
                Ok(target) => format!("-> {}\n", target.display()),
                Err(_) => visible(&text),
            };
            let sign = if is_executable(&place) {
                " (executable)"
            } else {
                ""
            };
            (format!("{path}{sign}"), kind)
        };
        let files = contents(self.directory.path()).into_iter();
        files
            .filter(|(path, _)| !self.path(path).is_dir())
            .map(show)
            .collect()
    }
}

/// A text in which unusual line endings are visible.
fn visible(text: &str) -> String {
    let mut visible = text.replace("\r\n", "␍\n");
    if !visible.is_empty() && !visible.ends_with('\n') {
        visible.push_str("␃\n");
    }
    visible
}

fn is_executable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::symlink_metadata(path).unwrap();
        found.is_file() && found.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// A summary of a report, without what is the same for every project.
fn summary(report: &Value) -> String {
    let mut summary = format!("{} {}\n", report["command"], report["outcome"]).replace('"', "");
    for file in report["files"].as_array().unwrap() {
        let (action, path) = (
            file["action"].as_str().unwrap(),
            file["path"].as_str().unwrap(),
        );
        let from = file["from"].as_str().map(|from| format!(" (was {from})"));
        let why = file["why"].as_str().map(|why| format!(" ({why})"));
        // Readers of this know about the records, and that the rest of a manifest is not touched.
        let is_record = path.starts_with(".prodify/");
        if (is_record && why.is_none()) || action == "identical" {
            continue;
        }
        let (from, why) = (from.unwrap_or_default(), why.unwrap_or_default());
        writeln!(summary, "  {action} {path}{from}{why}").unwrap();
    }
    for note in report["notes"].as_array().unwrap() {
        writeln!(summary, "  note: {}", note.as_str().unwrap()).unwrap();
    }
    summary
}

#[test]
fn cases_match_their_snapshots() {
    // A case mostly waits for cargo.
    let cases = cases();
    let share = cases.len().div_ceil(8);
    thread::scope(|scope| {
        for cases in cases.chunks(share) {
            scope.spawn(move || {
                for case in cases {
                    check_case(case);
                }
            });
        }
    });
}

fn check_case(directory: &Path) {
    let name = directory.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(directory.join("case.toml")).unwrap();
    let case: Case = toml_edit::de::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    let old = catalog(&case.old, case.versions.as_deref());
    let new = case.new.as_ref().unwrap_or(&case.old);
    let new = catalog(new, case.versions.as_deref());
    let project = Project::create(&case, &old);

    let before = project.files();
    let checked = project.run(&new, &["check"]).unwrap();
    assert_eq!(project.files(), before, "{name}: check wrote something");
    let mut update = vec!["update", "-y", "-N"];
    update.extend(case.arguments.iter().map(String::as_str));
    let updated = project.run(&new, &update).unwrap();
    let after = project.files();

    let mut snapshot = summary(&checked) + &summary(&updated);
    for (path, text) in &after {
        let is_known = before.get(path) == Some(text) && !case.ours.contains_key(path);
        if !is_known && path != ".prodify/base.txtar" {
            write!(snapshot, "\n-- {path} --\n{text}").unwrap();
        }
    }
    insta::with_settings!({ snapshot_path => directory, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("out", snapshot);
    });
    assert_nothing_is_lost(name, &case, &before, &after);
    assert_second_run_does_nothing(name, &project, &new, &updated);
}

/// The design's guarantees, which hold in every case.
fn assert_nothing_is_lost(
    name: &str,
    case: &Case,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) {
    for path in case.deleted.iter().chain(case.moved.keys()) {
        assert!(!after.contains_key(path), "{name}: {path} came back");
    }
    if case.loses_edits {
        return;
    }
    let lines = |text: &'_ str| -> BTreeSet<String> {
        let plain = |line: &str| line.trim_end_matches(['␍', '␃']).to_owned();
        text.lines().map(plain).collect()
    };
    let kept: BTreeSet<String> = after.values().flat_map(|text| lines(text)).collect();
    for path in case.ours.keys() {
        let components = case.old.values();
        let template = components.filter_map(|component| component.files.get(path));
        let written: BTreeSet<String> = template.flat_map(|text| lines(text)).collect();
        let theirs = lines(before.get(path).map_or("", String::as_str));
        for line in theirs.difference(&written) {
            assert!(kept.contains(line), "{name}: `{line}` of {path} is lost");
        }
    }
}

fn assert_second_run_does_nothing(name: &str, project: &Project, new: &Catalog, updated: &Value) {
    let after = project.files();
    let again = project.run(new, &["update", "-y", "-N"]);
    if !after.contains_key("prodify.toml") {
        let error = again.unwrap_err().to_string();
        assert!(error.contains("wrote nothing there"), "{name}: {error}");
        return;
    }
    let again = again.unwrap();
    assert_eq!(
        project.files(),
        after,
        "{name}: a second run changed something"
    );
    let checked = project.run(new, &["check"]).unwrap();
    let is_open = updated["outcome"] == "unresolved";
    let (of_update, of_check) = match is_open {
        true => ("unresolved", "different"),
        false => ("unchanged", "unchanged"),
    };
    assert_eq!(again["outcome"], of_update, "{name}");
    assert_eq!(checked["outcome"], of_check, "{name}");
}
