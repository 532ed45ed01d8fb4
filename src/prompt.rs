//! Questions to a person, behind a trait so that decisions based on the answers can be tested without a terminal.

mod theme;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use dialoguer::console::Term;
use dialoguer::theme::{ColorfulTheme, Theme as _};
use dialoguer::{Confirm, Input, MultiSelect, Select};

use self::theme::OneLine;
use crate::error::Interrupted;

/// Whether a question is waiting for an answer.
static ASKING: AtomicBool = AtomicBool::new(false);

/// How long a question has to notice that it was interrupted.
const NOTICE: Duration = Duration::from_millis(50);

/// Accepts a typed answer, or says what is wrong with it.
pub type Validate<'a> = dyn Fn(&str) -> Result<(), String> + 'a;

/// One of several answers.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The answer.
    pub name: &'a str,
    /// What it means; may be empty.
    pub help: &'a str,
}

/// The person, or test, that answers.
pub trait Prompt {
    /// A line of text that `validate` accepts.
    fn text(&mut self, question: &str, default: &str, validate: &Validate<'_>) -> Result<String>;
    /// The index of one of `items`.
    fn choose(&mut self, question: &str, items: &[Item<'_>], default: usize) -> Result<usize>;
    /// The indices of any number of `items`, each with whether it is initially selected.
    fn choose_many(&mut self, question: &str, items: &[(Item<'_>, bool)]) -> Result<Vec<usize>>;
    /// Yes or no.
    fn confirm(&mut self, question: &str, default: bool) -> Result<bool>;
}

/// The person at the terminal.
pub struct Terminal {
    colors: ColorfulTheme,
    term: Term,
}

impl Terminal {
    /// Handles Ctrl-C, so that a question can restore the cursor before the program ends.
    ///
    /// # Errors
    ///
    /// If the handler cannot be installed.
    pub fn new() -> Result<Self> {
        // The signal also interrupts the read that waits for a key, so `ask` sees an error.
        ctrlc::set_handler(interrupt_again)?;
        Ok(Self {
            colors: ColorfulTheme::default(),
            term: Term::stderr(),
        })
    }

    /// Asks a question, with these lines as choices.
    fn ask<T>(
        &self,
        lines: &[String],
        question: impl FnOnce(&OneLine<'_>, &Term) -> dialoguer::Result<T>,
    ) -> Result<T> {
        let theme = OneLine::new(&self.colors, &self.term, lines);
        ASKING.store(true, Ordering::Relaxed);
        let answer = question(&theme, &self.term);
        ASKING.store(false, Ordering::Relaxed);
        answer.map_err(|dialoguer::Error::IO(error)| {
            // Best effort: the terminal may be what failed.
            let _ = self.term.show_cursor();
            match error.kind() {
                io::ErrorKind::Interrupted => {
                    // The next message starts on a line of its own, below the question.
                    let _ = self.term.write_line("");
                    Interrupted.into()
                }
                _ => anyhow::Error::new(error).context("asking at the terminal"),
            }
        })
    }
}

impl Terminal {
    /// Leaves a question and its answer on the screen, without the explanation of the answer.
    fn echo(&self, question: &str, answer: &str) -> Result<()> {
        let mut line = String::new();
        let formatted = OneLine::new(&self.colors, &self.term, &[])
            .format_input_prompt_selection(&mut line, question, answer);
        formatted.context("asking at the terminal")?;
        self.term
            .write_line(&line)
            .context("asking at the terminal")
    }
}

/// Repeats an interrupt until the question has noticed it: one that arrives just before the read that waits for a key has nothing
/// to interrupt.
fn interrupt_again() {
    thread::sleep(NOTICE);
    while ASKING.load(Ordering::Relaxed) {
        #[cfg(unix)]
        {
            use rustix::process::{Signal, getpid, kill_process};
            let _ = kill_process(getpid(), Signal::INT);
        }
        thread::sleep(NOTICE);
    }
}

/// A line for each item: the names in one column, and their meanings in the next.
fn lines(items: &[Item<'_>]) -> Vec<String> {
    let width = items
        .iter()
        .map(|item| item.name.len())
        .max()
        .unwrap_or_default();
    let line = |item: &Item<'_>| {
        format!("{:width$}  {}", item.name, item.help)
            .trim_end()
            .to_owned()
    };
    items.iter().map(line).collect()
}

impl Prompt for Terminal {
    fn text(&mut self, question: &str, default: &str, validate: &Validate<'_>) -> Result<String> {
        self.ask(&[], |theme, term| {
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

    fn choose(&mut self, question: &str, items: &[Item<'_>], default: usize) -> Result<usize> {
        let chosen = self.ask(&lines(items), |theme, term| {
            let select = Select::with_theme(theme).with_prompt(question);
            let select = select.items(0..items.len()).default(default);
            select.report(false).interact_on(term)
        })?;
        self.echo(question, items.get(chosen).map_or("", |item| item.name))?;
        Ok(chosen)
    }

    fn choose_many(&mut self, question: &str, items: &[(Item<'_>, bool)]) -> Result<Vec<usize>> {
        let (shown, checked): (Vec<Item<'_>>, Vec<bool>) = items.iter().copied().unzip();
        let chosen = self.ask(&lines(&shown), |theme, term| {
            let select = MultiSelect::with_theme(theme).with_prompt(question);
            let select = select.items_checked(checked.into_iter().enumerate());
            select.report(false).interact_on(term)
        })?;
        let names: Vec<&str> = chosen
            .iter()
            .filter_map(|index| Some(shown.get(*index)?.name))
            .collect();
        self.echo(question, &names.join(", "))?;
        Ok(chosen)
    }

    fn confirm(&mut self, question: &str, default: bool) -> Result<bool> {
        self.ask(&[], |theme, term| {
            Confirm::with_theme(theme)
                .with_prompt(question)
                .default(default)
                .interact_on(term)
        })
    }
}
