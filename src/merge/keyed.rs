//! Conflicts between adjacent lines with different keys: in TOML, YAML and JSON, such lines are independent.
//!
//! In a text merge, edits without an unchanged line between them conflict. Here, a conflict is resolved if one side still has the
//! same keys in the same order, so that each of its edits has a place in the other side, and no line was edited by both. Only the
//! keys are parsed: every line stays as one of the sides wrote it, with its comments.

use std::collections::{BTreeMap, BTreeSet};

use super::Merged;

/// The separator of a key and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySyntax {
    /// `key = value`
    Toml,
    /// `key: value`, and `"key": value`
    Yaml,
}

impl KeySyntax {
    /// The separator in files of that name, if their lines have keys.
    pub fn for_file(name: &str) -> Option<Self> {
        match name.rsplit_once('.')?.1 {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" | "json" => Some(Self::Yaml),
            _ => None,
        }
    }

    /// A line up to its value; a line without a value is its own key.
    fn key(self, line: &str) -> &str {
        let text = line.trim_start();
        if text.starts_with('#') {
            return line;
        }
        let end = match self {
            Self::Toml => line.find('='),
            // In a URL or an image name, a colon is not followed by a space.
            Self::Yaml => line.find(": ").or_else(|| {
                let text = line.trim_end();
                text.ends_with(':').then(|| text.len() - 1)
            }),
        };
        end.map_or(line, |end| line[..end].trim_end())
    }

    /// Resolves the conflicts that it can, in a text with diff3 markers.
    pub fn resolve(self, marked: &str) -> Merged {
        let Some(parts) = parts(marked) else {
            return Merged::Marked(marked.to_owned());
        };
        let mut is_clean = true;
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Agreed(line) => text.push_str(line),
                Part::Conflict { whole, sides } => match self.resolve_conflict(&sides) {
                    Some(lines) => text.extend(lines),
                    None => {
                        is_clean = false;
                        text.push_str(whole);
                    }
                },
            }
        }
        match is_clean {
            true => Merged::Clean(text),
            false => Merged::Marked(text),
        }
    }

    fn resolve_conflict<'t>(
        self,
        [ours, base, theirs]: &[Vec<&'t str>; 3],
    ) -> Option<Vec<&'t str>> {
        let same_keys = |lines: &[&str]| {
            let keys = |lines: &[&'_ str]| -> Vec<String> {
                lines.iter().map(|line| self.key(line).to_owned()).collect()
            };
            keys(lines) == keys(base)
        };
        if same_keys(theirs) {
            self.interleave(base, ours, theirs)
        } else if same_keys(ours) {
            self.interleave(base, theirs, ours)
        } else {
            None
        }
    }

    /// The lines of one side, with the edits of the other one, which has the same keys as the base.
    fn interleave<'t>(
        self,
        base: &[&'t str],
        side: &[&'t str],
        edited: &[&'t str],
    ) -> Option<Vec<&'t str>> {
        let pairs = base.iter().zip(edited);
        let mut edits: BTreeMap<&str, (&str, &str)> = pairs
            .map(|(base, edited)| (self.key(base), (*base, *edited)))
            .collect();
        let keys: BTreeSet<&str> = side.iter().map(|line| self.key(line)).collect();
        // A duplicate key would be ambiguous.
        if edits.len() != base.len() || keys.len() != side.len() {
            return None;
        }
        let stays = base.iter().map(|line| self.key(line));
        let stays = stays.filter(|key| keys.contains(key));
        let in_side = side.iter().map(|line| self.key(line));
        if !stays.eq(in_side.filter(|key| edits.contains_key(key))) {
            return None;
        }
        let mut lines = Vec::new();
        for line in side {
            lines.push(match edits.remove(self.key(line)) {
                None => line,
                Some((base, edited)) if *line == base || *line == edited => edited,
                Some((base, edited)) if base == edited => line,
                Some(_) => return None,
            });
        }
        // Lines that one side removed must not have been edited by the other.
        let unedited = |(base, edited): (&str, &str)| base == edited;
        edits.into_values().all(unedited).then_some(lines)
    }
}

