//! The source files of a binary: found from its main file through `mod` items, and likewise for the libraries that it is built
//! from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Package, Target};

use super::{Call, SourceFile};
use crate::facts::evidence::{Evidence, Found};
use crate::facts::toml::display_path;

/// The sources of a binary.
#[derive(Debug, Default)]
pub struct Sources {
    /// The files, the main one first.
    pub files: Vec<SourceFile>,
    /// Files that could not be read, so that facts may be missing.
    pub unread: Vec<Found<String>>,
    /// The values of constants, by name.
    pub(super) constants: BTreeMap<String, String>,
}

impl Sources {
    /// Every call in the files.
    pub fn calls(&self) -> impl Iterator<Item = Call<'_>> {
        self.files.iter().flat_map(SourceFile::calls)
    }

    /// Those of one file of this text.
    #[cfg(test)]
    pub(crate) fn from_text(text: &str) -> Self {
        let file = SourceFile::new("a.rs".to_owned(), &Root::default(), text.to_owned());
        let files: Vec<SourceFile> = file.into_iter().collect();
        Self {
            constants: constants(&files),
            files,
            ..Self::default()
        }
    }

    /// The text of a call's argument: a literal, or an unambiguous constant.
    pub fn text_of(&self, call: &Call<'_>, index: usize) -> Option<String> {
        call.text(index).or_else(|| {
            let argument = call.arguments.get(index)?;
            let last = call.file.name(argument.end.checked_sub(1)?)?;
            self.constants.get(last).cloned()
        })
    }
}

/// The starting point of a target's files.
#[derive(Debug, Default)]
pub struct Root {
    /// The package, by its name.
    pub package: String,
    /// The directory of the package.
    pub directory: PathBuf,
    /// The target's main file.
    pub main: PathBuf,
}

impl Root {
    /// The root of a target of a package.
    pub fn new(package: &Package, target: &Target) -> Self {
        let manifest = package.manifest_path.as_std_path();
        Self {
            package: package.name.to_string(),
            directory: manifest.parent().map(Path::to_owned).unwrap_or_default(),
            main: target.src_path.clone().into_std_path_buf(),
        }
    }
}

/// Reads the files of these targets, as if those in `left_out` did not exist.
pub fn read(roots: &[Root], top: &Path, left_out: &BTreeSet<PathBuf>) -> Sources {
    let mut sources = Sources::default();
    let mut seen = left_out.clone();
    for root in roots {
        let directory = root.main.parent().unwrap_or(top).to_owned();
        let mut open = vec![(root.main.clone(), directory)];
        while let Some((path, modules)) = open.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let name = display_path(&path, top);
            let file = match fs::read(&path).map(String::from_utf8) {
                Ok(Ok(text)) => SourceFile::new(name.clone(), root, text)
                    .ok_or("its brackets or quotes do not match"),
                Ok(Err(_)) => Err("it is not UTF-8 text"),
                Err(_) => Err("it cannot be read"),
            };
            match file {
                Ok(file) => {
                    open.extend(modules_of(&file, &path, &modules, left_out));
                    sources.files.push(file);
                }
                Err(why) => {
                    let evidence = Evidence::file(&name, why);
                    sources.unread.push(Found::certain(name, evidence));
                }
            }
        }
    }
    sources.constants = constants(&sources.files);
    sources
}

/// The texts and numbers of constants by name, if the name is unambiguous: `const NAME: &str = "VALUE"`.
fn constants(files: &[SourceFile]) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, Option<String>> = BTreeMap::new();
    for file in files {
        for at in file.indices() {
            if !file.is(at, "const") && !file.is(at, "static") {
                continue;
            }
            let (Some(name), end) = (file.name(at + 1), file.end_of(at)) else {
                continue;
            };
            let value = end
                .checked_sub(2)
                .filter(|at| file.is(*at, "="))
                .and_then(|at| {
                    let number = || Some(file.number(at + 1)?.to_string());
                    file.text(at + 1).or_else(number)
                });
            if let Some(value) = value {
                let known = found
                    .entry(name.to_owned())
                    .or_insert_with(|| Some(value.clone()));
                if known.as_ref() != Some(&value) {
                    *known = None;
                }
            }
        }
    }
    let known = found.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

/// The files of the `mod` items and `include!`s of a file, each with the directory of its own submodules.
fn modules_of(
    file: &SourceFile,
    path: &Path,
    modules: &Path,
    left_out: &BTreeSet<PathBuf>,
) -> Vec<(PathBuf, PathBuf)> {
    let mut found = Vec::new();
    let beside = path.parent().unwrap_or(modules);
    // The surrounding inline modules, with the ends of their blocks.
    let mut around: Vec<(usize, String)> = Vec::new();
    for at in file.indices() {
        around.retain(|(end, _)| *end > at);
        // Other crates have macros of this name, such as one for style sheets.
        let own =
            file.is(at, "include") && at.checked_sub(1).is_none_or(|before| !file.is(before, ":"));
        if own && file.is(at + 1, "!") {
            found.extend(
                file.text(at + 3)
                    .map(|name| (beside.join(name), modules.to_owned())),
            );
        }
        let Some(name) = file.name(at + 1).filter(|_| file.is(at, "mod")) else {
            continue;
        };
        let name = name.trim_start_matches("r#");
        if file.is(at + 2, "{") {
            around.push((file.inside(at + 2).end, name.to_owned()));
            continue;
        }
        if !file.is(at + 2, ";") {
            continue;
        }
        let inline: PathBuf = around.iter().map(|(_, name)| name).collect();
        if let Some(given) = path_attribute(file, at) {
            let base = if around.is_empty() {
                beside.to_owned()
            } else {
                modules.join(&inline)
            };
            let target = base.join(given);
            let directory = target.parent().unwrap_or(beside).to_owned();
            found.push((target, directory));
            continue;
        }
        let directory = modules.join(inline);
        let flat = directory.join(format!("{name}.rs"));
        let nested = directory.join(name);
        // A file in neither place belongs to another target, or is generated by a build script.
        let places = [flat, nested.join("mod.rs")].into_iter();
        let target = { places }.find(|path| path.is_file() && !left_out.contains(path));
        found.extend(target.map(|target| (target, nested)));
    }
    found
}

/// The path in `#[path = "…"]` of a `mod` item, among its attributes and before its `pub`.
fn path_attribute(file: &SourceFile, item: usize) -> Option<String> {
    let mut at = item.checked_sub(1)?;
    while file.is(at, "pub") || file.is(at, ")") {
        let start = if file.is(at, ")") {
            file.inside(at).end
        } else {
            at
        };
        at = start.checked_sub(1)?;
    }
    while file.is(at, "]") {
        let open = file.inside(at).end;
        if file.is(open + 1, "path") && file.is(open + 2, "=") {
            return file.text(open + 3);
        }
        at = open.checked_sub(2)?;
    }
    None
}
