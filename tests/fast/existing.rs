//! `add` and `remove` in existing crates.

use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_prodify::catalog::{Catalog, ProjectKind};
use serde_json::Value;
use tempfile::{TempDir, tempdir};

use crate::support::{contents, git, json, listing, prodify, stderr};

/// A manifest as people write them.
pub(crate) const MANIFEST: &str = "\
# The shop.
[package]
name = \"shop\" # for now
version = '0.1.0'
edition = \"2021\"
description = \"Sells things\"
repository = \"https://github.com/acme/shop\"

[dependencies]

[profile.release]
lto = true   # as measured

# The end.
";

/// A crate in a git repository, committed.
pub(crate) fn shop(manifest: &str) -> TempDir {
    let dir = tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(dir.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    commit(dir.path());
    dir
}

pub(crate) fn commit(directory: &Path) {
    git(directory, &["init", "-q", "-b", "main"]);
    git(directory, &["add", "--all"]);
    git(directory, &["commit", "-qm", "x"]);
}

/// Runs the program, checks its exit code, and returns its output.
#[track_caller]
pub(crate) fn run(directory: &Path, line: &str, code: i32) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = prodify(directory, &arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{line}: {}",
        stderr(&output)
    );
    stderr(&output)
}

#[track_caller]
pub(crate) fn assert_contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
}

