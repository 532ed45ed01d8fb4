//! `cargo prodify inspect`: the facts about an existing crate.

use std::collections::BTreeSet;
use std::env;

use anyhow::{Context as _, Result};

use crate::cli::Inspect;
use crate::facts::choice::CrateSpec;
use crate::facts::inspection;
use crate::report::Report;

/// Inspects the crate.
///
/// # Errors
///
/// As [`inspection::inspect`].
pub(super) fn run(arguments: &Inspect) -> Result<Report> {
    let directory = env::current_dir().context("finding the current directory")?;
    let spec = CrateSpec {
        manifest_path: arguments.subject.manifest_path.clone(),
        package: arguments.subject.package.clone(),
        bin: arguments.bin.clone(),
        written: BTreeSet::new(),
    };
    let found = inspection::inspect(&spec, &directory)?;
    Ok(Report::Inspected(Box::new(found)))
}
