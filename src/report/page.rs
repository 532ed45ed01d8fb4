//! A page of facts: headings, and lines with a name, a value and the evidence.

use std::fmt::Write as _;

use crate::facts::evidence::{Certainty, Evidence, Found, Place};

/// The width of the names of facts.
const LABEL: usize = 14;
/// The width of their values; a longer one shifts its evidence.
const VALUE: usize = 32;

/// A page that is being written.
pub(super) struct Page {
    pub(super) text: String,
    /// A page, with all evidence and what it says if `all` is set.
    pub(super) all: bool,
}

impl Page {
    pub(super) fn new(all: bool) -> Self {
        Self {
            text: String::new(),
            all,
        }
    }

    /// A heading; if nothing follows it, the next one replaces it.
    pub(super) fn section(&mut self, title: &str) {
        if self.text.ends_with(":\n") {
            let kept = self
                .text
                .trim_end_matches('\n')
                .rfind('\n')
                .unwrap_or_default();
            self.text.truncate(kept);
        }
        let _ = write!(self.text, "\n{title}:\n");
    }

    pub(super) fn facts<T>(
        &mut self,
        label: &str,
        facts: &[Found<T>],
        value: impl Fn(&T) -> String,
    ) {
        for fact in facts {
            self.fact(label, fact, &value);
        }
    }

    pub(super) fn optional_fact<T>(
        &mut self,
        label: &str,
        fact: Option<&Found<T>>,
        value: impl Fn(&T) -> String,
    ) {
        if let Some(fact) = fact {
            self.fact(label, fact, value);
        }
    }

    pub(super) fn fact<T>(&mut self, label: &str, fact: &Found<T>, value: impl Fn(&T) -> String) {
        let certainty = match fact.certainty {
            Certainty::Certain => "",
            Certainty::Likely => "likely, ",
            Certainty::Guess => "a guess, ",
        };
        let evidence = self.evidence(&fact.evidence);
        let value = value(&fact.value);
        let _ = writeln!(
            self.text,
            "  {label:LABEL$} {value:VALUE$} [{certainty}{evidence}]"
        );
    }

    pub(super) fn plain(&mut self, label: &str, value: &str) {
        let _ = writeln!(self.text, "  {label:LABEL$} {value}");
    }

    /// The evidence: the best place, or all of them with what they say.
    pub(super) fn evidence(&self, evidence: &[Evidence]) -> String {
        let whole = |evidence: &Evidence| format!("{}: {}", evidence.place, evidence.says);
        // A line can be looked up; other evidence is meaningless without what it says.
        let short = |evidence: &Evidence| match evidence.place {
            Place::File { line: Some(_), .. } => evidence.place.to_string(),
            _ => whole(evidence),
        };
        match evidence {
            [] => String::new(),
            all if self.all => all.iter().map(whole).collect::<Vec<_>>().join("; "),
            [only] => short(only),
            [first, rest @ ..] => format!("{}, and {} more", short(first), rest.len()),
        }
    }
}
