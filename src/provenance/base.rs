//! The base: every file as prodify last wrote it, in a format based on Go's txtar archives.
//!
//! In addition to txtar, a marker names the component of the file; says, if applicable, that it is executable, that it has no
//! final newline, and which template path it has if the user moved it; and ends with a checksum of all that and of the text. A
//! line of a file that looks like a marker is escaped with a backslash.
//!
//! Git merges a base like any other text. Since each file has its own checksum, files that git took entirely from one side are
//! still valid, and those that it combined from both, or that were edited, are detected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};

use crate::merge;
use crate::tree::{Class, File, RelPath, Tree};

/// The format that is written. Format 1 had no checksums.
const FORMAT: u32 = 2;

/// The first line, up to the format number.
const HEADER: &str = "What cargo prodify last wrote, to tell its own lines from yours. Format ";

/// The approximate length of a marker, in bytes.
const MARKER: usize = 100;

/// The user's paths of moved files, by the templates' paths.
pub type Moved = BTreeMap<RelPath, RelPath>;

/// The contents of a base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The files, by the templates' paths.
    pub files: Tree,
    /// The user's paths of moved files.
    pub moved: Moved,
    /// Files whose text is not what was written: it was edited, or merged from two.
    pub doubtful: BTreeSet<RelPath>,
    /// Whether git left conflict markers in it.
    pub conflicting: bool,
}

impl Base {
    /// The file at a path, whatever its template's path.
    pub fn at(&self, place: &RelPath) -> Option<&File> {
        let mut moved = self.moved.iter();
        let path = moved.find(|(_, to)| *to == place);
        self.files.get(path.map_or(place, |(path, _)| path))
    }
}

/// The text of a base.
pub fn write_base(files: &Tree, moved: &Moved) -> String {
    let size = files.values().map(|file| file.text.len() + MARKER).sum();
    let mut base = String::with_capacity(size);
    let _ = writeln!(base, "{HEADER}{FORMAT}.");
    for (path, file) in files {
        let marker = Marker::new(path, file, moved.get(path));
        let is_unterminated = marker.is_unterminated;
        let _ = writeln!(base, "-- {}; {:016x}) --", marker, marker.sum(&file.text));
        // Hardly any file has such a line, and checking every line takes time.
        if file.text.contains(" --") {
            for line in file.text.split_inclusive('\n') {
                if is_marker(line.trim_start_matches('\\')) {
                    base.push('\\');
                }
                base.push_str(line);
            }
        } else {
            base.push_str(&file.text);
        }
        if is_unterminated {
            base.push('\n');
        }
    }
    base
}

/// Reads a base, in this format or an older one. If git left both sides of a conflict in it, valid files are taken from either:
/// both were written by prodify, so neither claims a user's line for prodify.
///
/// # Errors
///
/// Names the line that is not as [`write_base`] writes it; or says that a newer version wrote it.
pub fn read_base(text: &str) -> Result<Base> {
    // Git may have converted all line endings to CRLF.
    if text.starts_with(HEADER) && text.lines().count() == text.matches("\r\n").count() {
        return read_base(&merge::to_lf(text));
    }
    let read = read(text);
    // Without checksums, files that git combined from both sides could not be detected.
    let has_no_checksums = text.starts_with(&format!("{HEADER}1."));
    let is_whole = read.as_ref().is_ok_and(|base| base.doubtful.is_empty());
    let Some([ours, theirs]) = sides(text).filter(|_| !is_whole || has_no_checksums) else {
        return read;
    };
    ensure!(
        !has_no_checksums,
        "it contains conflict markers: take either side of the merge unchanged, and let `cargo prodify update` bring it up to date"
    );
    Ok(combine_sides(self::read(&ours)?, self::read(&theirs)?))
}

fn read(text: &str) -> Result<Base> {
    let mut lines = text.split_inclusive('\n').enumerate();
    let format = lines.next().map(|(_, line)| line.trim_end());
    let format = format.and_then(|line| line.strip_prefix(HEADER)?.strip_suffix('.'));
    let format: u32 = format
        .and_then(|format| format.parse().ok())
        .with_context(|| format!("line 1 is not `{HEADER}{FORMAT}.`"))?;
    if format > FORMAT {
        bail!(
            "it has format {format}, from a newer cargo prodify than this one, which reads format {FORMAT}: install the newer version"
        );
    }
    let mut base = Base::default();
    let mut current: Option<(Marker, String)> = None;
    for (index, line) in lines {
        if is_marker(line) {
            base.extend(current.take());
            let marker = Marker::read(line, format)
                .with_context(|| format!("line {} is not a marker", index + 1))?;
            current = Some((marker, String::new()));
        } else {
            let (_, text) = current
                .as_mut()
                .with_context(|| format!("line {} belongs to no file", index + 1))?;
            let escaped = line.starts_with('\\') && is_marker(line.trim_start_matches('\\'));
            text.push_str(if escaped { &line[1..] } else { line });
        }
    }
    base.extend(current);
    Ok(base)
}

