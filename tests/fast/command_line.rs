//! The program as its caller sees it: flags, exit codes, reports, and the resulting files.

use std::fs;
use std::path::Path;

use cargo_prodify::catalog::Catalog;
use cargo_prodify::cli::Cli;
use clap::{CommandFactory as _, Parser as _};
use tempfile::tempdir;

use crate::support::{command, json, listing, prodify, stderr};

#[test]
fn new_creates_a_project_and_a_second_run_does_nothing() {
    let dir = tempdir().unwrap();
    let first = prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    assert!(first.stdout.is_empty());
    for part in [
        "create Cargo.toml",
        "create prodify.toml",
        "Finished orders in orders",
        "Next:",
        "cd orders",
        "cargo run",
    ] {
        assert!(
            stderr(&first).contains(part),
            "{part} is missing in\n{}",
            stderr(&first)
        );
    }
    let before = listing(&dir.path().join("orders"));
    let again = prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
    assert!(
        stderr(&again).contains("nothing to do"),
        "{}",
        stderr(&again)
    );
    assert_eq!(listing(&dir.path().join("orders")), before);
    assert_eq!(
        listing(dir.path())
            .iter()
            .filter(|path| path.contains("prodify-staging"))
            .count(),
        0
    );
}

#[test]
fn same_answers_give_the_same_bytes() {
    let dir = tempdir().unwrap();
    for place in ["a/orders", "b/orders"] {
        let output = prodify(
            dir.path(),
            &["new", place, "-y", "--preset", "full", "--vcs", "none"],
        );
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let (a, b) = (dir.path().join("a/orders"), dir.path().join("b/orders"));
    assert_eq!(listing(&a), listing(&b));
    for path in listing(&a).iter().filter(|path| a.join(path).is_file()) {
        assert_eq!(
            fs::read(a.join(path)).unwrap(),
            fs::read(b.join(path)).unwrap(),
            "{path}"
        );
    }
}

#[test]
fn answers_file_recreates_a_project_under_another_name() {
    let dir = tempdir().unwrap();
    let first = prodify(
        dir.path(),
        &[
            "new",
            "orders",
            "-N",
            "--preset",
            "minimal",
            "-d",
            "service.port=9123",
            "--vcs",
            "none",
        ],
    );
    assert_eq!(first.status.code(), Some(0), "{}", stderr(&first));
    let second = prodify(
        dir.path(),
        &[
            "new",
            "invoices",
            "-N",
            "--answers",
            "orders/prodify.toml",
            "--vcs",
            "none",
        ],
    );
    assert_eq!(second.status.code(), Some(0), "{}", stderr(&second));
    let answers = fs::read_to_string(dir.path().join("invoices/prodify.toml")).unwrap();
    assert!(
        answers.contains("port = 9123") && answers.contains("name = \"invoices\""),
        "{answers}"
    );
    assert_eq!(
        listing(&dir.path().join("invoices")),
        listing(&dir.path().join("orders"))
    );
    // A flag overrides the file.
    let third = prodify(
        dir.path(),
        &[
            "new",
            "third",
            "-N",
            "--answers",
            "orders/prodify.toml",
            "-d",
            "service.port=9999",
            "--vcs",
            "none",
        ],
    );
    assert_eq!(third.status.code(), Some(0), "{}", stderr(&third));
    assert!(
        fs::read_to_string(dir.path().join("third/prodify.toml"))
            .unwrap()
            .contains("port = 9999")
    );
}

#[test]
fn dry_run_shows_changes_and_writes_nothing() {
    let dir = tempdir().unwrap();
    let dry = prodify(dir.path(), &["new", "orders", "-y", "-n"]);
    assert_eq!(dry.status.code(), Some(0), "{}", stderr(&dry));
    assert!(
        stderr(&dry).contains("nothing was written") && stderr(&dry).contains("create src/main.rs"),
        "{}",
        stderr(&dry)
    );
    let diff = prodify(dir.path(), &["new", "orders", "-y", "--diff"]);
    assert_eq!(diff.status.code(), Some(0), "{}", stderr(&diff));
    let text = String::from_utf8_lossy(&diff.stdout);
    assert!(
        text.contains("--- /dev/null\n+++ b/src/main.rs\n"),
        "{text}"
    );
    // The record repeats every line, which only programs need.
    assert!(!text.contains("base.txtar"), "{text}");
    let arguments = ["new", "orders", "-y", "--diff", "--format", "json"];
    let of_base = json(&prodify(dir.path(), &arguments))["files"]
        .as_array()
        .unwrap()
        .iter()
        .find(|file| file["path"] == ".prodify/base.txtar")
        .cloned();
    assert!(of_base.is_some_and(|file| file["diff"].is_string()));
    assert_eq!(listing(dir.path()), [""; 0]);
}

#[test]
fn dry_run_reports_that_there_is_nothing_to_do() {
    let dir = tempdir().unwrap();
    let minimal = ["new", "orders", "-y", "--preset", "minimal"];
    prodify(dir.path(), &minimal);
    let root = dir.path().join("orders");
    for (directory, line) in [
        (dir.path(), "new orders -y --preset minimal -n"),
        (&root, "add docker -y -n"),
        (&root, "update -y -n"),
        (&root, "update -y --diff"),
    ] {
        let mut line: Vec<&str> = line.split(' ').collect();
        let stderr = stderr(&prodify(directory, &line));
        assert!(stderr.contains("nothing to do"), "{line:?}: {stderr}");
        line.extend(["--format", "json"]);
        let report = json(&prodify(directory, &line));
        assert_eq!(report["outcome"], "unchanged", "{line:?}");
    }
}

#[test]
fn non_empty_directory_is_a_conflict() {
    let dir = tempdir().unwrap();
    let project = dir.path().join("orders");
    fs::create_dir_all(project.join("docs")).unwrap();
    fs::write(project.join("docs/idea.md"), "mine").unwrap();
    fs::write(project.join("README.md"), "mine").unwrap();
    let before = listing(&project);

    let stopped = prodify(dir.path(), &["new", "orders", "-y"]);
    assert_eq!(stopped.status.code(), Some(3), "{}", stderr(&stopped));
    for part in [
        "conflict docs",
        "conflict README.md",
        "--keep",
        "--overwrite",
        "nothing was written",
    ] {
        assert!(
            stderr(&stopped).contains(part),
            "{part} is missing in\n{}",
            stderr(&stopped)
        );
    }
    assert_eq!(listing(&project), before);
    // What would have been written is only for verbose output; and files that are not part of the project are never said to be
    // replaced.
    assert!(
        !stderr(&stopped).contains("create "),
        "{}",
        stderr(&stopped)
    );
    assert!(
        stderr(&stopped)
            .contains("Files that are not part of the project are left as they are, either way."),
        "{}",
        stderr(&stopped)
    );
    for flag in ["-v", "-n"] {
        let shown = prodify(dir.path(), &["new", "orders", "-y", flag]);
        assert_eq!(shown.status.code(), Some(3), "{}", stderr(&shown));
        assert!(
            stderr(&shown).contains("create src/main.rs"),
            "{flag}: {}",
            stderr(&shown)
        );
    }
    fs::remove_file(project.join("README.md")).unwrap();
    let beside = stderr(&prodify(dir.path(), &["new", "orders", "-y"]));
    assert!(
        beside.contains("never changed: pass --keep to write the project beside them")
            && !beside.contains("--overwrite"),
        "{beside}"
    );
    fs::write(project.join("README.md"), "mine").unwrap();

    let kept = prodify(dir.path(), &["new", "orders", "-y", "--keep"]);
    assert_eq!(kept.status.code(), Some(0), "{}", stderr(&kept));
    assert_eq!(
        fs::read_to_string(project.join("README.md")).unwrap(),
        "mine"
    );
    assert_eq!(
        fs::read_to_string(project.join("docs/idea.md")).unwrap(),
        "mine"
    );
    assert!(project.join("src/main.rs").is_file());
    assert!(
        !project.join(".git").exists() && stderr(&kept).contains("no repository was created"),
        "{}",
        stderr(&kept)
    );
}

#[test]
fn overwritten_file_is_backed_up() {
    let dir = tempdir().unwrap();
    let project = dir.path().join("orders");
    fs::create_dir_all(&project).unwrap();
    fs::write(project.join("README.md"), "mine").unwrap();
    fs::write(project.join("README.md.orig"), "older").unwrap();
    let output = prodify(
        dir.path(),
        &["new", "orders", "-y", "--overwrite", "--vcs", "none"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        fs::read_to_string(project.join("README.md.orig")).unwrap(),
        "older"
    );
    assert_eq!(
        fs::read_to_string(project.join("README.md.orig.2")).unwrap(),
        "mine"
    );
    assert!(
        fs::read_to_string(project.join("README.md"))
            .unwrap()
            .contains("orders")
    );
}

#[test]
fn answers_derived_from_the_name_follow_the_new_name() {
    let dir = tempdir().unwrap();
    let new = |line: &str| {
        let line = format!("new {line} -y --vcs none");
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let output = prodify(dir.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    };
    new("orders --preset minimal --with backup -d k8s.host=shop.acme.com");
    new("invoices --answers orders/prodify.toml");
    let answers = |name: &str| fs::read_to_string(dir.path().join(name).join("prodify.toml"));
    let (orders, invoices) = (answers("orders").unwrap(), answers("invoices").unwrap());
    // These were defaults, and stay as they would be without the file; explicit answers are taken over.
    assert!(orders.contains("namespace = \"orders\""), "{orders}");
    assert_eq!(invoices, orders.replace("orders", "invoices"));
    assert!(invoices.contains("shop.acme.com"), "{invoices}");

    // Under the same name, it is the same project.
    fs::create_dir(dir.path().join("copy")).unwrap();
    new("copy/orders --answers orders/prodify.toml");
    assert_eq!(answers("copy/orders").unwrap(), orders);
}

#[test]
fn new_refuses_an_existing_project_with_other_answers() {
    let dir = tempdir().unwrap();
    prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
    let output = prodify(
        dir.path(),
        &["new", "orders", "-y", "--preset", "minimal", "--overwrite"],
    );
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("already"), "{}", stderr(&output));
}

#[test]
fn new_accepts_any_directory() {
    let dir = tempdir().unwrap();
    let here = dir.path().join("orders");
    fs::create_dir(&here).unwrap();
    let output = prodify(&here, &["new", ".", "-y", "--vcs", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("cd ."), "{}", stderr(&output));
    assert!(here.join("Cargo.toml").is_file());
    let output = prodify(&here, &["new", "../deep/down/api", "-y", "--vcs", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(dir.path().join("deep/down/api/Cargo.toml").is_file());
    let output = prodify(
        &here,
        &[
            "new",
            "../Not A Name",
            "-y",
            "--name",
            "fine",
            "--vcs",
            "none",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        fs::read_to_string(dir.path().join("Not A Name/Cargo.toml"))
            .unwrap()
            .contains("name = \"fine\"")
    );
}

/// Command lines, their exit codes, and the expected messages.
const INVALID: [(&str, i32, &str); 22] = [
    ("new -y", 2, "no path is given"),
    (
        "new / -y",
        2,
        "`/` is the root of the file system, which cannot be a project",
    ),
    ("new file -y", 2, "`file` is a file"),
    ("new file/x -y", 2, "would be below a file"),
    (
        "new gone/../x -y",
        2,
        "goes up from a directory that does not exist",
    ),
    ("new x --name fn -y", 2, "is a Rust keyword"),
    (
        "new x --name serde_json -y",
        2,
        "it depends on the crate `serde_json`",
    ),
    ("new x --with dokcer -y", 2, "did you mean `docker`?"),
    ("new x --without k9s -y", 2, "did you mean `k8s`?"),
    ("new x --without service -y", 2, "requires `service`"),
    (
        "new x --with docker --without docker -y",
        2,
        "is in both --with and --without",
    ),
    ("new x -d service.port -y", 2, "has no value"),
    (
        "new x -d service.prot=1 -y",
        2,
        "did you mean `service.port`?",
    ),
    (
        "new x -d service.port=80 -y",
        2,
        "must be a whole number from 1024 to 65535",
    ),
    (
        "new x -d service.port=8081 -d service.port=8082 -y",
        2,
        "is given twice",
    ),
    (
        "new x -d k8s.replicas=20 -y",
        2,
        "must not be less than k8s.replicas",
    ),
    (
        "new x --preset minimal -d k8s.host=a.b -y",
        2,
        "answers for `k8s`, which is not selected",
    ),
    ("new x --keep --overwrite -y", 2, "cannot be used with"),
    (
        "new x --answers missing.toml -y",
        2,
        "reading the answers file missing.toml",
    ),
    ("new x --answers newer.toml -y", 2, "format 99"),
    (
        "new x --answers wrong.toml -y",
        2,
        "`service.port` must be a whole number",
    ),
    (
        "new x --answers unknown.toml -y",
        2,
        "there is no question `service.prot`",
    ),
];

#[test]
fn invalid_arguments_are_rejected_with_a_fix() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    fs::write(dir.path().join("newer.toml"), "format = 99").unwrap();
    fs::write(dir.path().join("wrong.toml"), "[service]\nport = \"x\"").unwrap();
    fs::write(dir.path().join("unknown.toml"), "[service]\nprot = 1").unwrap();
    let before = listing(dir.path());
    for (line, code, message) in INVALID {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let arguments = &arguments[..];
        let output = prodify(dir.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(
            stderr(&output).contains(message),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
        // The same as JSON.
        let document = json(&prodify(
            dir.path(),
            &[arguments, &["--format", "json"]].concat(),
        ));
        assert_eq!(document["error"]["exit_code"], code, "{arguments:?}");
    }
    assert_eq!(listing(dir.path()), before);
}

#[test]
fn json_output_matches_the_published_schema() {
    let dir = tempdir().unwrap();
    let planned = json(&prodify(
        dir.path(),
        &["new", "orders", "-y", "--diff", "--format", "json"],
    ));
    assert_eq!(planned["outcome"], "planned");
    let output = prodify(
        dir.path(),
        &["new", "orders", "-y", "--format", "json", "--vcs", "none"],
    );
    assert!(stderr(&output).is_empty(), "{}", stderr(&output));
    let done = json(&output);
    assert_eq!(done["outcome"], "done");
    assert_eq!(done["next"][0]["command"], "cd orders");
    assert_eq!(
        json(&prodify(
            dir.path(),
            &["new", "orders", "-y", "--format", "json"]
        ))["outcome"],
        "unchanged"
    );
    fs::write(dir.path().join("orders/README.md"), "mine").unwrap();
    let conflict = prodify(dir.path(), &["new", "orders", "-y", "--format=json"]);
    assert_eq!(
        (conflict.status.code(), &json(&conflict)["outcome"]),
        (Some(3), &"conflict".into())
    );
    let list = json(&prodify(dir.path(), &["list", "--format", "json"]));
    for component in list["components"].as_array().unwrap() {
        json(&prodify(
            dir.path(),
            &[
                "show",
                component["name"].as_str().unwrap(),
                "--format",
                "json",
            ],
        ));
    }
    assert_eq!(
        json(&prodify(
            dir.path(),
            &["show", "nothing", "--format", "json"]
        ))["error"]["exit_code"],
        2
    );
    json(&prodify(
        dir.path(),
        &["completions", "bash", "--format", "json"],
    ));
    assert_eq!(
        json(&prodify(dir.path(), &["frobnicate", "--format", "json"]))["error"]["exit_code"],
        2
    );
    let invalid = ["add", "--bogus", "docker", "--format", "json"];
    assert_eq!(
        json(&prodify(dir.path(), &invalid))["error"]["message"],
        "unexpected argument '--bogus' found; tip: to pass '--bogus' as a value, use '-- --bogus'"
    );
}

/// What a run that succeeds prints on standard output.
fn stdout_of(directory: &Path, arguments: &[&str]) -> String {
    let output = prodify(directory, arguments);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn list_show_and_completions_print_to_stdout() {
    let dir = tempdir().unwrap();
    let text = |arguments: &[&str]| stdout_of(dir.path(), arguments);
    assert!(text(&["list"]).contains("minimal:") && text(&["list"]).contains("docker"));
    let shown = text(&["show", "docker"]);
    assert!(shown.contains("Dockerfile"), "{shown}");
    // A default that is derived from the crate or from a name cannot be typed.
    for (component, question) in [
        (
            "docker",
            "-d docker.base=…  (by default derived from the crate)",
        ),
        (
            "k8s",
            "-d k8s.namespace=…  (by default derived from the project's name and answers)",
        ),
        ("k8s", "-d k8s.replicas=2\n"),
    ] {
        let shown = text(&["show", component]);
        assert!(shown.contains(question), "{shown}");
    }
    for name in Catalog::embedded().unwrap().names().chain(["project"]) {
        for format in ["text", "json"] {
            let shown = text(&["show", name, "--format", format]);
            assert!(!shown.contains("<%"), "{shown}");
        }
    }
    assert!(text(&["--help"]).contains("cargo prodify"));
    assert!(text(&["--version"]).contains(env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            text(&["completions", shell]).contains("supply-chain"),
            "{shell}"
        );
    }
    // Also after `cargo prodify`, which fish does not learn from anything else.
    let fish = text(&["completions", "fish"]);
    assert!(fish.contains("\ncomplete -c cargo -n "), "{fish}");
    // Also positional arguments after a subcommand, which clap does not generate for fish.
    let of_add = fish
        .lines()
        .find(|line| line.contains(r#"using_subcommand add" -f -a "#));
    assert!(
        of_add.is_some_and(|line| line.contains(" docker ")),
        "{fish}"
    );
    for shell in ["elvish", "powershell"] {
        assert!(
            text(&["completions", shell]).contains("--preset"),
            "{shell}"
        );
    }
}

/// bash's completions for the last word of a line, using the printed script.
#[cfg(unix)]
fn bash_completions(script: &str, line: &str) -> String {
    let ask = r#"
        COMP_WORDS=($LINE "$LAST")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        [[ $(complete -p cargo-prodify) =~ -F\ ([^ ]+) ]]
        "${BASH_REMATCH[1]}" cargo-prodify "$LAST" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[*]}"
    "#;
    let (line, last) = line.rsplit_once(' ').unwrap();
    let output = std::process::Command::new("bash")
        .args(["--norc", "-c", &format!("{script}\n{ask}")])
        .env("LINE", format!("cargo-prodify {line}"))
        .env("LAST", last)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[cfg(unix)]
#[test]
fn bash_completes_after_every_subcommand() {
    let dir = tempdir().unwrap();
    let script = prodify(dir.path(), &["completions", "bash"]).stdout;
    let script = String::from_utf8(script).unwrap();
    for (line, expected) in [
        ("add do", "docker"),
        ("remove docker supply", "supply-chain"),
        ("show proj", "project"),
        ("eject do", "docker"),
        ("new x --preset ", "minimal standard full"),
        ("new x --with k", "k8s k8s-dev"),
        ("new x --with docker,red", "docker,redis"),
        ("new x --without tilt,docker,red", "tilt,docker,redis"),
        ("update --allow", "--allow-dirty"),
        ("check --manif", "--manifest-path"),
    ] {
        assert_eq!(bash_completions(&script, line), expected, "{line}");
    }
}

#[test]
fn help_examples_are_valid_commands() {
    let dir = tempdir().unwrap();
    let page = |arguments: &[&str]| stdout_of(dir.path(), arguments);
    for verb in Cli::command().get_subcommands() {
        let name = verb.get_name();
        let help = page(&[name, "--help"]);
        assert_eq!(help, page(&["help", name]));
        assert_eq!(help.contains("github"), name == "check", "{help}");
        let examples = help.lines().filter(|line| line.starts_with("  cargo pro"));
        let examples: Vec<&str> = examples.collect();
        assert!(!examples.is_empty() || name == "list", "{help}");
        for example in examples {
            let typed = example.split(" #").next().unwrap();
            let typed = typed.split(" > ").next().unwrap();
            let words = typed.split_whitespace().skip(1);
            let line = Cli::try_parse_from(words.map(|word| match word {
                "prodify" => "cargo-prodify",
                word => word,
            }));
            assert!(line.is_ok(), "{example}: {}", line.unwrap_err());
        }
    }
}

#[test]
fn prodify_may_be_omitted() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cargo-prodify"))
        .arg("list")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

#[test]
fn quiet_verbose_and_color_change_the_output() {
    let dir = tempdir().unwrap();
    let quiet = prodify(dir.path(), &["new", "a", "-yq", "--vcs", "none"]);
    assert!(quiet.stdout.is_empty() && quiet.stderr.is_empty());
    let verbose = prodify(
        dir.path(),
        &[
            "new",
            "b",
            "-yv",
            "-d",
            "service.port=9123",
            "--vcs",
            "none",
        ],
    );
    assert!(
        stderr(&verbose).contains("service.port = 9123 (from --set)"),
        "{}",
        stderr(&verbose)
    );
    let coloured = prodify(
        dir.path(),
        &["new", "c", "-y", "--color", "always", "--vcs", "none"],
    );
    assert!(stderr(&coloured).contains("\u{1b}["));
}

#[test]
fn new_repository_has_one_commit_if_git_has_an_identity() {
    let dir = tempdir().unwrap();
    let identity = [
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
    ];
    let output = command(dir.path(), &["new", "known", "-y"])
        .envs(identity)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let git = |project: &str, arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(dir.path().join(project))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(git("known", &["status", "--porcelain"]), "");
    assert_eq!(git("known", &["rev-list", "--count", "HEAD"]).trim(), "1");

    let output = prodify(dir.path(), &["new", "unknown", "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("staged but not committed")
            && stderr(&output).contains("user.email"),
        "{}",
        stderr(&output)
    );
    assert!(
        git("unknown", &["status", "--porcelain"])
            .lines()
            .all(|line| line.starts_with("A "))
    );

    // No repository is created inside another one.
    let output = prodify(&dir.path().join("known"), &["new", "tools/inner", "-y"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!dir.path().join("known/tools/inner/.git").exists());
    assert!(
        stderr(&output).contains("left out what belongs in the root directory of the repository"),
        "{}",
        stderr(&output)
    );
}

/// A clean git status does not prove that git has a file: here it is in a nested repository, and there it is marked as assumed
/// unchanged.
#[test]
fn uncommitted_edit_is_backed_up() {
    let dir = tempdir().unwrap();
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        let done = git
            .args(identity)
            .args(arguments)
            .current_dir(dir.path().join("orders"))
            .status();
        assert!(done.unwrap().success(), "{arguments:?}");
    };
    let project = dir.path().join("orders");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("README.md"), "committed").unwrap();
    fs::write(project.join(".gitignore"), "committed").unwrap();
    git(&["init", "-q"]);
    git(&["add", "--all"]);
    git(&["commit", "-qm", "x"]);
    git(&["update-index", "--assume-unchanged", "README.md"]);
    fs::write(project.join("README.md"), "edited").unwrap();
    let output = prodify(dir.path(), &["new", "orders", "-y", "--overwrite"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        fs::read_to_string(project.join("README.md.orig")).unwrap(),
        "edited"
    );
    assert!(!project.join(".gitignore.orig").exists());
}

#[test]
fn directory_is_not_overwritten() {
    let dir = tempdir().unwrap();
    fs::create_dir_all(dir.path().join("orders/Cargo.toml")).unwrap();
    let before = listing(dir.path());
    let output = prodify(dir.path(), &["new", "orders", "-y", "--overwrite"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("conflict Cargo.toml (is a directory)"),
        "{}",
        stderr(&output)
    );
    assert_eq!(listing(dir.path()), before);
    let quiet = prodify(dir.path(), &["new", "orders", "-yq"]);
    assert!(stderr(&quiet).contains("--keep"), "{}", stderr(&quiet));
}

#[test]
fn printed_commands_are_quoted_and_placeholders_reported() {
    let dir = tempdir().unwrap();
    let output = prodify(dir.path(), &["new", "a b/orders/", "-y", "--vcs", "none"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("cd 'a b/orders'"),
        "{}",
        stderr(&output)
    );
    let placeholders =
        "example.com is a placeholder in `project.image` and `k8s.host`: replace it with --set";
    assert!(
        stderr(&output).contains(placeholders),
        "{}",
        stderr(&output)
    );
    let answers = [
        "new",
        "b",
        "-y",
        "--vcs",
        "none",
        "-d",
        "k8s.host=a.example.com",
        "-d",
        "project.image=ghcr.io/a/b",
    ];
    assert!(!stderr(&prodify(dir.path(), &answers)).contains("is a placeholder"));
}
