//! Text merges: combine two edits of one text.

mod keyed;

use std::collections::BTreeMap;

use diffy::{ConflictStyle, DiffOptions, IncompleteHunkStyle, Line, MergeOptions};

pub use keyed::{KeySyntax, Side, side_of};

/// All lines of a text, as a percentage, and half of them.
const ALL: usize = 100;
const HALF: usize = ALL / 2;

/// Texts with fewer lines may be nearly the same by chance.
const MIN_LINES: usize = 4;

/// A merge without conflicts, or the text with conflict markers.
#[derive(Debug, PartialEq, Eq)]
pub enum Merged {
    /// Contains every edit of both sides.
    Clean(String),
    /// Contains conflict markers.
    Marked(String),
}

/// Merges the edits of `base` in `ours` and `theirs`; conflicts are marked in diff3's style.
pub fn three_way(base: &str, ours: &str, theirs: &str) -> Merged {
    match options(ConflictStyle::Diff3).merge(base, ours, theirs) {
        Ok(text) => Merged::Clean(text),
        Err(text) => Merged::Marked(text),
    }
}

/// Merges two texts without a common origin: shared lines stay, and wherever they differ, both sides are put between markers.
pub fn two_way(ours: &str, theirs: &str) -> Merged {
    let lines: Vec<&str> = ours.split_inclusive('\n').collect();
    let shared = shared_lines(ours, theirs);
    let shared: String = shared.into_iter().map(|(our, _)| lines[our]).collect();
    match options(ConflictStyle::Merge).merge(&shared, ours, theirs) {
        Ok(text) => Merged::Clean(text),
        Err(text) => Merged::Marked(text),
    }
}

/// Whether a text contains conflict markers written by this program, or the remains of one: a single marker is enough, except for
/// the line between the sides, which could be any text. Other programs' markers do not count, since a text may be about git.
pub fn has_markers(text: &str) -> bool {
    let markers = ["<<<<<<< ours", "||||||| original", ">>>>>>> theirs"];
    text.lines().any(|line| markers.contains(&line))
}

/// Whether a text contains what look like git's conflict markers, which name a commit.
pub fn has_git_markers(text: &str) -> bool {
    let mut lines = text.lines();
    let is = |line: &str, marker: &str| {
        let rest = line.strip_prefix(marker);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let markers = ["<<<<<<<", "=======", ">>>>>>>"];
    markers
        .iter()
        .all(|marker| lines.any(|line| is(line, marker)))
}

/// Whether all line endings of a text are CRLF.
pub fn is_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && text.matches("\r\n").count() == ends
}

/// The text with LF line endings.
pub fn to_lf(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// A text with LF line endings, with CRLF instead.
pub fn to_crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// Markers have lines of their own, even after a last line without an end.
fn options(style: ConflictStyle) -> MergeOptions {
    let mut options = MergeOptions::new();
    options
        .set_conflict_style(style)
        .set_incomplete_hunk_style(IncompleteHunkStyle::Git);
    options
}

/// The lines that two texts share, in order: the index of each in both.
pub fn shared_lines(one: &str, other: &str) -> Vec<(usize, usize)> {
    let everything = one.lines().count().max(other.lines().count());
    let patch = DiffOptions::new()
        .set_context_len(everything)
        .create_patch(one, other);
    if patch.hunks().is_empty() {
        return (0..one.split_inclusive('\n').count())
            .map(|at| (at, at))
            .collect();
    }
    let mut shared = Vec::new();
    let mut at = (0, 0);
    for line in patch.hunks().iter().flat_map(diffy::Hunk::lines) {
        match line {
            Line::Context(_) => shared.push(at),
            Line::Delete(_) | Line::Insert(_) => {}
        }
        at.0 += usize::from(!matches!(line, Line::Insert(_)));
        at.1 += usize::from(!matches!(line, Line::Delete(_)));
    }
    shared
}

/// Whether one text may be an edited version of the other: they are equal, or share at least half of their lines. Too few lines
/// are no evidence.
pub fn is_similar(one: &str, other: &str) -> bool {
    similarity(one, other) >= HALF
}

/// The percentage of the longer text's lines that are also in the other text; 100 if the texts are equal. Empty lines do not
/// count, and line endings and indentation are ignored.
pub fn similarity(one: &str, other: &str) -> usize {
    let lines = |text: &'_ str| -> BTreeMap<String, usize> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.fold(BTreeMap::new(), |mut counts, line| {
            *counts.entry(line.to_owned()).or_default() += 1;
            counts
        })
    };
    let (one, other) = (lines(one), lines(other));
    let (len, other_len) = (one.values().sum::<usize>(), other.values().sum::<usize>());
    let longer = len.max(other_len);
    let shared = one
        .iter()
        .filter_map(|(line, number)| Some(*other.get(line)?.min(number)));
    let shared: usize = shared.sum();
    match longer {
        0 => 0,
        _ if longer < MIN_LINES && shared < longer => 0,
        _ => shared * ALL / longer,
    }
}

