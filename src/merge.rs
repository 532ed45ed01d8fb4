//! Text merges: what two sides made of one text, put together.

use diffy::{ConflictStyle, DiffOptions, Line, MergeOptions};

/// A merge that did not need to choose, or the text with both sides between markers.
#[derive(Debug, PartialEq, Eq)]
pub enum Merged {
    /// Every edit of both sides is in it.
    Clean(String),
    /// Holds conflict markers.
    Marked(String),
}

/// Merges what `ours` and `theirs` made of `base`; conflicts are marked in diff3's style.
pub fn three_way(base: &str, ours: &str, theirs: &str) -> Merged {
    let mut options = MergeOptions::new();
    options.set_conflict_style(ConflictStyle::Diff3);
    match options.merge(base, ours, theirs) {
        Ok(text) => Merged::Clean(text),
        Err(text) => Merged::Marked(text),
    }
}

/// Merges two texts that have no common origin: what they share stays, wherever they differ both stand between markers.
pub fn two_way(ours: &str, theirs: &str) -> Merged {
    let everything = ours.lines().count().max(theirs.lines().count());
    let patch = DiffOptions::new()
        .set_context_len(everything)
        .create_patch(ours, theirs);
    let shared: String = patch
        .hunks()
        .iter()
        .flat_map(diffy::Hunk::lines)
        .filter_map(|line| match line {
            Line::Context(text) => Some(*text),
            Line::Delete(_) | Line::Insert(_) => None,
        })
        .collect();
    let mut options = MergeOptions::new();
    options.set_conflict_style(ConflictStyle::Merge);
    match options.merge(&shared, ours, theirs) {
        Ok(text) => Merged::Clean(text),
        Err(text) => Merged::Marked(text),
    }
}

/// A unified diff between two versions of `path`; `None` stands for no file.
pub fn unified_diff(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    let side = |prefix: &str, text: Option<&str>| {
        text.map_or("/dev/null".to_owned(), |_| format!("{prefix}/{path}"))
    };
    DiffOptions::new()
        .set_original_filename(side("a", before))
        .set_modified_filename(side("b", after))
        .create_patch(before.unwrap_or_default(), after.unwrap_or_default())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::{Merged, three_way, two_way, unified_diff};

    #[test]
    fn edits_of_both_sides_are_kept() {
        let merged = three_way("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
        assert_eq!(merged, Merged::Clean("a\nB\nc\nd\nE\n".to_owned()));
    }

    #[test]
    fn a_true_conflict_is_marked() {
        let Merged::Marked(text) = three_way("a\n", "b\n", "c\n") else {
            panic!("a and b were merged")
        };
        assert!(
            text.contains("<<<<<<<")
                && text.contains("|||||||")
                && text.contains("b\n")
                && text.contains("c\n"),
            "{text}"
        );
    }

    #[test]
    fn what_two_texts_share_stands_once() {
        assert_eq!(
            two_way("a\nb\n", "a\nb\nc\n"),
            Merged::Clean("a\nb\nc\n".to_owned())
        );
        let Merged::Marked(text) = two_way("a\nx\nb\n", "a\ny\nb\n") else {
            panic!("x and y were merged")
        };
        assert_eq!(text.matches("a\n").count(), 1, "{text}");
        assert!(text.contains("x\n") && text.contains("y\n"), "{text}");
    }

    #[test]
    fn a_new_file_is_a_diff_from_nothing() {
        assert_eq!(
            unified_diff("x", None, Some("a\n")),
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"
        );
    }
}
