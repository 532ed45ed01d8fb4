//! The wizard, driven through a pseudo-terminal.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use cargo_prodify::catalog::Catalog;
use dialoguer::console::{measure_text_width, strip_ansi_codes};
use rexpect::session::{PtySession, spawn_command};
use tempfile::tempdir;

use crate::support::listing;

/// How long a question may take to appear on a busy machine, in milliseconds.
const TIMEOUT_MS: u64 = 20_000;

/// The escape sequence that shows the cursor.
const SHOW_CURSOR: &str = "\u{1b}[?25h";

fn start(directory: &Path, arguments: &[&str]) -> PtySession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-prodify"));
    command.arg("prodify").args(arguments);
    spawn(command, directory)
}

/// Like [`start`], in a terminal of this size and without colours.
fn start_in_terminal(
    (columns, rows): (usize, usize),
    directory: &Path,
    arguments: &[&str],
) -> PtySession {
    let mut command = Command::new("sh");
    let script = format!("stty cols {columns} rows {rows} && exec \"$0\" prodify \"$@\"");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_cargo-prodify")]);
    command.args(arguments).env("NO_COLOR", "1");
    spawn(command, directory)
}

fn spawn(mut command: Command, directory: &Path) -> PtySession {
    command
        .current_dir(directory)
        .env_remove("CI")
        .env("TERM", "xterm")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    spawn_command(command, Some(TIMEOUT_MS)).unwrap()
}

fn exit_code(session: &PtySession) -> Option<i32> {
    match session.process().wait().unwrap() {
        rexpect::process::WaitStatus::Exited(_, code) => Some(code),
        other => panic!("{other:?}"),
    }
}

fn send_keys(session: &mut PtySession, keys: &str) {
    session.send(keys).unwrap();
    session.flush().unwrap();
}

/// Accepts the defaults of all following questions.
fn accept_the_rest(session: &mut PtySession, questions: &[&str]) {
    for question in questions {
        session
            .exp_string(question)
            .unwrap_or_else(|error| panic!("{question}: {error}"));
        send_keys(session, "\r");
    }
}

const PROJECT_QUESTIONS: [&str; 4] = [
    "What it does",
    "Address of its repository",
    "Container image",
    "Branch to release from",
];

#[test]
fn wizard_asks_for_answers_and_writes_after_confirmation() {
    let dir = tempdir().unwrap();
    let mut session = start(dir.path(), &["new", "--vcs", "none"]);
    session.exp_string("Project name").unwrap();
    send_keys(&mut session, "1st\r");
    session.exp_string("does not begin with a letter").unwrap();
    // The rejected name can be corrected: three backspaces, then the right one.
    send_keys(&mut session, "\u{7f}\u{7f}\u{7f}orders\r");
    session.exp_string("How much to write").unwrap();
    // Up from `standard` to `minimal`.
    send_keys(&mut session, "\u{1b}[A\r");
    session.exp_string("Components").unwrap();
    send_keys(&mut session, "\r");
    accept_the_rest(&mut session, &PROJECT_QUESTIONS);
    accept_the_rest(
        &mut session,
        &[
            "Port to listen on",
            "Memory allocator",
            "Base image at run time",
            "Port for the metrics",
        ],
    );
    session.exp_string("Write ").unwrap();
    assert!(
        listing(dir.path()).is_empty(),
        "something was written before the last question"
    );
    send_keys(&mut session, "y");
    session.exp_string("Finished").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(0));
    assert!(dir.path().join("orders/src/main.rs").is_file());
    assert!(!dir.path().join("orders/k8s").exists());
}

#[test]
fn questions_answered_by_flags_are_skipped() {
    let dir = tempdir().unwrap();
    let arguments = [
        "new",
        "orders",
        "--preset",
        "minimal",
        "--without",
        "docker",
        "-d",
        "service.port=9123",
        "-d",
        "telemetry.metrics-port=0",
        "-d",
        "service.allocator=system",
        "--vcs",
        "none",
    ];
    let mut session = start(dir.path(), &arguments);
    accept_the_rest(&mut session, &PROJECT_QUESTIONS);
    let printed = session.exp_string("Write ").unwrap();
    assert!(!printed.contains("Port"), "{printed}");
    // No writes nothing.
    send_keys(&mut session, "n");
    session.exp_string("nothing was written").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(130));
    assert!(listing(dir.path()).is_empty());
}

#[test]
fn keys_typed_ahead_answer_later_questions() {
    let dir = tempdir().unwrap();
    let mut session = start(
        dir.path(),
        &[
            "new",
            "orders",
            "--preset",
            "minimal",
            "-d",
            "service.port=9123",
            "-d",
            "telemetry.metrics-port=0",
            "-d",
            "project.image=ghcr.io/a/b",
            "-d",
            "project.branch=trunk",
            "--vcs",
            "none",
        ],
    );
    session.exp_string("What it does").unwrap();
    // In one go: the description, the repository, the allocator, the base image, and yes.
    send_keys(&mut session, "Takes orders\r\r\r\ry");
    session.exp_string("Finished").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(0));
    let manifest = std::fs::read_to_string(dir.path().join("orders/Cargo.toml")).unwrap();
    assert!(
        manifest.contains("description = \"Takes orders\""),
        "{manifest}"
    );
}

