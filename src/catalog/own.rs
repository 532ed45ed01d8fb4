//! Own templates: components of a company or a project, which add to the embedded ones or take their place.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use toml_edit::{DocumentMut, TableLike};

use super::{Catalog, Sources, VERSIONS};

/// Names that a template or prodify.toml has for something else.
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

/// A directory of templates, as it was read.
#[derive(Debug)]
pub struct Own {
    /// Where it lies: absolute, without links.
    pub directory: PathBuf,
    /// The same as a message says it.
    pub shown: String,
    /// Whether this run was told of it, rather than finding it in prodify.toml.
    pub told: bool,
    /// Its files, by their paths below it.
    pub files: BTreeMap<String, String>,
}

/// What an own directory does to a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It is not one of cargo prodify's.
    Added,
    /// It takes the place of the embedded one of its name.
    Replaced,
    /// Single templates take the place of embedded ones.
    Overlaid,
}

impl Own {
    fn defines(&self, component: &str) -> bool {
        self.files
            .contains_key(&format!("{component}/component.toml"))
    }

    fn place(&self, path: &str) -> String {
        format!("{}/{path}", self.shown)
    }

    /// The components that it has files of.
    fn components(&self) -> BTreeSet<&str> {
        let paths = self.files.keys();
        let names = paths.filter_map(|path| Some(path.split_once('/')?.0));
        names.collect()
    }
}

impl Catalog {
    /// The same catalog with an own directory laid over it: a component with a `component.toml` there is defined there wholly, of any
    /// other the single templates are replaced.
    ///
    /// # Errors
    ///
    /// Names the file and, where there is one, the line that cannot be taken.
    pub fn with_own(&self, own: Own) -> Result<Self> {
        let mut sources = self.sources.clone();
        for name in own.components() {
            may_be_named(name, &own)?;
            if own.defines(name) {
                let directory = format!("{name}/");
                sources.retain(|path, _| !path.starts_with(&directory));
            } else {
                ensure!(
                    self.get(name).is_some(),
                    "{} has no component.toml, and cargo prodify has no component `{name}` to lay it over",
                    own.place(name)
                );
            }
        }
        for (path, text) in &own.files {
            if path.contains('/') {
                sources.insert(path.clone(), Cow::Owned(text.clone()));
            } else if path == VERSIONS {
                lay_versions(&mut sources, &own, text)?;
            } else if path == "project.toml" {
                bail!(
                    "{}: the questions about a project are asked for every component, and cannot be replaced; ask in a component of your own",
                    own.place(path)
                );
            } else if path.ends_with(".toml") || path.ends_with(".j2") {
                bail!(
                    "{} belongs to no component: a template goes into the directory of one, and beside those only {VERSIONS} is read",
                    own.place(path)
                );
            }
        }
        let catalog = Self::build(sources, Some(own))?;
        super::check::own(&catalog)?;
        Ok(catalog)
    }

    /// The own directory that is laid over it, where one is.
    pub fn own(&self) -> Option<&Own> {
        self.own.as_ref()
    }

    /// What an own directory does to a component; none where it leaves it alone.
    pub fn origin(&self, component: &str) -> Option<Origin> {
        let own = self.own.as_ref()?;
        if !own.components().contains(component) {
            return None;
        }
        Some(
            match (own.defines(component), super::is_embedded(component)) {
                (true, false) => Origin::Added,
                (true, true) => Origin::Replaced,
                (false, _) => Origin::Overlaid,
            },
        )
    }

    /// The files of a component, by their paths below the template directory.
    pub fn files_of<'c>(&'c self, component: &str) -> impl Iterator<Item = (&'c str, &'c str)> {
        let directory = format!("{component}/");
        let all = self.sources.iter();
        all.filter(move |(path, _)| path.starts_with(&directory))
            .map(|(path, text)| (path.as_str(), text.as_ref()))
    }
}

/// A name that prodify.toml, `--set` and a template can say.
fn may_be_named(name: &str, own: &Own) -> Result<()> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    ensure!(
        begins && !name.ends_with('-') && name.chars().all(plain),
        "{}: a component's name begins with a small letter, and has small letters, digits and dashes",
        own.place(name)
    );
    ensure!(
        !RESERVED.contains(&name),
        "{}: no component can be called `{name}`, which means something else in templates or in prodify.toml",
        own.place(name)
    );
    Ok(())
}

/// Adds versions, and replaces those of the same name.
fn lay_versions(sources: &mut Sources, own: &Own, text: &str) -> Result<()> {
    let read = |text: &str, place: String| {
        let document: Result<DocumentMut, _> = text.parse();
        document.map_err(|error| anyhow::anyhow!("reading {place}: {error}"))
    };
    let laid = read(text, own.place(VERSIONS))?;
    let below = sources.get(VERSIONS).map_or("", AsRef::as_ref);
    let mut whole = read(below, format!("templates/{VERSIONS}"))?;
    for (table, items) in laid.iter() {
        let items = items.as_table_like();
        let Some(items) = items else {
            bail!(
                "{}: `{table}` is no table",
                super::check::at(&own.place(VERSIONS), text, table)
            );
        };
        match whole
            .get_mut(table)
            .and_then(|there| there.as_table_like_mut())
        {
            Some(there) => unite(there, items),
            None => drop(whole.insert(table, laid[table].clone())),
        }
    }
    sources.insert(VERSIONS.to_owned(), Cow::Owned(whole.to_string()));
    Ok(())
}

fn unite(there: &mut dyn TableLike, items: &dyn TableLike) {
    for (name, item) in items.iter() {
        there.insert(name, item.clone());
    }
}
