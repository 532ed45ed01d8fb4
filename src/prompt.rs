//! Questions to a person, behind one trait so that what is decided from the answers can be tested without a terminal.

use std::io;

use anyhow::Result;
use dialoguer::console::Term;
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Confirm, Input, MultiSelect, Select};

use crate::error::Interrupted;

/// Says what is wrong with a typed answer, or takes it.
pub type Validate<'a> = dyn Fn(&str) -> Result<(), String> + 'a;

/// Somebody who answers.
pub trait Prompt {
    /// A line of text that `validate` takes.
    fn text(&mut self, question: &str, default: &str, validate: &Validate<'_>) -> Result<String>;
    /// The index of one of `items`.
    fn choose(&mut self, question: &str, items: &[String], default: usize) -> Result<usize>;
    /// The indexes of any of `items`, each with whether it is chosen to begin with.
    fn choose_many(&mut self, question: &str, items: &[(String, bool)]) -> Result<Vec<usize>>;
    /// Yes or no.
    fn confirm(&mut self, question: &str, default: bool) -> Result<bool>;
}

/// The person at the terminal.
pub struct Terminal {
    theme: ColorfulTheme,
    term: Term,
}

impl Terminal {
    /// Takes over Ctrl-C, so that a question can give the cursor back before the program ends.
    ///
    /// # Errors
    ///
    /// Where the system has no such handler to give.
    pub fn new() -> Result<Self> {
        // The signal also interrupts the read that waits for a key, which is then the error that `ask` sees.
        ctrlc::set_handler(|| {})?;
        Ok(Self {
            theme: ColorfulTheme::default(),
            term: Term::stderr(),
        })
    }

    fn ask<T>(
        &self,
        question: impl FnOnce(&ColorfulTheme, &Term) -> dialoguer::Result<T>,
    ) -> Result<T> {
        question(&self.theme, &self.term).map_err(|dialoguer::Error::IO(error)| {
            // Best effort: the terminal may be what failed.
            let _ = self.term.show_cursor();
            match error.kind() {
                io::ErrorKind::Interrupted => Interrupted.into(),
                _ => anyhow::Error::new(error).context("asking at the terminal"),
            }
        })
    }
}

impl Prompt for Terminal {
    fn text(&mut self, question: &str, default: &str, validate: &Validate<'_>) -> Result<String> {
        self.ask(|theme, term| {
            let mut input = Input::<String>::with_theme(theme)
                .with_prompt(question)
                .allow_empty(true)
                .validate_with(|typed: &String| validate(typed));
            if !default.is_empty() {
                input = input.default(default.to_owned());
            }
            input.interact_text_on(term)
        })
    }

    fn choose(&mut self, question: &str, items: &[String], default: usize) -> Result<usize> {
        self.ask(|theme, term| {
            Select::with_theme(theme)
                .with_prompt(question)
                .items(items)
                .default(default)
                .interact_on(term)
        })
    }

    fn choose_many(&mut self, question: &str, items: &[(String, bool)]) -> Result<Vec<usize>> {
        self.ask(|theme, term| {
            MultiSelect::with_theme(theme)
                .with_prompt(question)
                .items_checked(items.iter().map(|(item, on)| (item, *on)))
                .interact_on(term)
        })
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<bool> {
        self.ask(|theme, term| {
            Confirm::with_theme(theme)
                .with_prompt(question)
                .default(default)
                .interact_on(term)
        })
    }
}
