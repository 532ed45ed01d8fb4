//! A project that the first version created, edited by a team, is updated to the current version: it builds, and its tests and
//! the team's pass.

use std::fs;

use anyhow::Result;

use crate::build;
use crate::command::target;
use crate::old_project as project;
use crate::project::{Project, lock_file};

#[test]
#[ignore = "slow: tests/run generated"]
fn updated_old_project_builds_and_passes_its_tests() -> Result<()> {
    let directory = target().join("generated/aging");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    project::create(&directory)?;
    project::update(&directory)?;
    fs::copy(lock_file()?, directory.join("Cargo.lock"))?;
    let project = Project::existing(directory, "shop");
    build::is_formatted(&project)?;
    build::passes_clippy(&project)?;
    build::passes_its_tests(&project)
}