#[test]
fn questions_fit_into_the_terminal() {
    let catalog = Catalog::embedded().unwrap();
    let last = catalog.names().last().unwrap();
    for (columns, rows) in [(80, 24), (40, 12), (24, 6)] {
        let dir = tempdir().unwrap();
        let mut session = start_in_terminal((columns, rows), dir.path(), &["new", "orders"]);
        session.exp_string("How mu").unwrap();
        send_keys(&mut session, "\r");
        session.exp_string("Compon").unwrap();
        // Down twice, up twice, and from the first item to the last.
        send_keys(&mut session, "\u{1b}[B\u{1b}[B\u{1b}[A\u{1b}[A\u{1b}[A\r");
        let drawn = session.exp_string("What it does").unwrap();
        send_keys(&mut session, "\u{3}");
        session.exp_eof().unwrap();

        let drawn = decode(&drawn);
        let lines: Vec<_> = drawn.split(['\r', '\n']).map(strip_ansi_codes).collect();
        for line in &lines {
            let width = measure_text_width(line);
            assert!(width < columns, "{columns}: {width} columns in {line:?}");
        }
        let marked = lines.iter().filter(|line| line.starts_with("❯ "));
        let marked: Vec<_> = marked.collect();
        let at_last = |line: &_| str::contains(line, last);
        assert!(marked.len() == 6 && at_last(marked[5]), "{marked:?}");
        // Whenever the list is redrawn, the terminal has room for it, with its question and the cursor.
        for list in drawn.split("? ").skip(1) {
            let height = list.split("\u{1b}[").next().unwrap().lines().count();
            assert!(height < rows, "{rows}: {height} lines in {list:?}");
        }
    }
}

/// The program's output: rexpect returns each byte as a character.
fn decode(bytes: &str) -> String {
    let bytes = bytes.chars().map(|byte| u8::try_from(byte).unwrap());
    String::from_utf8(bytes.collect()).unwrap()
}

/// Ctrl-C at each question in turn.
#[test]
fn ctrl_c_exits_at_any_question() {
    let questions = [
        &["Project name", "How much to write", "Components"][..],
        &PROJECT_QUESTIONS[..],
    ]
    .concat();
    for (index, question) in questions.iter().enumerate() {
        let dir = tempdir().unwrap();
        let mut session = start(dir.path(), &["new"]);
        for earlier in &questions[..index] {
            session.exp_string(earlier).unwrap();
            send_keys(
                &mut session,
                if *earlier == "Project name" {
                    "orders\r"
                } else {
                    "\r"
                },
            );
        }
        session.exp_string(question).unwrap();
        send_keys(&mut session, "\u{3}");
        let rest = session.exp_eof().unwrap();
        let (hidden, shown) = (rest.rfind("\u{1b}[?25l"), rest.rfind(SHOW_CURSOR));
        assert!(
            shown.is_some() && shown >= hidden,
            "{question}: the cursor stays hidden in {rest:?}"
        );
        assert!(rest.contains("nothing was written"), "{question}: {rest:?}");
        // On a line of its own, rather than after what was being typed.
        let plain = strip_ansi_codes(&rest);
        let mut lines = plain.lines();
        assert!(
            lines.any(|line| line.trim_start_matches('\r').starts_with("error: ")),
            "{question}: {rest:?}"
        );
        assert_eq!(exit_code(&session), Some(130), "{question}");
        assert!(listing(dir.path()).is_empty(), "{question}");
    }
}

#[test]
fn conflicting_files_are_asked_about_one_by_one() {
    let dir = tempdir().unwrap();
    let project = dir.path().join("orders");
    std::fs::create_dir(&project).unwrap();
    for file in ["README.md", "Cargo.toml", "notes"] {
        std::fs::write(project.join(file), "mine\n").unwrap();
    }
    let mut session = start(
        dir.path(),
        &[
            "new", "orders", "-y", "--preset", "minimal", "--vcs", "none",
        ],
    );
    session.exp_string("The directory is not empty").unwrap();
    send_keys(&mut session, "y");
    session.exp_string("Cargo.toml already exists").unwrap();
    // Down twice for the difference; then overwrite.
    send_keys(&mut session, "\u{1b}[B\u{1b}[B\r");
    session.exp_string("-mine").unwrap();
    session.exp_string("keep all").unwrap();
    send_keys(&mut session, "\u{1b}[B\r");
    session.exp_string("README.md already exists").unwrap();
    session.exp_string("keep all").unwrap();
    send_keys(&mut session, "\r");
    session.exp_string("Finished").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(0));
    assert_eq!(
        std::fs::read_to_string(project.join("README.md")).unwrap(),
        "mine\n"
    );
    assert_eq!(
        std::fs::read_to_string(project.join("Cargo.toml.orig")).unwrap(),
        "mine\n"
    );
    assert!(
        std::fs::read_to_string(project.join("Cargo.toml"))
            .unwrap()
            .contains("[package]")
    );
}

