//! The look of questions: each fits into one line of the terminal, however narrow.

use std::fmt;

use dialoguer::console::{Term, measure_text_width, truncate_str};
use dialoguer::theme::{ColorfulTheme, Theme};

/// Stands for omitted text.
const MORE: &str = "…";

/// The width of dialoguer's page indicator after the question of a list.
const PAGE: usize = " [Page 10/10] ".len();

/// The minimum of a default that is shown: less could not be recognized.
const MIN_DEFAULT: usize = 8;

/// The look of a question. Dialoguer redraws a list by going up as many lines as it has written, which is too few if the terminal
/// has wrapped one.
pub(super) struct OneLine<'a> {
    colors: &'a ColorfulTheme,
    term: &'a Term,
    /// The items to choose from; dialoguer only passes their indices.
    lines: &'a [String],
}

impl<'a> OneLine<'a> {
    /// For questions on this terminal; `lines` are the items to choose from.
    pub(super) fn new(colors: &'a ColorfulTheme, term: &'a Term, lines: &'a [String]) -> Self {
        Self {
            colors,
            term,
            lines,
        }
    }

    /// The usable width: the last column is left to the cursor, for which some terminals would start a new line.
    fn width(&self) -> usize {
        usize::from(self.term.size().1).saturating_sub(1)
    }

    /// Writes what `format` writes, cut to `width` columns.
    fn cut(
        f: &mut dyn fmt::Write,
        width: usize,
        format: impl FnOnce(&mut String) -> fmt::Result,
    ) -> fmt::Result {
        let mut line = String::new();
        format(&mut line)?;
        f.write_str(&truncate_str(&line, width, MORE))
    }

    /// The line of an item, by dialoguer's index.
    fn line(&self, index: &'a str) -> &'a str {
        let line = index.parse().ok().and_then(|at: usize| self.lines.get(at));
        line.map_or(index, String::as_str)
    }
}

impl Theme for OneLine<'_> {
    fn format_prompt(&self, f: &mut dyn fmt::Write, prompt: &str) -> fmt::Result {
        let width = self.width().saturating_sub(PAGE);
        Self::cut(f, width, |line| self.colors.format_prompt(line, prompt))
    }

    fn format_error(&self, f: &mut dyn fmt::Write, error: &str) -> fmt::Result {
        // It is written only once, and says what to do, so it may take several lines.
        self.colors.format_error(f, error)
    }

    fn format_confirm_prompt(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        default: Option<bool>,
    ) -> fmt::Result {
        // A truncated question could not be confirmed.
        self.colors.format_confirm_prompt(f, prompt, default)
    }

    fn format_confirm_prompt_selection(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        selection: Option<bool>,
    ) -> fmt::Result {
        self.colors
            .format_confirm_prompt_selection(f, prompt, selection)
    }

    fn format_input_prompt(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        default: Option<&str>,
    ) -> fmt::Result {
        let around = measure_text_width("?  › ");
        let Some(default) = default else {
            let prompt = truncate_str(prompt, self.width().saturating_sub(around), MORE);
            return self.colors.format_input_prompt(f, &prompt, None);
        };
        let room = self.width().saturating_sub(around + " ()".len());
        let prompt = truncate_str(prompt, room.saturating_sub(MIN_DEFAULT), MORE);
        let default = truncate_str(default, room - measure_text_width(&prompt).min(room), MORE);
        self.colors.format_input_prompt(f, &prompt, Some(&default))
    }

    fn format_input_prompt_selection(
        &self,
        f: &mut dyn fmt::Write,
        prompt: &str,
        selection: &str,
    ) -> fmt::Result {
        Self::cut(f, self.width(), |line| {
            self.colors
                .format_input_prompt_selection(line, prompt, selection)
        })
    }

    fn format_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        index: &str,
        active: bool,
    ) -> fmt::Result {
        let text = self.line(index);
        Self::cut(f, self.width(), |line| {
            self.colors.format_select_prompt_item(line, text, active)
        })
    }

    fn format_multi_select_prompt_item(
        &self,
        f: &mut dyn fmt::Write,
        index: &str,
        checked: bool,
        active: bool,
    ) -> fmt::Result {
        let text = self.line(index);
        // Without colours, a sign marks the current item.
        let sign = match active {
            true => &self.colors.active_item_prefix,
            false => &self.colors.inactive_item_prefix,
        };
        Self::cut(f, self.width(), |line| {
            fmt::Write::write_fmt(line, format_args!("{sign} "))?;
            self.colors
                .format_multi_select_prompt_item(line, text, checked, active)
        })
    }
}

#[cfg(test)]
mod tests {
    use dialoguer::console::{Term, measure_text_width, strip_ansi_codes};
    use dialoguer::theme::{ColorfulTheme, Theme as _};

    use super::{OneLine, PAGE};

    /// The output of a theme, without colours.
    fn plain(
        lines: &[String],
        write: impl FnOnce(&OneLine<'_>, &mut String) -> std::fmt::Result,
    ) -> (String, usize) {
        // Without a terminal, the width is the usual 80 columns.
        let (colors, term) = (ColorfulTheme::default(), Term::stderr());
        let theme = OneLine::new(&colors, &term, lines);
        let mut text = String::new();
        write(&theme, &mut text).unwrap();
        (strip_ansi_codes(&text).into_owned(), theme.width())
    }

    #[test]
    fn items_are_cut_to_the_width_and_the_active_one_is_marked() {
        let lines = ["é".repeat(200), "short".to_owned()];
        let (long, width) = plain(&lines, |theme, text| {
            theme.format_multi_select_prompt_item(text, "0", true, true)
        });
        assert!(long.starts_with("❯ ✔ éé") && long.ends_with("é…"), "{long}");
        assert_eq!(measure_text_width(&long), width);
        let (short, _) = plain(&lines, |theme, text| {
            theme.format_multi_select_prompt_item(text, "1", true, false)
        });
        assert_eq!(short, "  ✔ short");
    }

    #[test]
    fn question_leaves_room_for_the_page_indicator_and_answers_are_cut() {
        let long = "word ".repeat(60);
        let (question, width) = plain(&[], |theme, text| {
            theme.format_multi_select_prompt(text, &long)
        });
        assert_eq!(measure_text_width(&question) + PAGE, width);
        let (answer, width) = plain(&[], |theme, text| {
            theme.format_input_prompt_selection(text, "Components", &long)
        });
        assert_eq!(measure_text_width(&answer), width);
        let (input, width) = plain(&[], |theme, text| {
            theme.format_input_prompt(text, "Container image", Some(&long))
        });
        assert_eq!(measure_text_width(&input), width);
        assert!(input.ends_with("…) › "), "{input}");
    }
}