/// A side of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What is on disk.
    Ours,
    /// The new version.
    Theirs,
}

/// One side of a text with conflict markers, and the text outside of them; `None` if the markers are incomplete.
pub fn side_of(marked: &str, side: Side) -> Option<String> {
    let lines = |part: Part<'_>| match (part, side) {
        (Part::Agreed(line), _) => line.to_owned(),
        (Part::Conflict { sides, .. }, Side::Ours) => sides[0].concat(),
        (Part::Conflict { sides, .. }, Side::Theirs) => sides[2].concat(),
    };
    Some(parts(marked)?.into_iter().map(lines).collect())
}

/// A part of a text with markers.
enum Part<'t> {
    /// A line outside of conflicts.
    Agreed(&'t str),
    /// A conflict with its markers, and the lines of ours, base and theirs.
    Conflict {
        whole: &'t str,
        sides: [Vec<&'t str>; 3],
    },
}

/// The line between the sides, and its index among the markers. Outside of a conflict it is a normal line, such as a title's
/// underline.
const SEPARATOR: (usize, &str) = (2, "=======");

/// The markers in order. A merge of two texts without a common origin does not have the second one.
const MARKERS: [&str; 4] = [
    "<<<<<<< ours",
    "||||||| original",
    SEPARATOR.1,
    ">>>>>>> theirs",
];

/// The parts of a text with conflict markers; `None` if these are not in order.
fn parts(marked: &str) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    let mut sides = [const { Vec::new() }; 3];
    // The index of the next marker of a conflict, and the start of the first one.
    let (mut next, mut start, mut at) = (0, 0, 0);
    for line in marked.split_inclusive('\n') {
        let end = at + line.len();
        let plain = line.trim_end_matches(['\r', '\n']);
        match MARKERS.iter().position(|marker| plain == *marker) {
            None if next > 0 => sides[next - 1].push(line),
            None => parts.push(Part::Agreed(line)),
            Some(place) if place == SEPARATOR.0 && next == 0 => parts.push(Part::Agreed(line)),
            Some(place) if place == next || (place == SEPARATOR.0 && next == 1) => {
                start = if place == 0 { at } else { start };
                next = place + 1;
            }
            Some(_) => return None,
        }
        if next == MARKERS.len() {
            let whole = &marked[start..end];
            let sides = std::mem::replace(&mut sides, [const { Vec::new() }; 3]);
            parts.push(Part::Conflict { whole, sides });
            next = 0;
        }
        at = end;
    }
    (next == 0).then_some(parts)
}

#[cfg(test)]
mod tests {
    use super::{KeySyntax, Side, side_of};
    use crate::merge::{Merged, three_way};

    /// The result for a conflict between texts: the text, or nothing if it remains one.
    fn merged(keys: KeySyntax, base: &str, ours: &str, theirs: &str) -> Option<String> {
        let Merged::Marked(marked) = three_way(base, ours, theirs) else {
            panic!("no conflict:\n{base}\n{ours}\n{theirs}")
        };
        match keys.resolve(&marked) {
            Merged::Clean(text) => Some(text),
            Merged::Marked(text) => {
                assert_eq!(text, marked);
                None
            }
        }
    }

    #[test]
    fn merges_edits_of_neighbouring_keys() {
        let toml = |base, ours, theirs| merged(KeySyntax::Toml, base, ours, theirs);
        let (base, both) = ("a = 1\nb = 1\n", Some("a = 2 # mine\nb = 3\n".to_owned()));
        assert_eq!(toml(base, "a = 2 # mine\nb = 1\n", "a = 1\nb = 3\n"), both);
        // Lines added or removed on one side, with a comment in between.
        assert_eq!(
            toml(
                "a = 1\n# b\nb = 1\n",
                "# b\nb = 1\nc = 1\n",
                "a = 1\n# b\nb = 3\n"
            ),
            Some("# b\nb = 3\nc = 1\n".to_owned())
        );
        assert_eq!(
            merged(
                KeySyntax::Yaml,
                "image: x:1\n  port: 1\n",
                "image: x:2\n  port: 1\n",
                "image: x:1\n  host: a\n  port: 3\n"
            ),
            Some("image: x:2\n  host: a\n  port: 3\n".to_owned())
        );
    }

