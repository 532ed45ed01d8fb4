//! `cargo bench --bench update`: compares `check` and `update`, with nothing to do, with `git status`.
//!
//! The project is the output of `new --preset full`, committed. Everything is measured alternately in one run; what counts is the
//! ratio of the medians. `check` runs cargo and waits for it, to locate the package, so that is measured too; the rest is
//! rendering, reading and comparing every file. A missing file that would change costs a walk through the project, which is
//! measured last.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, writes to directories of its own and prints what it found"
)]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The number of measurements of each side.
const ROUNDS: usize = 51;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cargo-prodify");

/// The exit code if an update would change something.
const DIFFERENT: i32 = 1;

/// A program, its arguments, and its exit code.
type Side<'a> = (&'a str, &'a [&'a str], i32);

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    let measured = measure(&root.join("orders"));
    fs::remove_dir_all(&root)?;
    measured
}

fn measure(project: &Path) -> Result<(), Box<dyn Error>> {
    let mut new = Command::new(PROGRAM);
    new.args(["prodify", "new", "-yq", "--preset", "full", "--vcs", "none"]);
    time(new.arg(project), 0)?;
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "--all"],
        &[
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@example.com",
            "commit",
            "--quiet",
            "-m",
            "x",
        ],
    ] {
        time(Command::new("git").args(arguments).current_dir(project), 0)?;
    }
    println!("nothing to do");
    let cargo = env!("CARGO");
    let metadata = ["metadata", "--no-deps", "--format-version=1", "--offline"];
    compare(
        project,
        &[
            ("git", &["status", "--porcelain"], 0),
            (cargo, &metadata, 0),
            (PROGRAM, &["prodify", "check", "-q"], 0),
            (PROGRAM, &["prodify", "update", "-yq"], 0),
        ],
    )?;

    println!("a file is somewhere else, and there is news for it");
    fs::create_dir(project.join("doc"))?;
    fs::rename(project.join("README.md"), project.join("doc/README.md"))?;
    let answers = project.join("prodify.toml");
    let text = fs::read_to_string(&answers)?;
    fs::write(answers, text.replace("\nport = 8080", "\nport = 9000"))?;
    compare(
        project,
        &[
            ("git", &["status", "--porcelain"], 0),
            (PROGRAM, &["prodify", "check", "-q"], DIFFERENT),
        ],
    )
}

/// Measures the sides alternately, and prints the ratio of each to the first.
fn compare(project: &Path, sides: &[Side<'_>]) -> Result<(), Box<dyn Error>> {
    let mut times = vec![Vec::new(); sides.len()];
    for _ in 0..ROUNDS {
        for ((program, arguments, code), times) in sides.iter().zip(&mut times) {
            let mut command = Command::new(program);
            times.push(time(command.args(*arguments).current_dir(project), *code)?);
        }
    }
    let medians: Vec<Duration> = times.iter_mut().map(|times| median(times)).collect();
    for ((program, arguments, _), it) in sides.iter().zip(&medians) {
        let name = Path::new(program).file_name().unwrap_or_default();
        let name = name.to_string_lossy().replace("cargo-prodify", "cargo");
        let words = format!("{name} {}", arguments.join(" "));
        let ratio = it.as_secs_f64() / medians[0].as_secs_f64();
        println!("  {words:<58} {it:>9.2?}   ratio {ratio:.2}");
    }
    Ok(())
}

fn time(command: &mut Command, code: i32) -> Result<Duration, Box<dyn Error>> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    // A difference is reported even if there are no others.
    command.stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    if status.code() != Some(code) {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(time)
}

/// Sorts the times, and returns the median.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
