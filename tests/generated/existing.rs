//! The output of `cargo prodify add` in an existing crate.

use std::fs;

use anyhow::{Context as _, Result};

use crate::command::{command, run, target};
use crate::project::Project;
use crate::validators;

/// A typical crate, with everything added that suits any.
fn shop() -> Result<Project> {
    let directory = target().join("generated/shop");
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("removing {}", directory.display()))?;
    }
    fs::create_dir_all(directory.join("src"))?;
    let manifest = "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\n[profile.release]\nlto = true\n";
    fs::write(directory.join("Cargo.toml"), manifest)?;
    fs::write(directory.join("src/main.rs"), "fn main() {}\n")?;
    run(command("git").args(["init", "--quiet"]).arg(&directory))?;
    run(command(env!("CARGO_BIN_EXE_cargo-prodify"))
        .args(["prodify", "add", "--defaults", "--non-interactive"])
        .args(["release-profile", "supply-chain"])
        .current_dir(&directory))?;
    Ok(Project::existing(directory, "shop"))
}

#[test]
#[ignore = "slow: tests/run generated"]
fn crate_passes_the_validators_and_builds_in_every_profile() -> Result<()> {
    let shop = shop()?;
    for profile in ["release", "profiling", "dist"] {
        run(shop.cargo("build").args(["--quiet", "--profile", profile]))?;
    }
    validators::passes_all_validators(&shop)
}
