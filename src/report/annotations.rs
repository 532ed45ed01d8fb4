//! The result of `check`, as annotations for GitHub Actions.
//!
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message>

use std::fmt::Write as _;

use super::Written;

/// One for each file that differs.
pub(super) fn render(written: &Written) -> String {
    let mut annotations = String::new();
    let fix = written.next.first().map(|step| step.command.as_str());
    for file in &written.files {
        let path = property(file.place.as_deref().unwrap_or(&file.path));
        let line = file.line.map(|line| format!(",line={line}"));
        let line = line.unwrap_or_default();
        let why = file
            .why
            .unwrap_or("differs from what prodify.toml specifies");
        let fix = fix.map(|command| format!(": run `{command}`"));
        let message = message(&format!("{} {why}{}", file.path, fix.unwrap_or_default()));
        let _ = writeln!(annotations, "::error file={path}{line}::{message}");
    }
    annotations
}

/// An error as an annotation.
pub fn error(error: &anyhow::Error) -> String {
    format!("::error::{}\n", message(&format!("{error:#}")))
}

/// A text that ends at the line's end.
fn message(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

/// A text that ends at a comma or a colon too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
