//! Manifests as people write them: those of the crates whose sources are on this machine.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

use crate::round_trip::{ENTRIES, WIDER_DEPENDENCIES, check_removal, check_round_trip};

/// Enough to cover common styles.
const MINIMUM: usize = 200;

#[test]
#[ignore = "slow: tests/run generated"]
fn manifests_of_hundreds_of_crates_are_kept_byte_for_byte() -> Result<()> {
    let mut count = 0;
    let mut problems = Vec::new();
    for path in manifests()? {
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        count += 1;
        let checked = check_round_trip(&text, ENTRIES)
            .and_then(|()| check_removal(&text, WIDER_DEPENDENCIES));
        if let Err(problem) = checked {
            problems.push(format!("{}: {problem}", path.display()));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n\n"));
    ensure!(
        count >= MINIMUM,
        "cargo's registry has only {count} manifests here, but the test needs {MINIMUM}: `cargo fetch` adds some"
    );
    Ok(())
}

/// Both of each crate: the author's, and the one that cargo generated from it.
fn manifests() -> Result<Vec<PathBuf>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let home = home.context("finding cargo's directory")?;
    let mut found = Vec::new();
    let sources = home.join("registry/src");
    let registries =
        fs::read_dir(&sources).with_context(|| format!("listing {}", sources.display()))?;
    for registry in registries {
        for package in fs::read_dir(registry?.path())? {
            let package = package?.path();
            found.extend(["Cargo.toml.orig", "Cargo.toml"].map(|name| package.join(name)));
        }
    }
    Ok(found)
}