impl Base {
    fn extend(&mut self, file: Option<(Marker, String)>) {
        let Some((marker, mut text)) = file else {
            return;
        };
        if marker.is_unterminated {
            text.pop();
        }
        if marker
            .checksum
            .is_some_and(|checksum| checksum != marker.sum(&text))
        {
            self.doubtful.insert(marker.path.clone());
        }
        if marker.place != marker.path {
            self.moved.insert(marker.path.clone(), marker.place);
        }
        let file = File {
            text,
            executable: marker.executable,
            class: Class::Shared,
            component: marker.component,
        };
        self.files.insert(marker.path, file);
    }
}

/// Combines two sides of a conflict: if a file is valid in both, either will do.
fn combine_sides(mut ours: Base, mut theirs: Base) -> Base {
    for (path, file) in theirs.files {
        let is_better = ours.doubtful.contains(&path) && !theirs.doubtful.contains(&path);
        if ours.files.contains_key(&path) && !is_better {
            continue;
        }
        match theirs.doubtful.contains(&path) {
            true => ours.doubtful.insert(path.clone()),
            false => ours.doubtful.remove(&path),
        };
        let moved = theirs.moved.remove_entry(&path);
        ours.moved.remove(&path);
        ours.moved.extend(moved);
        ours.files.insert(path, file);
    }
    ours.conflicting = true;
    ours
}

/// Both sides of the conflicts that git left in a text; none if there are none.
fn sides(text: &str) -> Option<[String; 2]> {
    let mut sides = [String::new(), String::new()];
    // The side or sides that the lines belong to.
    let (mut ours, mut theirs) = (true, true);
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let is_open = !(ours && theirs);
        let is =
            |marker: &str| line.trim_end() == marker || line.starts_with(&format!("{marker} "));
        match () {
            () if !is_open && is("<<<<<<<") => (ours, theirs, found) = (true, false, true),
            () if is_open && is("|||||||") => (ours, theirs) = (false, false),
            () if is_open && is("=======") => (ours, theirs) = (false, true),
            () if is_open && is(">>>>>>>") => (ours, theirs) = (true, true),
            () => {
                for (side, _) in sides
                    .iter_mut()
                    .zip([ours, theirs])
                    .filter(|(_, is_included)| *is_included)
                {
                    side.push_str(line);
                }
            }
        }
    }
    found.then_some(sides)
}

fn is_marker(line: &str) -> bool {
    line.starts_with("-- ") && line.trim_end_matches(['\r', '\n']).ends_with(" --")
}

/// The line above a file.
struct Marker {
    /// The path of the file.
    place: RelPath,
    /// Its template's path.
    path: RelPath,
    component: String,
    executable: bool,
    /// Whether the text ends without a newline.
    is_unterminated: bool,
    /// Its checksum, as read.
    checksum: Option<u64>,
}

impl Marker {
    fn new(path: &RelPath, file: &File, place: Option<&RelPath>) -> Self {
        Self {
            place: place.unwrap_or(path).clone(),
            path: path.clone(),
            component: file.component.clone(),
            executable: file.executable,
            is_unterminated: !(file.text.is_empty() || file.text.ends_with('\n')),
            checksum: None,
        }
    }

    fn read(line: &str, format: u32) -> Option<Self> {
        let (place, notes) = line
            .trim_end()
            .strip_prefix("-- ")?
            .strip_suffix(") --")?
            .rsplit_once(" (")?;
        let place = RelPath::new(place).ok()?;
        let mut notes: Vec<&str> = notes.split("; ").collect();
        let checksum = match format {
            1 => None,
            _ => Some(u64::from_str_radix(notes.pop()?, 16).ok()?),
        };
        let mut notes = notes.into_iter();
        let mut marker = Self {
            path: place.clone(),
            place,
            component: notes.next()?.to_owned(),
            executable: false,
            is_unterminated: false,
            checksum,
        };
        for note in notes {
            match (note, note.strip_prefix("for ")) {
                ("executable", _) => marker.executable = true,
                ("no final newline", _) => marker.is_unterminated = true,
                (_, Some(path)) => marker.path = RelPath::new(path).ok()?,
                _ => return None,
            }
        }
        Some(marker)
    }

    /// FNV-1a, which is sufficient against accidents, and needs no crate.
    fn sum(&self, text: &str) -> u64 {
        let marker = self.to_string();
        let bytes = marker.bytes().chain([0]).chain(text.bytes());
        bytes.fold(0xCBF2_9CE4_8422_2325, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
        })
    }
}