    #[test]
    fn leaves_ambiguous_edits_in_conflict() {
        for (base, ours, theirs) in [
            // The same key.
            ("a = 1\nb = 1\n", "a = 2\nb = 1\n", "a = 3\nb = 2\n"),
            // One side removed what the other edited.
            ("a = 1\nb = 1\n", "b = 1\n", "a = 3\nb = 1\n"),
            // Both added something.
            ("a = 1\n", "a = 1\nb = 1\n", "a = 1\nc = 1\n"),
            // A duplicate key, or one that moved.
            ("a = 1\na = 1\n", "a = 2\na = 1\n", "a = 1\na = 3\n"),
            ("a = 1\nb = 1\n", "b = 1\na = 2\n", "a = 1\nb = 3\n"),
            // No keys at all.
            ("one\ntwo\n", "1\ntwo\n", "one\n2\n"),
        ] {
            assert_eq!(
                merged(KeySyntax::Toml, base, ours, theirs),
                None,
                "{base}{ours}"
            );
        }
    }

    #[test]
    fn resolves_each_conflict_independently() {
        let marked = |a: &str| {
            format!(
                "<<<<<<< ours\n{a}||||||| original\nx = 1\ny = 1\n=======\nx = 1\ny = 3\n>>>>>>> theirs\n"
            )
        };
        let (one, other) = (marked("x = 2\ny = 1\n"), marked("x = 1\ny = 2\n"));
        assert_eq!(
            KeySyntax::Toml.resolve(&format!("{one}z = 1\n{other}")),
            Merged::Marked(format!("x = 2\ny = 3\nz = 1\n{other}"))
        );
    }

    #[test]
    fn extracts_either_side_of_a_marked_text() {
        let sides = |marked: &str| [Side::Ours, Side::Theirs].map(|side| side_of(marked, side));
        // With a line outside of the conflict that looks like a marker, and without a base for the two texts.
        let title = "Title\n=======\n";
        for base in ["||||||| original\na\n", ""] {
            let marked =
                format!("{title}<<<<<<< ours\nb\n{base}=======\nc\nd\n>>>>>>> theirs\ne\n");
            let expected = ["b\n", "c\nd\n"].map(|side| Some(format!("{title}{side}e\n")));
            assert_eq!(sides(&marked), expected, "{marked}");
        }
        let marked = "<<<<<<< ours\r\na\r\n=======\r\nb\r\n>>>>>>> theirs\r\n";
        assert_eq!(
            sides(marked),
            ["a\r\n", "b\r\n"].map(|side| Some(side.to_owned()))
        );
        // Markers that no merge writes.
        for marker in ["<<<<<<< ours", "=======", ">>>>>>> theirs"] {
            let odd = marked.replacen(marker, "x", 1);
            assert_eq!(sides(&odd), [None, None], "{odd}");
        }
        let between = marked.replacen("a\r\n", "a\r\n=======\r\n", 1);
        assert_eq!(sides(&between), [None, None]);
    }

    #[test]
    fn key_syntax_depends_on_the_file_extension() {
        assert_eq!(KeySyntax::for_file("deny.toml"), Some(KeySyntax::Toml));
        assert_eq!(KeySyntax::for_file("ci.yml"), Some(KeySyntax::Yaml));
        assert_eq!(KeySyntax::for_file("README.md"), None);
        assert_eq!(KeySyntax::for_file("Dockerfile"), None);
    }
}
