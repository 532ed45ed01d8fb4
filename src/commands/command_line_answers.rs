//! The answers on a command line: `--set`, and the file given with `--answers`, which is another project's prodify.toml or a
//! similar file.

use std::fs;

use anyhow::Result;

use crate::answers::GivenAnswers;
use crate::catalog::Catalog;
use crate::cli::Answers;
use crate::draft;
use crate::error::Usage;
use crate::provenance::{self, AnswersFile};

/// The answers on a command line, before it is known which project they are for.
pub(super) struct CommandLineAnswers {
    /// Empty if none is given.
    pub(super) file: AnswersFile,
    given: GivenAnswers,
}

impl CommandLineAnswers {
    /// Reads the file, and checks the keys of all answers: a mistake is reported before the first question rather than after the
    /// last.
    ///
    /// # Errors
    ///
    /// [`Usage`], naming the flag or the file; otherwise as [`GivenAnswers::new`].
    pub(super) fn read(catalog: &Catalog, arguments: &Answers) -> Result<Self> {
        let file = read(arguments)?;
        let given = GivenAnswers::new(catalog, &arguments.set, file.answers.clone())?;
        Ok(Self { file, given })
    }

    /// The answers for a project called `name`.
    ///
    /// # Errors
    ///
    /// As [`draft::reusable_answers`].
    pub(super) fn for_project(self, catalog: &Catalog, name: &str) -> Result<GivenAnswers> {
        let reusable = draft::reusable_answers(catalog, &self.file, name)?;
        Ok(self.given.with_file(reusable))
    }
}

fn read(arguments: &Answers) -> Result<AnswersFile> {
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
