//! Command lines for the user to type.

use crate::cli::Subject;

/// A path quoted as a single word for a shell, and written so that no command takes it for a flag.
pub(super) fn shell_word(path: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    let path = if path.starts_with('-') {
        format!("./{path}")
    } else {
        path.to_owned()
    };
    if path.chars().all(plain) {
        path
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// The command line of a verb for the same crate.
pub(super) fn for_subject(verb: &str, subject: &Subject) -> String {
    let mut command = format!("cargo prodify {verb}");
    if let Some(manifest) = &subject.manifest_path {
        let manifest = shell_word(&manifest.display().to_string());
        command = format!("{command} --manifest-path {manifest}");
    }
    if let Some(package) = &subject.package {
        command = format!("{command} --package {}", shell_word(package));
    }
    command
}
