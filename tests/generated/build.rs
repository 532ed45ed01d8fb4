//! What a developer runs on the first day.

use anyhow::Result;

use crate::command::run;
use crate::project::Project;

pub fn is_formatted(project: &Project) -> Result<()> {
    run(project.cargo("fmt").arg("--check"))?;
    Ok(())
}

pub fn passes_clippy(project: &Project) -> Result<()> {
    run(project.cargo("clippy").args([
        "--quiet",
        "--all-targets",
        "--",
        "-D",
        "warnings",
        "-W",
        "clippy::pedantic",
    ]))?;
    Ok(())
}

pub fn passes_its_tests(project: &Project) -> Result<()> {
    run(project.cargo("test").arg("--quiet"))?;
    Ok(())
}

pub fn is_documented(project: &Project) -> Result<()> {
    run(project
        .cargo("doc")
        .args(["--quiet", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(())
}
