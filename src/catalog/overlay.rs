//! Own templates: components of a company or a project, which add to or replace the built-in ones.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use toml_edit::{DocumentMut, TableLike};

use super::{Catalog, Sources, VERSIONS};

/// Names with another meaning in templates or in prodify.toml.
const RESERVED: [&str; 10] = [
    "components",
    "crate",
    "each",
    "format",
    "loop",
    "prodify",
    "project",
    "slot",
    "templates",
    "versions",
];

/// A directory of own templates, as read.
#[derive(Debug)]
pub struct Overlay {
    /// Its absolute path, without links.
    pub directory: PathBuf,
    /// Its path as shown in messages.
    pub display_path: String,
    /// Whether it was given to this run, rather than found in prodify.toml.
    pub is_explicit: bool,
    /// Its files, by their relative paths.
    pub files: BTreeMap<String, String>,
}

/// How an overlay changes a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is not built in.
    Added,
    /// It replaces the built-in component of its name.
    Replaced,
    /// It replaces single templates of a built-in component.
    Overlaid,
}

impl Overlay {
    fn defines(&self, component: &str) -> bool {
        self.files
            .contains_key(&format!("{component}/component.toml"))
    }

    fn display_path(&self, path: &str) -> String {
        format!("{}/{path}", self.display_path)
    }

    /// The components that it has files of.
    fn components(&self) -> BTreeSet<&str> {
        let paths = self.files.keys();
        let names = paths.filter_map(|path| Some(path.split_once('/')?.0));
        names.collect()
    }
}

impl Catalog {
    /// This catalog with an overlay applied: a component with a `component.toml` there is replaced entirely, and of any
    /// other one, single templates are.
    ///
    /// # Errors
    ///
    /// Names the file, and the line if there is one, that is not valid.
    pub fn with_overlay(&self, overlay: Overlay) -> Result<Self> {
        let mut sources = self.sources.clone();
        for name in overlay.components() {
            check_name(name, &overlay)?;
            if overlay.defines(name) {
                let directory = format!("{name}/");
                sources.retain(|path, _| !path.starts_with(&directory));
            } else {
                ensure!(
                    self.get(name).is_some(),
                    "{} has no component.toml, and cargo prodify has no component `{name}` for it to overlay",
                    overlay.display_path(name)
                );
            }
        }
        for (path, text) in &overlay.files {
            if path.contains('/') {
                sources.insert(path.clone(), Cow::Owned(text.clone()));
            } else if path == VERSIONS {
                overlay_versions(&mut sources, &overlay, text)?;
            } else if path == "project.toml" {
                bail!(
                    "{}: the questions about a project are the same for all components, and cannot be replaced; ask yours in a component",
                    overlay.display_path(path)
                );
            } else if path.ends_with(".toml") || path.ends_with(".j2") {
                bail!(
                    "{} belongs to no component: templates go into a component's directory, and only {VERSIONS} is read beside those",
                    overlay.display_path(path)
                );
            }
        }
        let catalog = Self::build(sources, Some(overlay))?;
        super::check::check_overlay(&catalog)?;
        Ok(catalog)
    }

    /// The overlay, if there is one.
    pub fn overlay(&self) -> Option<&Overlay> {
        self.overlay.as_ref()
    }

    /// How an overlay changes a component; none if it does not.
    pub fn origin(&self, component: &str) -> Option<Origin> {
        let overlay = self.overlay.as_ref()?;
        if !overlay.components().contains(component) {
            return None;
        }
        Some(
            match (overlay.defines(component), super::is_embedded(component)) {
                (true, false) => Origin::Added,
                (true, true) => Origin::Replaced,
                (false, _) => Origin::Overlaid,
            },
        )
    }

    /// The files of a component, by their paths relative to the template directory.
    pub fn files_of<'c>(&'c self, component: &str) -> impl Iterator<Item = (&'c str, &'c str)> {
        let directory = format!("{component}/");
        let all = self.sources.iter();
        all.filter(move |(path, _)| path.starts_with(&directory))
            .map(|(path, text)| (path.as_str(), text.as_ref()))
    }
}

/// Checks a name that is used in prodify.toml, `--set` and templates.
fn check_name(name: &str, overlay: &Overlay) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    ensure!(
        begins && !name.ends_with('-') && name.chars().all(plain),
        "{}: a component's name begins with a lower-case letter, and consists of lower-case letters, digits and dashes",
        overlay.display_path(name)
    );
    ensure!(
        !RESERVED.contains(&name),
        "{}: no component can be called `{name}`, which has another meaning in templates or in prodify.toml",
        overlay.display_path(name)
    );
    Ok(())
}

/// Adds versions, and replaces those of the same name.
fn overlay_versions(sources: &mut Sources, overlay: &Overlay, text: &str) -> Result<()> {
    let read = |text: &str, place: String| {
        let document: Result<DocumentMut, _> = text.parse();
        document.map_err(|error| anyhow::anyhow!("reading {place}: {error}"))
    };
    let added = read(text, overlay.display_path(VERSIONS))?;
    let below = sources.get(VERSIONS).map_or("", AsRef::as_ref);
    let mut whole = read(below, format!("templates/{VERSIONS}"))?;
    for (table, items) in added.iter() {
        let items = items.as_table_like();
        let Some(items) = items else {
            bail!(
                "{}: `{table}` is not a table",
                super::check::line_of(&overlay.display_path(VERSIONS), text, table)
            );
        };
        match whole
            .get_mut(table)
            .and_then(|there| there.as_table_like_mut())
        {
            Some(there) => merge_tables(there, items),
            None => drop(whole.insert(table, added[table].clone())),
        }
    }
    sources.insert(VERSIONS.to_owned(), Cow::Owned(whole.to_string()));
    Ok(())
}

fn merge_tables(there: &mut dyn TableLike, items: &dyn TableLike) {
    for (name, item) in items.iter() {
        there.insert(name, item.clone());
    }
}
