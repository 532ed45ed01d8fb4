//! Runs commands to completion.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, ensure};

/// The `target` directory of this repository, in which these tests keep everything.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target")
}

/// A command with the environment of a user's shell rather than that of `cargo test`: otherwise, a generated binary would look
/// for its files in this repository, and rustup would ignore a project's own toolchain file.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        let is_from_cargo_test = name.starts_with("CARGO") && name != "CARGO_HOME"
            || name == "RUSTUP_TOOLCHAIN"
            || name == "LD_LIBRARY_PATH";
        let is_for_a_service = name.starts_with("APP_")
            || name.starts_with("OTEL_")
            || ["RUST_LOG", "DATABASE_URL", "REDIS_URL"].contains(&&*name);
        if is_from_cargo_test || is_for_a_service {
            command.env_remove(&*name);
        }
    }
    command
}

/// A tool that `tests/run` installed into `target/tools`: only that one, at its pinned version.
pub fn tool(name: &str) -> Result<Command> {
    let directory = target().join("tools/bin");
    let path = directory.join(name);
    ensure!(
        path.exists(),
        "{} is missing: `tests/run validators` and `tests/tools/engine start` put it there",
        path.display()
    );
    let mut command = command(path);
    // One tool calls another: actionlint finds shellcheck this way.
    let paths = env::var_os("PATH").unwrap_or_default();
    command.env(
        "PATH",
        env::join_paths([directory].into_iter().chain(env::split_paths(&paths)))?,
    );
    Ok(command)
}

/// A command's standard output, or an error with its whole output if it fails.
pub fn run(command: &mut Command) -> Result<String> {
    let output = run_successfully(command)?;
    Ok(String::from_utf8(output.stdout)?)
}

/// A command's whole output.
pub fn transcript(command: &mut Command) -> Result<String> {
    Ok(combined_output(&run_successfully(command)?))
}

/// The whole output of a command that must fail, or an error if it succeeds.
pub fn run_failing(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    ensure!(
        !output.status.success(),
        "{} succeeded\n{}",
        describe(command),
        combined_output(&output)
    );
    Ok(combined_output(&output))
}

fn run_successfully(command: &mut Command) -> Result<Output> {
    let output = output(command)?;
    ensure!(
        output.status.success(),
        "{} ended with {}\n{}",
        describe(command),
        output.status,
        combined_output(&output)
    );
    Ok(output)
}

fn output(command: &mut Command) -> Result<Output> {
    command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("running {}", describe(command)))
}

fn combined_output(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|stream| String::from_utf8_lossy(stream))
        .concat()
}

fn describe(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(OsStr::to_string_lossy));
    let place = command
        .get_current_dir()
        .map(|directory| format!(" in {}", directory.display()));
    format!("`{}`{}", words.join(" "), place.unwrap_or_default())
}
