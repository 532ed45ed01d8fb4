//! A project as it was created by the first commit of this repository that could (3042b6d, `new shop -y --preset minimal`), and a
//! team's edits since then: `base.txtar` is what was written, and `team.patch` what they changed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use cargo_prodify::provenance::{ANSWERS, BASE, read_base};

/// A route in the current template, and the team's routes, which belong below it.
const INDEX: &str = "        .route(\"/\", get(index))\n";
const ORDERS: &str = "        .route(orders::PATH, get(orders::list))\n        .route(\"/orders/{number}\", get(orders::get))\n";

/// Writes the project as it was created, and then applies the team's edits; each is a commit.
pub(crate) fn create(directory: &Path) -> Result<()> {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aging");
    let base = fs::read_to_string(fixture.join("base.txtar"))?;
    let answers = fs::read_to_string(fixture.join("prodify.toml"))?;
    let written = read_base(&base)?.files;
    let files = written
        .iter()
        .map(|(path, file)| (path.as_str(), &*file.text));
    for (path, text) in files.chain([(BASE, &*base), (ANSWERS, &*answers)]) {
        let place = directory.join(path);
        fs::create_dir_all(place.parent().unwrap_or(directory))?;
        fs::write(place, text)?;
    }
    git(directory, &["init", "--quiet", "-b", "main"])?;
    commit(directory)?;
    let patch = fixture.join("team.patch").display().to_string();
    git(directory, &["apply", "--index", &patch])?;
    commit(directory)
}

/// Updates the project, and resolves the only conflict as the team would.
pub(crate) fn update(directory: &Path) -> Result<()> {
    ensure!(prodify(directory, &["update", "-yN"])? == Some(3));
    let app = directory.join("src/app.rs");
    let marked = fs::read_to_string(&app)?;
    let conflict = marked
        .split_once("<<<<<<< ours\n")
        .and_then(|(before, rest)| {
            let (_, rest) = rest.split_once("=======\n")?;
            let (theirs, after) = rest.split_once(">>>>>>> theirs\n")?;
            Some(format!("{before}{theirs}{after}"))
        });
    let text = conflict.context("there is no conflict in src/app.rs")?;
    fs::write(app, text.replacen(INDEX, &format!("{INDEX}{ORDERS}"), 1))?;
    commit(directory)
}

/// Runs the program, and returns its exit code.
pub(crate) fn prodify(directory: &Path, arguments: &[&str]) -> Result<Option<i32>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-prodify"));
    command
        .arg("prodify")
        .args(arguments)
        .current_dir(directory);
    let status = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    Ok(status.code())
}

fn commit(directory: &Path) -> Result<()> {
    git(directory, &["add", "--all"])?;
    git(directory, &["commit", "--quiet", "--message", "x"])
}

fn git(directory: &Path, arguments: &[&str]) -> Result<()> {
    let team = ["-c", "user.name=team", "-c", "user.email=team@example.com"];
    let mut command = Command::new("git");
    command.args(team).args(arguments).current_dir(directory);
    ensure!(command.status()?.success(), "git {arguments:?}");
    Ok(())
}
