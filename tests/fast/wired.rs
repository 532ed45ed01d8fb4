//! Code that `add` writes into existing crates, with the lines that wire it in.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::support::{contents, git, json, prodify, stderr};

const MAIN: &str = "\
#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind(\"0.0.0.0:3000\").await.unwrap();
    axum::serve(listener, axum::Router::new()).await.unwrap();
}
";

/// A server with these dependencies and this main file.
fn server(dependencies: &str, main: &str) -> TempDir {
    let dir = tempdir().unwrap();
    let package = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let manifest = format!("{package}\n[dependencies]\naxum = \"0.8\"\n{dependencies}");
    fs::create_dir(dir.path().join("src")).unwrap();
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::write(dir.path().join("src/main.rs"), main).unwrap();
    git(dir.path(), &["init", "-q", "-b", "main"]);
    git(dir.path(), &["add", "--all"]);
    dir
}

#[track_caller]
fn run(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output = prodify(directory, arguments);
    assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    stderr(&output)
}

#[test]
fn wiring_instructions_are_printed_once() {
    let dir = server("tokio = { version = \"1\", features = [\"full\"] }\n", MAIN);
    let before = contents(dir.path());
    let output = prodify(dir.path(), &["add", "config", "-y", "--format", "json"]);
    let wire = &json(&output)["wire"];
    assert_eq!(wire[0]["at"], "src/main.rs, with its other modules");
    assert_eq!(wire[0]["code"], "mod config;");
    assert_eq!(
        wire[2]["at"],
        "src/main.rs:3, instead of the address to listen on"
    );

    let text = run(dir.path(), &["add", "telemetry", "-y"], 0);
    let lines = "\
To wire in by hand, since your sources are never edited:

  src/main.rs, with its other modules, or in the library, if the router is created there
      mod telemetry;

  src/main.rs, first in `main`
      telemetry::start()?;

  where the router is created, after its last route
      .layer(axum::middleware::from_fn(telemetry::http::observe))
";
    assert!(text.contains(lines), "{text}");
    assert!(!text.contains("mod config;"), "{text}");

    let main = fs::read_to_string(dir.path().join("src/main.rs")).unwrap();
    assert_eq!(main, MAIN);
    run(dir.path(), &["remove", "config", "telemetry"], 0);
    assert_eq!(contents(dir.path()), before);
}

/// Facts stay the same after the code has been wired in, which is no declaration of the user's.
#[test]
fn wired_in_code_does_not_change_the_facts() {
    let dir = server("tokio = { version = \"1\", features = [\"full\"] }\n", MAIN);
    let components = [
        "add",
        "compose",
        "config",
        "docker",
        "k8s",
        "telemetry",
        "-y",
    ];
    run(dir.path(), &components, 0);
    let wired = format!("mod config;\nmod telemetry;\n{MAIN}");
    fs::write(dir.path().join("src/main.rs"), wired).unwrap();
    run(dir.path(), &["check"], 0);
}

#[test]
fn incompatible_dependency_version_stops_the_run() {
    let dir = server("toml = \"0.5\"\n", MAIN);
    let before = contents(dir.path());
    let stderr = run(dir.path(), &["add", "config", "-y"], 2);
    let error = "`toml` is in use at version 0.5, but what is added is written for";
    assert!(stderr.contains(error), "{stderr}");
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn older_axum_gets_no_middleware() {
    let dir = server("", MAIN);
    let manifest = dir.path().join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("0.8", "0.6")).unwrap();
    let stderr = run(dir.path(), &["add", "telemetry", "-y"], 0);
    assert!(!stderr.contains("observe"), "{stderr}");
    assert!(!dir.path().join("src/telemetry/http.rs").exists());
    let text = fs::read_to_string(manifest).unwrap();
    assert!(!text.contains("fastrand"), "{text}");
}

#[test]
fn warns_of_a_module_that_shadows_a_crate() {
    let main = MAIN.replace("    let", "    config::Config::builder();\n    let");
    let dir = server("config = \"0.15\"\n", &main);
    let added = run(dir.path(), &["add", "config", "-y"], 0);
    let warning = "src/main.rs:3: `Config::builder` seems to use the crate `config`";
    assert!(added.contains(warning), "{added}");
    assert!(!added.contains("src/config.rs:"), "{added}");
}

#[test]
fn warns_if_the_crate_already_sets_up_logging() {
    let main = MAIN.replace("    let", "    tracing_subscriber::fmt::init();\n    let");
    let dir = server("tracing-subscriber = \"0.3\"\n", &main);
    let added = run(dir.path(), &["add", "telemetry", "-y"], 0);
    let warning = "src/main.rs:3: `tracing_subscriber::` seems to set up logging already";
    assert!(added.contains(warning), "{added}");
    // The component's own code also starts one, and causes no warning.
    assert!(!added.contains("src/telemetry.rs:"), "{added}");
    let again = run(dir.path(), &["add", "release-profile", "-y"], 0);
    assert!(!again.contains("src/telemetry.rs:"), "{again}");
}
