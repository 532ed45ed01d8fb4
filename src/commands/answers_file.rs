//! The file given with `--answers`: another project's prodify.toml, or a similar file.

use std::fs;

use anyhow::Result;

use crate::cli::Answers;
use crate::error::Usage;
use crate::provenance::{self, AnswersFile};

/// Its contents; empty if none is given.
///
/// # Errors
///
/// [`Usage`], naming the file, if it cannot be read.
pub(super) fn read(arguments: &Answers) -> Result<AnswersFile> {
    let Some(path) = &arguments.answers else {
        return Ok(AnswersFile::default());
    };
    let read = fs::read_to_string(path).map_err(anyhow::Error::new);
    let answers_file = read.and_then(|text| provenance::read_answers(&text));
    answers_file.map_err(|error| {
        Usage::new(format!(
            "reading the answers file {}: {error:#}",
            path.display()
        ))
        .into()
    })
}
