//! What a developer runs on the first day.

use anyhow::Result;
use tempfile::TempDir;

use crate::command::{command, run};
use crate::project::Project;
use crate::servers::{Postgres, Servers};

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

/// With the servers that its tests can use.
pub fn passes_its_tests(project: &Project) -> Result<()> {
    let mut tests = project.cargo("test");
    let servers = Servers::start(project)?;
    tests.envs(servers.test_settings());
    run(tests.arg("--quiet"))?;
    Ok(())
}

/// `.sqlx` agrees with a real database about the queries.
pub fn has_valid_query_metadata(project: &Project) -> Result<()> {
    if !project.has("postgres") {
        return Ok(());
    }
    let postgres = Postgres::start()?;
    let mut migrate = command(project.binary()?);
    migrate.arg("migrate").current_dir(&project.directory);
    run(migrate.env("APP__DATABASE__URL", postgres.url()))?;
    let metadata = TempDir::new()?;
    let mut check = project.cargo("check");
    check.args(["--quiet", "--all-targets"]);
    check
        .env("DATABASE_URL", postgres.url())
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", metadata.path());
    run(&mut check)?;
    run(command("diff")
        .arg("--recursive")
        .arg(project.path(".sqlx"))
        .arg(metadata.path()))?;
    Ok(())
}

pub fn is_documented(project: &Project) -> Result<()> {
    run(project
        .cargo("doc")
        .args(["--quiet", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(())
}
