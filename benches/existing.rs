//! `cargo bench --bench existing`: compares `inspect` and `add` with the time that cargo itself takes to load a workspace.
//!
//! The crates are one with a single file, this repository's own with its dependencies, and a workspace of 200 members. Cargo is
//! run in two ways: for the members alone, as `inspect` does, and for the whole graph. Everything is measured alternately in one
//! run; what counts is the ratio of the medians. `add` writes, into a fresh copy each time; its other costs are shown by the same
//! command without writing.
//!
//! Since `inspect` runs cargo and waits for it, it cannot be faster. Its own cost is the difference.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, writes to directories of its own and prints what it found"
)]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The number of measurements of each side.
const ROUNDS: usize = 31;

/// The number of members of the workspace, each of which depends on some of those before it.
const MEMBERS: usize = 200;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cargo-prodify");

const MAIN: &str = r#"
fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").unwrap_or_else(|_| "8080".to_owned());
    let listener = std::net::TcpListener::bind(format!("0.0.0.0:{port}"))?;
    for stream in listener.incoming() {
        drop(stream?);
    }
    Ok(())
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    let measured = measure(&root);
    fs::remove_dir_all(&root)?;
    measured
}

fn measure(root: &Path) -> Result<(), Box<dyn Error>> {
    for (name, directory, component) in [
        ("one file", single_file(root)?, "k8s"),
        // A command, which k8s does not support.
        ("this repository", this_repository(root)?, "ci"),
        ("200 members", workspace(root)?, "k8s"),
    ] {
        let subject = Subject {
            name,
            directory,
            component,
        };
        subject.measure()?;
    }
    Ok(())
}

/// An existing crate.
struct Subject {
    name: &'static str,
    directory: PathBuf,
    /// The components to add.
    component: &'static str,
}

impl Subject {
    fn measure(&self) -> Result<(), Box<dyn Error>> {
        let sides = [
            cargo(&["metadata", "--format-version=1", "--offline", "--no-deps"]),
            cargo(&["metadata", "--format-version=1", "--offline"]),
            prodify(&["inspect", "-q"]),
            prodify(&["add", "-yqn", self.component]),
            prodify(&["add", "-yq", self.component]),
        ];
        let mut times = vec![Vec::new(); sides.len()];
        for round in 0..ROUNDS {
            // Only deleted after the last: on ext4, deletions slow down subsequent creations.
            let copy = format!("{}-{round}", self.directory.display());
            run_successfully(Command::new("cp").arg("-r").arg(&self.directory).arg(&copy))?;
            for (side, times) in sides.iter().zip(&mut times) {
                let mut command = Command::new(side[0]);
                command.args(&side[1..]).current_dir(&copy);
                times.push(time(&mut command)?);
            }
        }
        let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
        println!("{}", self.name);
        for (side, median_of_it) in sides.iter().zip(&medians) {
            let ratio = median_of_it.as_secs_f64() / medians[0].as_secs_f64();
            let words = format!("cargo {}", side[1..].join(" "));
            println!("  {words:<58} {median_of_it:>9.2?}   ratio {ratio:.2}");
        }
        Ok(())
    }
}

/// Cargo itself, which `cargo prodify` runs too: rustup's `cargo` first takes some milliseconds to find it.
fn cargo<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&[env!("CARGO")], arguments].concat()
}

fn prodify<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&[PROGRAM, "prodify"], arguments].concat()
}

/// A package of one file.
fn single_file(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let directory = root.join("small");
    package(&directory, "small", &[])?;
    fs::write(directory.join("src/main.rs"), MAIN)?;
    with_lock_file_and_git(directory)
}

/// The sources of this repository. Their dependencies are on disk, since this benchmark is built from them.
fn this_repository(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let directory = root.join("own");
    fs::create_dir_all(&directory)?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for part in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "templates",
        "benches",
    ] {
        run_successfully(
            Command::new("cp")
                .arg("-r")
                .arg(here.join(part))
                .arg(&directory),
        )?;
    }
    with_lock_file_and_git(directory)
}

/// A workspace whose last member is a binary, which depends on all the others directly or transitively.
fn workspace(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let directory = root.join("workspace");
    let name = |index: usize| format!("member-{index:03}");
    for index in 0..MEMBERS {
        let dependencies = [1, 7, 40].map(|back| index.checked_sub(back).map(name));
        let dependencies: Vec<String> = dependencies.into_iter().flatten().collect();
        let member = directory.join("crates").join(name(index));
        package(&member, &name(index), &dependencies)?;
        let mut code = String::new();
        for function in 0..100 {
            writeln!(
                code,
                "/// Adds {function} to it.\npub fn add_{function}(to: u64) -> u64 {{"
            )?;
            writeln!(
                code,
                "    let text = \"{function}\"; // a comment\n    to + text.len() as u64\n}}"
            )?;
        }
        fs::write(member.join("src/lib.rs"), code)?;
        if index == MEMBERS - 1 {
            fs::write(member.join("src/main.rs"), MAIN)?;
        }
    }
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n";
    fs::write(directory.join("Cargo.toml"), manifest)?;
    with_lock_file_and_git(directory)
}

fn package(directory: &Path, name: &str, dependencies: &[String]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(directory.join("src"))?;
    let head = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let dependencies = dependencies
        .iter()
        .map(|name| format!("{name} = {{ path = \"../{name}\" }}\n"));
    let dependencies: String = dependencies.collect();
    let server = "\n[package.metadata.prodify]\nkind = \"server\"\nport = 8080\n";
    let manifest = format!("{head}{server}\n[dependencies]\n{dependencies}");
    Ok(fs::write(directory.join("Cargo.toml"), manifest)?)
}

/// In a typical state: with a Cargo.lock, in a git repository.
fn with_lock_file_and_git(directory: PathBuf) -> Result<PathBuf, Box<dyn Error>> {
    let mut command = Command::new("cargo");
    command.args(["generate-lockfile", "--offline", "--quiet"]);
    if !directory.join("Cargo.lock").exists() {
        run_successfully(command.current_dir(&directory))?;
    }
    let mut git = Command::new("git");
    run_successfully(git.args(["init", "--quiet"]).current_dir(&directory))?;
    let mut git = Command::new("git");
    run_successfully(git.args(["add", "."]).current_dir(&directory))?;
    Ok(directory)
}

fn time(command: &mut Command) -> Result<Duration, Box<dyn Error>> {
    let start = Instant::now();
    run_successfully(command)?;
    Ok(start.elapsed())
}

fn run_successfully(command: &mut Command) -> Result<(), Box<dyn Error>> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status()?;
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(())
}

/// Sorts the times, and returns the median.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