#[test]
fn invalid_flag_is_reported_before_the_first_question() {
    for (flag, meant) in [
        ("--with=dockre", "`docker`"),
        ("-dservice.prot=1", "`service.port`"),
    ] {
        let dir = tempdir().unwrap();
        let mut session = start(dir.path(), &["new", flag]);
        let output = session.exp_eof().unwrap();
        assert!(
            output.contains(meant) && !output.contains("Project name"),
            "{output}"
        );
        assert_eq!(exit_code(&session), Some(2));
    }
}

#[test]
fn add_asks_only_what_its_components_need() {
    let dir = tempdir().unwrap();
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    std::fs::create_dir(dir.path().join("src")).unwrap();
    std::fs::write(dir.path().join("src/lib.rs"), "").unwrap();
    std::fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    std::fs::write(dir.path().join("deny.toml"), "mine\n").unwrap();
    let mut session = start(dir.path(), &["add", "supply-chain"]);
    accept_the_rest(
        &mut session,
        &["Address of its repository", "deny.toml already exists"],
    );
    let printed = session.exp_string("Write 5 files to .?").unwrap();
    assert!(
        PROJECT_QUESTIONS
            .iter()
            .all(|question| !printed.contains(question)),
        "{printed}"
    );
    assert!(!dir.path().join("prodify.toml").exists());
    send_keys(&mut session, "y");
    session.exp_string("Finished").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(0));

    // Adding only profiles asks nothing, except for confirmation.
    let mut session = start(dir.path(), &["add", "release-profile"]);
    session.exp_string("Write 3 files to .?").unwrap();
    send_keys(&mut session, "n");
    session.exp_string("nothing was written").unwrap();
    assert_eq!(exit_code(&session), Some(130));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("Cargo.toml")).unwrap(),
        manifest
    );
}

#[test]
fn binaries_that_run_in_production_are_asked_for_once() {
    let dir = tempdir().unwrap();
    let market = dir.path().join("market");
    let package = |name: &str| {
        let kind = "[package.metadata.prodify]\nkind = \"worker\"\n";
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n{kind}")
    };
    for name in ["api", "jobs", "tool"] {
        std::fs::create_dir_all(market.join(name).join("src")).unwrap();
        std::fs::write(market.join(name).join("Cargo.toml"), package(name)).unwrap();
        std::fs::write(market.join(name).join("src/main.rs"), "fn main() {}\n").unwrap();
    }
    let manifest = "[workspace]\nmembers = [\"api\", \"jobs\", \"tool\"]\nresolver = \"3\"\n";
    std::fs::write(market.join("Cargo.toml"), manifest).unwrap();
    let arguments = [
        "add",
        "docker",
        "-d",
        "docker.base=debian",
        "-d",
        "project.description=Sells things",
        "-d",
        "project.repository=https://github.com/acme/shop",
    ];
    let mut session = start(&market, &[&arguments[..], &["-p", "api"]].concat());
    // There is only one candidate.
    let printed = session.exp_string("Write ").unwrap();
    assert!(!printed.contains("in production"), "{printed}");
    send_keys(&mut session, "n");
    session.exp_eof().unwrap();

    let mut session = start(&market, &arguments);
    session.exp_string("What runs in production").unwrap();
    session.exp_string("tool").unwrap();
    // Down twice, and the tool is left out.
    send_keys(&mut session, "\u{1b}[B\u{1b}[B \r");
    session.exp_string("Write ").unwrap();
    send_keys(&mut session, "y");
    session.exp_string("Finished").unwrap();
    session.exp_eof().unwrap();
    assert_eq!(exit_code(&session), Some(0));
    let recorded = std::fs::read_to_string(market.join("prodify.toml")).unwrap();
    assert!(
        recorded.contains("bins = [\"api\", \"jobs\"]"),
        "{recorded}"
    );

    // It is recorded.
    let mut session = start(&market, &["add", "docker"]);
    let output = session.exp_eof().unwrap();
    assert!(output.contains("nothing to do"), "{output}");

    // If nothing is selected, the error says how to specify it.
    std::fs::remove_file(market.join("prodify.toml")).unwrap();
    std::fs::remove_dir_all(market.join(".prodify")).unwrap();
    let mut session = start(&market, &arguments);
    session.exp_string("What runs in production").unwrap();
    send_keys(&mut session, " \u{1b}[B \u{1b}[B \r");
    let output = session.exp_eof().unwrap();
    assert!(
        output.contains("with --bin, which `add` accepts more than once"),
        "{output}"
    );
    assert_eq!(exit_code(&session), Some(2));
}
