//! The file given with `--answers`: another project's prodify.toml, or a similar file.

use std::fs;

use anyhow::Result;

use crate::cli::Answers;
use crate::error::Usage;
use crate::provenance::{self, Answered};

/// Its contents; empty if none is given.
///
/// # Errors
///
/// [`Usage`], naming the file, if it cannot be read.
pub(super) fn read(arguments: &Answers) -> Result<Answered> {
    let Some(path) = &arguments.answers else {
        return Ok(Answered::default());
    };
    let read = fs::read_to_string(path).map_err(anyhow::Error::new);
    let answered = read.and_then(|text| provenance::read_answers(&text));
    answered.map_err(|error| {
        Usage::new(format!(
            "reading the answers file {}: {error:#}",
            path.display()
        ))
        .into()
    })
}