/// The number of the first line that changed, counted from one, if any.
pub fn first_change(before: &str, after: &str) -> Option<usize> {
    let lines = || before.lines().zip(after.lines());
    let same = lines()
        .take_while(|(before, after)| before == after)
        .count();
    (before != after).then(|| (same + 1).min(before.lines().count().max(1)))
}

/// A unified diff between two versions of `path`; `None` means that there is no file.
pub fn unified_diff(path: &str, before: Option<&str>, after: Option<&str>) -> String {
    moved_diff([path; 2], before, after)
}

/// Like [`unified_diff`], for a file that moved.
pub fn moved_diff([from, to]: [&str; 2], before: Option<&str>, after: Option<&str>) -> String {
    let side = |prefix: &str, path: &str, text: Option<&str>| {
        text.map_or("/dev/null".to_owned(), |_| format!("{prefix}/{path}"))
    };
    DiffOptions::new()
        .set_original_filename(side("a", from, before))
        .set_modified_filename(side("b", to, after))
        .create_patch(before.unwrap_or_default(), after.unwrap_or_default())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::{
        Merged, first_change, has_markers, is_crlf, is_similar, shared_lines, three_way, to_crlf,
        to_lf, two_way, unified_diff,
    };

    #[test]
    fn edits_of_both_sides_are_kept() {
        let merged = three_way("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\n", "a\nb\nc\nd\nE\n");
        assert_eq!(merged, Merged::Clean("a\nB\nc\nd\nE\n".to_owned()));
    }

    #[test]
    fn marks_overlapping_edits_as_conflicts() {
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
    fn recognizes_only_its_own_conflict_markers() {
        let marked = "a\n<<<<<<< ours\nx\n||||||| original\n=======\ny\n>>>>>>> theirs\n";
        assert!(has_markers(marked) && has_markers(&to_crlf(marked)));
        for plain in [
            "",
            "Title\n=======\n",
            "<<<<<<< HEAD\n=======\n>>>>>>> branch\n",
            " <<<<<<< ours\n =======\n >>>>>>> theirs\n",
        ] {
            assert!(!has_markers(plain), "{plain}");
        }
        // A user who removed one of them may not have read further.
        for line in ["<<<<<<< ours", "||||||| original", ">>>>>>> theirs"] {
            assert!(has_markers(&marked.replace(line, "x")), "without {line}");
            assert!(has_markers(&format!("a\n{line}\nb\n")), "{line} alone");
        }
        let Merged::Marked(text) = three_way("a", "b", "c") else {
            panic!("b and c were merged")
        };
        assert!(has_markers(&text), "{text}");
    }

    #[test]
    fn detects_and_converts_line_endings() {
        assert!(is_crlf("a\r\nb\r\n") && is_crlf("a\r\nb"));
        assert!(!is_crlf("a\r\nb\n") && !is_crlf("a"));
        assert_eq!(to_lf("a\r\nb"), "a\nb");
        assert_eq!(to_crlf("a\nb"), "a\r\nb");
    }

    #[test]
    fn first_change_is_a_line_of_the_old_text() {
        assert_eq!(first_change("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_change("a\n", "a\nb\nc\n"), Some(1));
        assert_eq!(first_change("", "a\n"), Some(1));
        assert_eq!(first_change("a\n", "a\n"), None);
    }

    #[test]
    fn shared_lines_gives_the_indices_in_both_texts() {
        assert_eq!(shared_lines("a\nb\nc", "x\na\nc"), [(0, 1), (2, 2)]);
        assert_eq!(shared_lines("a\nb\n", "a\nb\n"), [(0, 0), (1, 1)]);
        assert_eq!(shared_lines("", "a\n"), []);
    }

    #[test]
    fn texts_that_share_half_of_their_lines_are_similar() {
        let text = "a\nb\nc\nd\n";
        for other in [
            text,
            "a\nb\n\nx\ny\n",
            " d\r\nc\r\nb\r\na\r\n",
            "a\nb\nc\nd\n1\n2\n3\n4\n",
        ] {
            assert!(is_similar(text, other), "{other:?}");
        }
        for other in [
            "",
            "a\nx\ny\nz\n",
            "a\na\na\na\n",
            "a\nb\nc\nd\n1\n2\n3\n4\n5\n",
        ] {
            assert!(!is_similar(text, other), "{other:?}");
        }
        assert!(is_similar("a\nb\n", "a\nb\n") && !is_similar("a\nb\nc\n", "a\nb\nx\n"));
        assert!(!is_similar("", "") && !is_similar("\n", "\n"));
    }

    #[test]
    fn two_way_merge_writes_shared_lines_once() {
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
    fn diff_of_a_new_file_starts_from_dev_null() {
        assert_eq!(
            unified_diff("x", None, Some("a\n")),
            "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"
        );
    }
}