#[test]
fn add_changes_nothing_else_and_remove_undoes_it() {
    let dir = shop(MANIFEST);
    let before = contents(dir.path());
    let added = run(dir.path(), "add release-profile supply-chain -y", 0);
    assert_contains(
        &added,
        &[
            "update Cargo.toml (with its entries; the rest stays as it is)",
            "create deny.toml",
            "`profile.release.lto = true` is yours and stays; it would have been \"thin\"",
            "Finished shop in .: 6 files created, 1 updated",
            "cargo deny check",
        ],
    );
    assert_eq!(
        git(dir.path(), &["diff", "--stat"]),
        " Cargo.toml | 20 ++++++++++++++++++++\n 1 file changed, 20 insertions(+)\n"
    );
    assert_eq!(
        git(dir.path(), &["status", "--porcelain"]),
        " M Cargo.toml\n?? .github/\n?? .prodify/\n?? SECURITY.md\n?? deny.toml\n?? prodify.toml\n?? rust-toolchain.toml\n"
    );
    insta::assert_snapshot!(fs::read_to_string(dir.path().join("Cargo.toml")).unwrap(), @r#"
    # The shop.
    [package]
    name = "shop" # for now
    version = '0.1.0'
    edition = "2021"
    description = "Sells things"
    repository = "https://github.com/acme/shop"

    [dependencies]

    [profile.release]
    lto = true   # as measured
    # Optimize each crate as a whole, and inline calls across crates. `fat` links on a single core, and did not make a service
    # faster.
    codegen-units = 1
    # A panic only ends the request or task in which it happens. `abort` would end the whole process.
    panic = "unwind"
    # Keep function names: they are about a fifth of the binary, but backtraces from production are useless without them.
    strip = "debuginfo"

    # The end.

    # For perf, samply and other profilers: the release build with line numbers.
    [profile.profiling]
    inherits = "release"
    debug = "line-tables-only"
    strip = "none"

    # For binaries that users download: small rather than fast.
    [profile.dist]
    inherits = "release"
    lto = "fat"
    opt-level = "s"
    strip = "symbols"
    "#);
    insta::assert_snapshot!(fs::read_to_string(dir.path().join("prodify.toml")).unwrap(), @r#"
    # What this project was created from: its components, and their answers. Edit them as you like;
    # `cargo prodify update` then updates the files.
    # Another project can start from the same ones: `cargo prodify new PATH --answers prodify.toml`.
    format = 1
    prodify = "0.1.0"
    components = [
        "release-profile",
        "supply-chain",
    ]

    [project]
    name = "shop"
    repository = "https://github.com/acme/shop"
    "#);
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert_eq!(stderr(&cargo), "");

    let again = run(dir.path(), "add supply-chain release-profile -y", 0);
    assert_contains(&again, &[" in .: nothing to do"]);
    let removed = run(dir.path(), "remove release-profile", 0);
    assert_contains(
        &removed,
        &[
            "update Cargo.toml (without its entries; the rest stays as it is)",
            "update prodify.toml",
        ],
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("Cargo.toml")).unwrap(),
        MANIFEST
    );
    run(dir.path(), "remove supply-chain", 0);
    assert_eq!(contents(dir.path()), before);
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");
}

#[test]
fn remove_keeps_and_reports_edits() {
    let dir = shop(MANIFEST);
    run(dir.path(), "add release-profile supply-chain -y", 0);
    let edit = |path: &str, from: &str, to: &str| {
        let path = dir.path().join(path);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(path, text.replace(from, to)).unwrap();
    };
    edit("deny.toml", "\"MIT\",", "\"MIT\",\n    \"MPL-2.0\",");
    edit("Cargo.toml", "codegen-units = 1", "codegen-units = 4");
    edit("Cargo.toml", "debug = \"line-tables-only\"", "debug = 2");
    fs::remove_file(dir.path().join("SECURITY.md")).unwrap();
    // A deleted file does not come back, which verbose output mentions; and an edited one is no conflict.
    let again = run(dir.path(), "add supply-chain -y", 0);
    assert!(!again.contains("SECURITY.md"), "{again}");
    let again = run(dir.path(), "add supply-chain -y -v", 0);
    assert_contains(&again, &["skip SECURITY.md (no longer exists)"]);

    let removed = run(dir.path(), "remove release-profile supply-chain", 0);
    assert_contains(
        &removed,
        &[
            "skip deny.toml (contains edits of yours, and stays)",
            "`profile.release.codegen-units` was edited, and stays",
            "`profile.profiling.debug` was edited, and stays",
            "delete rust-toolchain.toml",
        ],
    );
    assert_eq!(
        listing(dir.path()),
        ["Cargo.toml", "deny.toml", "src", "src/main.rs"]
    );
    // A custom profile needs `inherits` for as long as it has any entry.
    let left = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    assert_contains(
        &left,
        &[
            "lto = true   # as measured\n# Optimize each crate",
            "codegen-units = 4\n\n# The end.\n",
            "[profile.profiling]\ninherits = \"release\"\ndebug = 2\n",
        ],
    );
    assert!(
        !left.contains("strip") && !left.contains("[profile.dist]"),
        "{left}"
    );
    let metadata = prodify(dir.path(), &["add", "release-profile", "-n"]);
    assert_eq!(metadata.status.code(), Some(0), "{}", stderr(&metadata));
}

#[test]
fn existing_profiles_are_left_alone() {
    let manifest = format!(
        "{MANIFEST}panic = \"abort\"\ndebug = 1\n\n[profile.dist]\ninherits = \"release\"\n"
    );
    let dir = shop(&manifest);
    let sources = "fn main() {\n    let _ = std::panic::catch_unwind(|| 1);\n}\n";
    fs::write(dir.path().join("src/main.rs"), sources).unwrap();
    let added = run(dir.path(), "add release-profile -y", 0);
    assert_contains(
        &added,
        &[
            "left out `profile.dist`, since `profile.dist` is yours",
            "left out `profile.release.strip`, since `profile.release.debug` is yours",
            "`profile.release.panic = \"abort\"` is yours and stays",
            "src/main.rs:2: `catch_unwind` catches nothing in a release",
        ],
    );
    let edited = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    assert!(edited.contains("[profile.profiling]"), "{edited}");
    assert_eq!(edited.matches("[profile.dist]").count(), 1, "{edited}");
    run(dir.path(), "remove release-profile", 0);
    assert_eq!(
        fs::read_to_string(dir.path().join("Cargo.toml")).unwrap(),
        manifest
    );
}

#[test]
fn existing_files_belong_to_the_user() {
    let dir = shop(MANIFEST);
    fs::write(dir.path().join("deny.toml"), "# mine\n").unwrap();
    fs::write(dir.path().join("SECURITY.md"), "# mine\n").unwrap();
    git(dir.path(), &["add", "SECURITY.md"]);
    git(dir.path(), &["commit", "-qm", "y"]);
    fs::write(
        dir.path().join("src/main.rs"),
        "fn main() { /* not committed */ }\n",
    )
    .unwrap();
    let before = contents(dir.path());
    let stopped = run(dir.path(), "add supply-chain -y", 3);
    assert_contains(
        &stopped,
        &[
            "conflict SECURITY.md (already exists and differs)",
            "conflict deny.toml",
            "--keep",
            "--overwrite",
        ],
    );
    assert_eq!(contents(dir.path()), before);

    run(dir.path(), "add supply-chain -y --keep", 0);
    let text = |path: &str| fs::read_to_string(dir.path().join(path)).unwrap();
    assert_eq!(
        (text("deny.toml"), text("SECURITY.md")),
        ("# mine\n".to_owned(), "# mine\n".to_owned())
    );
    assert_contains(
        &run(dir.path(), "add supply-chain -y", 0),
        &["nothing to do"],
    );
    // It does not count as written, or as edited since.
    assert_contains(
        &run(dir.path(), "remove supply-chain", 0),
        &["skip deny.toml (contains edits of yours, and stays)"],
    );
    assert_eq!(contents(dir.path()), before);

    // git has the one, but not the other.
    run(dir.path(), "add supply-chain -y --overwrite", 0);
    assert_eq!(text("deny.toml.orig"), "# mine\n");
    assert!(!dir.path().join("SECURITY.md.orig").exists());
    assert!(text("src/main.rs").contains("not committed"));
}

#[test]
fn identical_existing_file_is_not_removed() {
    let dir = shop(MANIFEST);
    run(dir.path(), "add supply-chain -y", 0);
    let security = fs::read(dir.path().join("SECURITY.md")).unwrap();
    run(dir.path(), "remove supply-chain", 0);
    fs::write(dir.path().join("SECURITY.md"), &security).unwrap();
    let before = contents(dir.path());
    run(dir.path(), "add supply-chain -y", 0);
    run(dir.path(), "remove supply-chain", 0);
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn file_with_an_equivalent_is_left_out() {
    let dir = shop(MANIFEST);
    fs::write(dir.path().join("rust-toolchain"), "1.90.0\n").unwrap();
    fs::create_dir(dir.path().join(".cargo")).unwrap();
    fs::write(dir.path().join(".cargo/deny.toml"), "").unwrap();
    let added = run(dir.path(), "add supply-chain -y", 0);
    assert_contains(
        &added,
        &[
            "left out rust-toolchain.toml, since rust-toolchain exists",
            "left out deny.toml, since .cargo/deny.toml exists",
        ],
    );
    assert!(!dir.path().join("rust-toolchain.toml").exists());
}

#[test]
fn toolchain_is_at_least_the_rust_version_of_the_crate() {
    let dir = shop(&MANIFEST.replace("edition", "rust-version = \"1.99\"\nedition"));
    run(dir.path(), "add supply-chain -y", 0);
    let toolchain = fs::read_to_string(dir.path().join("rust-toolchain.toml")).unwrap();
    assert_contains(&toolchain, &["channel = \"1.99.0\""]);
}

#[test]
fn dry_run_shows_changes_and_writes_nothing() {
    let dir = shop(MANIFEST);
    let before = contents(dir.path());
    for flag in ["-n", "--diff"] {
        let stderr = run(dir.path(), &format!("add release-profile -y {flag}"), 0);
        assert_contains(&stderr, &["nothing was written"]);
    }
    let diff = prodify(dir.path(), &["add", "release-profile", "-y", "--diff"]);
    let diff = String::from_utf8_lossy(&diff.stdout).into_owned();
    assert_contains(
        &diff,
        &[
            "--- a/Cargo.toml\n+++ b/Cargo.toml\n",
            "+codegen-units = 1\n",
        ],
    );
    assert_eq!(contents(dir.path()), before);
    run(dir.path(), "add release-profile -y", 0);
    let added = contents(dir.path());
    run(dir.path(), "remove release-profile -n", 0);
    assert_eq!(contents(dir.path()), added);
}

#[test]
fn json_output_matches_the_published_schema() {
    let dir = shop(MANIFEST);
    let line = |line: &str| -> Value {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        json(&prodify(
            dir.path(),
            &[&arguments[..], &["--format", "json"]].concat(),
        ))
    };
    let planned = line("add release-profile -y --diff");
    assert_eq!(
        (&planned["command"], &planned["outcome"]),
        (&"add".into(), &"planned".into())
    );
    let done = line("add release-profile -y");
    assert_eq!(
        (&done["outcome"], &done["components"][0]),
        (&"done".into(), &"release-profile".into())
    );
    assert!(
        done["notes"][0]
            .as_str()
            .unwrap()
            .contains("profile.release.lto")
    );
    let removed = line("remove release-profile");
    assert_eq!(
        (&removed["command"], &removed["outcome"]),
        (&"remove".into(), &"done".into())
    );
    assert_eq!(line("remove release-profile")["error"]["exit_code"], 2);
    let listed = line("list");
    let components = listed["components"].as_array().unwrap();
    let refused = |name: &str| {
        let found = components
            .iter()
            .find(|component| component["name"] == name);
        found.unwrap()["refused"].is_string()
    };
    assert_eq!(
        (refused("service"), refused("release-profile")),
        (true, false)
    );
}

/// In whatever state a killed run has left the crate, repeating it gives the same result as if it had not been killed, including
/// the record of what is prodify's and what is the user's.
#[test]
fn next_run_finishes_a_killed_run() {
    let dir = shop(MANIFEST);
    let root = dir.path();
    let before = contents(root);
    run(root, "add release-profile supply-chain -y", 0);
    let after = contents(root);
    // In the order in which `apply` puts them in place.
    let order = [
        ".github/dependabot.yml",
        "SECURITY.md",
        "deny.toml",
        "rust-toolchain.toml",
        "Cargo.toml",
        ".prodify/base.txtar",
        "prodify.toml",
    ];
    let put = |path: &str, state: &[(String, String)]| {
        let place = root.join(path);
        match state.iter().find(|(other, _)| other == path) {
            Some((_, text)) => {
                fs::create_dir_all(place.parent().unwrap()).unwrap();
                fs::write(place, text).unwrap();
            }
            None => drop(fs::remove_file(place)),
        }
    };
    for done in 0..=order.len() {
        for (line, from, to) in [
            ("add release-profile supply-chain -y", &before, &after),
            ("remove release-profile supply-chain", &after, &before),
        ] {
            for (index, path) in order.iter().enumerate() {
                put(path, if index < done { to } else { from });
            }
            fs::create_dir_all(root.join(".prodify/staging")).unwrap();
            fs::write(root.join(".prodify/staging/0.new"), "half a te").unwrap();
            run(root, line, 0);
            let files = |all: &[(String, String)]| {
                let mut files = all.to_vec();
                files.retain(|(path, _)| !path.ends_with(".github"));
                files
            };
            assert_eq!(
                files(&contents(root)),
                files(to),
                "{line}, killed after {done}"
            );
        }
    }
}

/// What runs in production: a program that declares that it keeps running.
const WORKER: &str = "\
[package]
name = \"shop\"
version = \"0.1.0\"
edition = \"2021\"

[package.metadata.prodify]
kind = \"worker\"
";

/// A component, preceded by those that are added with it.
fn with_required(catalog: &Catalog, name: &str) -> Vec<String> {
    let required = catalog.get(name).unwrap().required(ProjectKind::Existing);
    let required = required
        .iter()
        .flat_map(|name| with_required(catalog, name));
    let mut all: Vec<String> = required.chain([name.to_owned()]).collect();
    all.sort();
    all.dedup();
    all
}

/// Whatever can be added works for a crate of which only the manifest is known; otherwise it is refused with a reason.
#[test]
fn every_component_can_be_added_or_says_why_not() {
    let catalog = Catalog::embedded().unwrap();
    // One component is for whatever databases a crate has.
    let database = "[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n";
    for component in catalog.components() {
        let dir = shop(&format!("{WORKER}\n{database}"));
        let before = contents(dir.path());
        let line = format!("add {} -y", component.name);
        match &component.existing.refused {
            Some(why) => {
                let stderr = run(dir.path(), &line, 2);
                assert_contains(&stderr, &["cannot be added to an existing crate: ", why]);
                assert!(
                    !why.ends_with('.') && why.starts_with(char::is_lowercase),
                    "{why}"
                );
                assert_eq!(contents(dir.path()), before);
            }
            None => {
                run(dir.path(), &line, 0);
                let line = format!(
                    "remove {}",
                    with_required(&catalog, &component.name).join(" ")
                );
                run(dir.path(), &line, 0);
                assert_eq!(contents(dir.path()), before);
            }
        }
    }
}

#[test]
fn backup_is_refused_without_a_database() {
    let dir = shop(WORKER);
    let before = contents(dir.path());
    let stderr = run(dir.path(), "add backup -y", 2);
    assert_contains(
        &stderr,
        &["`backup` cannot be added here: it backs up PostgreSQL"],
    );
    assert_eq!(contents(dir.path()), before);
}

/// Components for a package cannot be added to the root of a workspace of several, and say what they need there.
#[test]
fn package_components_are_not_added_to_a_workspace_root() {
    let dir = tempdir().unwrap();
    fs::write(
        dir.path().join("Cargo.toml"),
        "[workspace]\nresolver = \"2\"\nmembers = [\"shop\"]\n",
    )
    .unwrap();
    fs::create_dir_all(dir.path().join("shop/src")).unwrap();
    fs::write(dir.path().join("shop/Cargo.toml"), WORKER).unwrap();
    fs::write(dir.path().join("shop/src/main.rs"), "fn main() {}\n").unwrap();
    commit(dir.path());
    let before = contents(dir.path());
    let stderr = run(dir.path(), "add monitoring -y", 2);
    assert_contains(
        &stderr,
        &["no service here exposes any: run `cargo prodify add telemetry` in the package"],
    );
    assert_eq!(contents(dir.path()), before);
    run(&dir.path().join("shop"), "add telemetry -y", 0);
    run(dir.path(), "add monitoring k8s -y", 0);
    let paths: Vec<String> = contents(dir.path()).into_iter().map(|(it, _)| it).collect();
    assert!(paths.contains(&"monitoring/prometheus/rules/alerts.yml".to_owned()));
    // It has facts about the namespace, although those do not concern the package.
    assert!(paths.contains(&"k8s/monitoring/pod-monitor.yaml".to_owned()));
    assert!(!paths.contains(&"src/telemetry.rs".to_owned()));
    run(dir.path(), "check", 0);
}

/// `add` turns a project into the same one that `new` creates with more components; and `remove` undoes it.
#[test]
fn add_and_remove_work_in_a_project_created_by_new() {
    let catalog = Catalog::embedded().unwrap();
    let create = |dir: &TempDir, components: &[&str]| {
        let answers = dir.path().join("answers.toml");
        fs::write(&answers, format!("components = {components:?}\n")).unwrap();
        run(
            dir.path(),
            "new orders -y --vcs none --answers answers.toml",
            0,
        );
        dir.path().join("orders")
    };
    for component in catalog
        .components()
        .filter(|component| component.name != "service")
    {
        let name = component.name.as_str();
        let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
        let grown = create(&one, &["service"]);
        let before = contents(&grown);
        run(&grown, &format!("add {name} -y"), 0);
        let created = create(&other, &["service", name]);
        let files = |root: &Path| {
            let mut files = contents(root);
            // Its tables are in the order in which they were added.
            files.retain(|(path, _)| path != "prodify.toml");
            files
        };
        for (ours, theirs) in files(&grown).iter().zip(&files(&created)) {
            assert_eq!(ours, theirs, "{name}");
        }
        assert_eq!(files(&grown).len(), files(&created).len(), "{name}");

        let components = |root: &Path| -> Vec<String> {
            let text = fs::read_to_string(root.join("prodify.toml")).unwrap();
            let document: toml_edit::DocumentMut = text.parse().unwrap();
            let names = document["components"].as_array().unwrap().iter();
            names
                .map(|name| name.as_str().unwrap().to_owned())
                .collect()
        };
        let mut added = components(&grown);
        added.retain(|name| name != "service");
        run(&grown, &format!("remove {}", added.join(" ")), 0);
        assert_eq!(contents(&grown), before, "{name}");
    }
    let dir = tempdir().unwrap();
    let project = create(&dir, &["service", "config"]);
    let stderr = run(&project, "remove service", 2);
    assert_contains(
        &stderr,
        &["`config` requires `service`: leave `config` out too, or keep `service`"],
    );
    let stderr = run(&project, "remove service config", 2);
    assert_contains(&stderr, &["this would remove the package itself"]);
}

/// What the sources do not show, or show wrongly, the crate can declare.
#[test]
fn manifest_metadata_overrides_facts() {
    let server = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\naxum = \"0.8\"\n";
    let dir = shop(server);
    let declare = |metadata: &str| {
        let manifest = format!("{server}\n[package.metadata.prodify]\n{metadata}\n");
        fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    };
    let no_port = "the sources of `shop` do not show which port it listens on: set it in `[package.metadata.prodify]` of Cargo.toml, such as `port = 8080`";
    assert_contains(&run(dir.path(), "add k8s -yn", 2), &[no_port]);
    for (metadata, message) in [
        (
            "port = 0.5",
            "Cargo.toml: [package.metadata.prodify]: `port` must be a number from 1 to 65535",
        ),
        ("port = 0", "`port` must be a number from 1 to 65535"),
        ("prot = 80", "there is no `prot`; did you mean `port`?"),
        (
            "kind = 'x'",
            "`kind` must be `server`, `worker` or `command`",
        ),
        (
            "liveness = 'x'",
            "`liveness` must be a path that begins with a slash",
        ),
        ("metrics = '/a\\n'", "`metrics` must be a path"),
        ("shop = 1", "`shop` must be a table"),
        ("shop.prot = 1", "there is no `prot`"),
    ] {
        declare(&metadata.replace("\\n", "\\\\n"));
        assert_contains(&run(dir.path(), "inspect", 2), &[message]);
    }
    declare("kind = 'command'");
    let refusal = "`k8s` does not support `shop`, a command that ends: name another binary with --bin or, if this one keeps running, set `kind = \"worker\"` in `[package.metadata.prodify]` of Cargo.toml";
    assert_contains(&run(dir.path(), "add k8s -yn", 2), &[refusal]);
    declare(
        "port = 1\nliveness = '/live'\nshop.port = 8123\nshop.readiness = '/ready/now'\nshop.metrics-port = 9100",
    );
    let found = String::from_utf8(prodify(dir.path(), &["inspect"]).stdout).unwrap();
    assert_contains(&found, &["8123", "[Cargo.toml:11]", "/live", "/ready/now"]);
    run(dir.path(), "add docker -y", 0);
    let dockerfile = fs::read_to_string(dir.path().join("Dockerfile")).unwrap();
    assert_contains(&dockerfile, &["EXPOSE 8123"]);
}

/// A name with a space needs the quoted form of COPY; names with other special characters are refused.
#[test]
fn files_with_unusual_names_are_copied_or_refused() {
    let dir = shop(WORKER);
    let read_file = |name: &str| {
        let main = format!("fn main() {{ std::fs::read(\"{name}/a.txt\").unwrap(); }}\n");
        fs::write(dir.path().join("src/main.rs"), main).unwrap();
        fs::create_dir_all(dir.path().join(name)).unwrap();
        fs::write(dir.path().join(name).join("a.txt"), "").unwrap();
    };
    let copies = || {
        run(dir.path(), "add docker -y --overwrite", 0);
        fs::read_to_string(dir.path().join("Dockerfile")).unwrap()
    };
    read_file("words");
    assert_contains(
        &copies(),
        &["COPY --chmod=755 words/a.txt /app/words/a.txt\nWORKDIR /app\n"],
    );
    read_file("my words");
    assert_contains(
        &copies(),
        &["COPY --chmod=755 [\"my words/a.txt\", \"/app/my words/a.txt\"]\nWORKDIR /app\n"],
    );
    read_file("a$b");
    assert_contains(
        &run(dir.path(), "add docker -y", 2),
        &["an image cannot contain a$b/a.txt, because of the $ in its name"],
    );
}

/// Components for programs are refused for a library, with the reason; others are not.
#[test]
fn library_is_refused_components_for_programs() {
    let dir = shop(MANIFEST);
    fs::rename(
        dir.path().join("src/main.rs"),
        dir.path().join("src/lib.rs"),
    )
    .unwrap();
    let before = contents(dir.path());
    for component in ["ci", "docker", "k8s"] {
        let refused = run(dir.path(), &format!("add {component} -y"), 2);
        assert_eq!(
            refused,
            format!(
                "error: `{component}` is for programs that run in production, but no package in . has a binary\n"
            )
        );
        assert_eq!(contents(dir.path()), before);
    }
    run(dir.path(), "add release-profile supply-chain -y", 0);
}

/// A dependency outside of a checkout of the workspace only affects components that build from one.
#[test]
fn dependency_outside_the_workspace_is_refused_where_it_is_built() {
    let dir = tempdir().unwrap();
    for (name, rest) in [
        ("tools", ""),
        ("shop", "[dependencies]\ntools = { path = \"../tools\" }\n"),
    ] {
        let member = dir.path().join(name);
        fs::create_dir_all(member.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{rest}"
        );
        fs::write(member.join("Cargo.toml"), manifest).unwrap();
        fs::write(member.join("src/lib.rs"), "").unwrap();
        fs::write(member.join("src/main.rs"), "fn main() {}\n").unwrap();
    }
    let shop = dir.path().join("shop");
    commit(&shop);
    let before = contents(&shop);
    for component in ["docker", "ci"] {
        let refused = run(&shop, &format!("add {component} -y"), 2);
        let place = dir.path().canonicalize().unwrap().join("tools");
        assert_contains(
            &refused,
            &[
                &format!("`{component}` cannot be added here: "),
                "`tools`, which Cargo.toml:6 depends on, is outside of it, in ",
                &place.display().to_string(),
                "depend on it through git or a registry",
            ],
        );
        assert_eq!(contents(&shop), before);
    }
    run(&shop, "add release-profile supply-chain -y", 0);
}

/// Files written by one component are no facts about the crate to another: neither now nor later.
#[test]
fn written_files_do_not_change_the_facts() {
    let dir = shop(WORKER);
    run(
        dir.path(),
        "add docker k8s ci release-profile supply-chain -y",
        0,
    );
    let before = contents(dir.path());
    let again = run(dir.path(), "add ci docker k8s -y", 0);
    assert_contains(&again, &[" in .: nothing to do"]);
    assert_eq!(contents(dir.path()), before);
}

/// The record of a crate with its own sources remains valid when it gets prodify's.
#[test]
fn new_project_can_start_from_the_answers_of_an_existing_crate() {
    let dir = shop(MANIFEST);
    run(dir.path(), "add release-profile supply-chain -y", 0);
    let beside = tempdir().unwrap();
    let record = dir.path().join("prodify.toml");
    let line = format!("new orders -y --vcs none --answers {}", record.display());
    assert_contains(
        &run(beside.path(), &line, 0),
        &["`service` is added too: a new project must be a package"],
    );
    let text = |path: &str| fs::read_to_string(beside.path().join("orders").join(path)).unwrap();
    assert_contains(
        &text("Cargo.toml"),
        &["name = \"orders\"", "[profile.release]"],
    );
    assert_contains(
        &text("prodify.toml"),
        &["release-profile", "supply-chain", "service"],
    );
    assert_contains(&text("src/main.rs"), &["fn main()"]);
    run(&beside.path().join("orders"), "check", 0);
}

/// It has to be specified once which of several binaries run in production, and is then recorded.
#[test]
fn binaries_that_run_in_production_are_recorded() {
    let dir = tempdir().unwrap();
    let market = dir.path().join("market");
    fs::create_dir(&market).unwrap();
    let manifest = "[workspace]\nmembers = [\"api\", \"jobs\"]\nresolver = \"3\"\n";
    fs::write(market.join("Cargo.toml"), manifest).unwrap();
    for name in ["api", "jobs"] {
        let member = market.join(name);
        fs::create_dir_all(member.join("src")).unwrap();
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[package.metadata.prodify]\nkind = \"worker\"\n"
        );
        fs::write(member.join("Cargo.toml"), manifest).unwrap();
        fs::write(member.join("src/main.rs"), "fn main() {}\n").unwrap();
    }
    commit(&market);
    let several = "2 packages that could be the service: `api`, `jobs`; name one with --package, or its binary with --bin, which `add` accepts more than once";
    assert_contains(
        &run(&market, "add docker -y -d docker.base=debian", 2),
        &[several],
    );
    assert_contains(
        &run(&market, "add docker -y --bin apo", 2),
        &["no binary `apo`; did you mean `api`?"],
    );
    run(&market, "add docker -y --bin jobs --bin api", 0);
    let answers = || fs::read_to_string(market.join("prodify.toml")).unwrap();
    assert_contains(&answers(), &["bins = [\"jobs\", \"api\"]"]);
    assert_contains(&run(&market, "add docker -y", 0), &[" in .: nothing to do"]);

    // From a member too, and for a single one.
    let api = market.join("api");
    for line in [
        "check",
        "update",
        "check -p api",
        "add docker -y --bin jobs",
    ] {
        run(&api, line, 0);
    }
    // Naming another service, or the same one twice, does not remove a service.
    for line in ["--bin api", "--bin jobs --bin jobs --bin api"] {
        let line = format!("add docker -y {line}");
        assert_contains(&run(&market, &line, 0), &[" in .: nothing to do"]);
    }
    assert_contains(&answers(), &["bins = [\"jobs\", \"api\"]"]);

    // Removing one from prodify.toml removes it, and naming it again restores it.
    let without = answers().replace("\"jobs\", \"api\"", "\"api\"");
    fs::write(market.join("prodify.toml"), without).unwrap();
    run(&market, "update --allow-dirty", 0);
    assert!(!market.join("jobs/Dockerfile").exists());
    assert_contains(
        &run(&market.join("jobs"), "add docker -y", 0),
        &[
            "`jobs` is a worker without a port, but the files written only run api: if it runs in production, add it to `project.bins`",
        ],
    );
    run(&api, "add docker -y --bin jobs -p jobs", 0);
    assert_contains(&answers(), &["bins = [\"api\", \"jobs\"]"]);
    let renamed = answers().replace("jobs", "job");
    fs::write(market.join("prodify.toml"), renamed).unwrap();
    assert_contains(
        &run(&market, "add docker -y --bin jobs", 2),
        &["in prodify.toml: `project.bins` names `job`, but there is no such binary"],
    );
}