/// The start of the line, without the checksum and the end.
impl std::fmt::Display for Marker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}", self.place, self.component)?;
        if self.place != self.path {
            write!(f, "; for {}", self.path)?;
        }
        if self.executable {
            f.write_str("; executable")?;
        }
        if self.is_unterminated {
            f.write_str("; no final newline")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Base, Moved, read_base, write_base};
    use crate::tree::{Class, File, RelPath, Tree};

    const FIRST: &str =
        "What cargo prodify last wrote, to tell its own lines from yours. Format 1.\n";

    fn path(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    fn tree(files: &[(&str, &str)]) -> Tree {
        let file = |(at, text): &(&str, &str)| (path(at), File::of_project((*text).to_owned()));
        files.iter().map(file).collect()
    }

    fn written(files: &[(&str, &str)]) -> String {
        write_base(&tree(files), &Moved::new())
    }

    #[test]
    fn base_reads_back_as_written() {
        let texts = [
            "",
            "a\n",
            "a",
            "\n",
            "\n\n",
            "a\n\n",
            "-- x --\n",
            "\\-- x (c) --\nb",
            "\\\\-- y --",
            "-- a\r\n",
            "-- a --\r\nb\r\n",
            "\\\n",
            "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n",
        ];
        let tree: Tree = texts
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let file = File {
                    text: (*text).to_owned(),
                    executable: index % 2 == 0,
                    class: Class::Shared,
                    component: "c-d".to_owned(),
                };
                (path(&format!("dir/f {index} (x)")), file)
            })
            .collect();
        let base = Base {
            files: tree.clone(),
            ..Base::default()
        };
        assert_eq!(read_base(&write_base(&tree, &Moved::new())).unwrap(), base);
    }

    #[test]
    fn moved_paths_read_back_as_written() {
        let files = tree(&[("a", "x\n"), ("b", "y\n")]);
        let moved = Moved::from([(path("a"), path("c (d); for e"))]);
        let base = read_base(&write_base(&files, &moved)).unwrap();
        assert_eq!((base.files, base.moved), (files, moved));
        assert!(base.doubtful.is_empty());
    }

    #[test]
    fn accepts_crlf_line_endings_from_git() {
        let text = written(&[("f", "a\n-- x --\n")]).replace('\n', "\r\n");
        let base = read_base(&text).unwrap();
        assert_eq!(base.files, tree(&[("f", "a\n-- x --\n")]));
        assert!(base.doubtful.is_empty());
    }

    #[test]
    fn reads_format_1_without_checksums() {
        let base = read_base(&format!("{FIRST}-- a (c; executable) --\nx\n")).unwrap();
        let file = &base.files["a"];
        assert!(file.text == "x\n" && file.executable && file.component == "c");
        assert!(base.doubtful.is_empty());
        let newer = FIRST.replace("Format 1", "Format 3");
        let error = read_base(&newer).unwrap_err().to_string();
        assert!(
            error.contains("format 3, from a newer cargo prodify"),
            "{error}"
        );
        let merged = format!("{FIRST}-- a (c) --\n<<<<<<< HEAD\n=======\n>>>>>>> other\n");
        let error = read_base(&merged).unwrap_err().to_string();
        assert!(error.contains("take either side"), "{error}");
    }

    #[test]
    fn rejects_malformed_bases() {
        let stray = format!("{FIRST}stray\n");
        let marker = written(&[("a", "")]).replace("(project; ", "(");
        for broken in ["", "x\n", &stray, &marker] {
            assert!(read_base(broken).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn only_edited_files_are_doubtful() {
        let whole = written(&[("a", "x\n"), ("b", "y\n"), ("c", "z\n")]);
        for (from, to) in [("\ny\n", "\nY\n"), ("b (project", "b (other"), ("y\n", "")] {
            let base = read_base(&whole.replace(from, to)).unwrap();
            assert_eq!(base.doubtful, [path("b")].into(), "{from:?}");
        }
    }

    #[test]
    fn takes_valid_files_from_either_side_of_a_conflict() {
        let ours = written(&[("a", "1\n"), ("b", "ours\n")]);
        let theirs = written(&[("a", "1\n"), ("b", "theirs\n"), ("c", "new\n")]);
        let at = ours.find("-- b").unwrap();
        let (head, ours, theirs) = (&ours[..at], &ours[at..], &theirs[at..]);
        for middle in ["", "||||||| 1234567\n-- b (project; 00) --\n"] {
            let text =
                format!("{head}<<<<<<< HEAD\n{ours}{middle}=======\n{theirs}>>>>>>> other\n");
            let base = read_base(&text).unwrap();
            let wanted = tree(&[("a", "1\n"), ("b", "ours\n"), ("c", "new\n")]);
            assert_eq!(base.files, wanted);
            assert!(base.conflicting && base.doubtful.is_empty());
            // What git combined from both sides belongs to neither.
            let base = read_base(&text.replace("ours\n", "both\n")).unwrap();
            assert_eq!(base.files["b"].text, "theirs\n");
            let base = read_base(&text.replace("ours\n", "1\n").replace("theirs\n", "2\n"));
            assert_eq!(base.unwrap().doubtful, [path("b")].into());
        }
    }
}
