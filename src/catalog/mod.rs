//! The components, read from `templates/`: each is a directory, and no code here names any of them.

mod check;
mod component;
mod overlay;
mod question;

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use include_dir::{Dir, DirEntry, include_dir};
use serde::Deserialize;

pub use component::{
    Component, Each, EntryValue, Exception, Existing, Fact, Next, Preset, ProjectKind, Scope,
    Template, Warning, Wire,
};
pub use overlay::{Origin, Overlay};
pub use question::{Basis, Check, Choice, Condition, Kind, Question, Value};

use crate::tree::RelPath;

/// The paths and texts of a template directory; those embedded in the binary are borrowed.
type Sources = BTreeMap<String, Cow<'static, str>>;

/// The versions that generated projects pin, relative to a template directory.
const VERSIONS: &str = "versions.toml";

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// All components, and their common data.
#[derive(Debug)]
pub struct Catalog {
    /// Questions about the project as a whole, from `project.toml`.
    pub project: Vec<Question>,
    /// `versions.toml`: the versions that generated projects pin.
    pub versions: toml_edit::DocumentMut,
    components: BTreeMap<String, Component>,
    sources: Sources,
    overlay: Option<Overlay>,
}

impl Catalog {
    /// The catalog that is embedded in this binary.
    ///
    /// # Errors
    ///
    /// If a component is malformed, which a test prevents in releases.
    pub fn embedded() -> Result<Self> {
        let mut sources = BTreeMap::new();
        collect(&EMBEDDED, &mut sources);
        Self::from_sources(sources)
    }

    /// A catalog from the files of a template directory, by their relative paths.
    ///
    /// # Errors
    ///
    /// Names the file, and the line if it is not valid TOML.
    pub fn from_sources(sources: BTreeMap<String, Cow<'static, str>>) -> Result<Self> {
        Self::build(sources, None)
    }

    fn build(sources: Sources, overlay: Option<Overlay>) -> Result<Self> {
        let place = |path: &str| display_path(overlay.as_ref(), path);
        let mut components = BTreeMap::new();
        for path in sources.keys() {
            if let Some((name, "component.toml")) = path.split_once('/') {
                let component = read_component(name, &sources, &place)?;
                components.insert(name.to_owned(), component);
            }
        }
        for (name, component) in &components {
            for other in component
                .requires
                .iter()
                .chain(component.required(ProjectKind::Existing))
                .chain(&component.conflicts)
                .chain(&component.after)
            {
                let path = format!("{name}/component.toml");
                ensure!(
                    components.contains_key(other),
                    "{} names `{other}`, which is not a component",
                    check::line_of(
                        &place(&path),
                        text(&sources, &path)?,
                        &format!("\"{other}\"")
                    )
                );
            }
        }
        let shared: Project = parse(&sources, "project.toml", &place)?;
        let versions = text(&sources, VERSIONS)?
            .parse()
            .with_context(|| format!("reading {}", place(VERSIONS)))?;
        Ok(Self {
            project: shared.questions,
            versions,
            components,
            sources,
            overlay,
        })
    }

    /// A template or a `component.toml`, by its path relative to the template directory, as shown in messages.
    pub fn display_path(&self, path: &str) -> String {
        display_path(self.overlay.as_ref(), path)
    }

    /// Every component, by name.
    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.components.values()
    }

    /// The component of this name.
    pub fn get(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }

    /// The names of all components, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.components.keys().map(String::as_str)
    }

    /// Every question with its owner: `project` first, then the components.
    pub fn questions(&self) -> impl Iterator<Item = (&str, &Question)> {
        let of_project = self.project.iter().map(|question| ("project", question));
        of_project.chain(self.components().flat_map(Component::questions_with_owner))
    }

    /// The release of Rust that generated projects are built with.
    ///
    /// # Errors
    ///
    /// If the versions do not contain it, which a test prevents in releases.
    pub fn toolchain(&self) -> Result<&str> {
        let table = self.versions.get("toolchain");
        let channel = table.and_then(|table| table.get("channel")?.as_str());
        channel.context("templates/versions.toml has no `toolchain.channel`")
    }

    /// Whether one of a component's templates uses this name: `project.image`.
    pub fn mentions(&self, component: &Component, name: &str) -> bool {
        let mut all = component.sources();
        all.any(|path| self.source(path).is_some_and(|text| text.contains(name)))
    }

    /// Whether a component creates the package itself, rather than adds to it.
    pub fn creates_package(&self, component: &Component) -> bool {
        let manifest = component.manifest.as_ref();
        let manifest = manifest.and_then(|path| self.source(path));
        manifest.is_some_and(|text| text.lines().any(|line| line.trim() == "[package]"))
    }

    /// The text of a template, by its path relative to the template directory.
    pub fn source(&self, template: &str) -> Option<&Cow<'static, str>> {
        self.sources.get(template)
    }
}

/// The schema of `project.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Project {
    questions: Vec<Question>,
}

/// Whether a component of this name is embedded in the binary.
fn is_embedded(component: &str) -> bool {
    EMBEDDED.get_dir(component).is_some()
}

/// A file of an overlay, or of the embedded templates, as shown in messages.
fn display_path(overlay: Option<&Overlay>, path: &str) -> String {
    match overlay {
        Some(overlay) if overlay.files.contains_key(path) => {
            format!("{}/{path}", overlay.display_path)
        }
        _ => format!("templates/{path}"),
    }
}

fn collect(dir: &'static Dir<'_>, sources: &mut Sources) {
    for entry in dir.entries() {
        match entry {
            DirEntry::Dir(dir) => collect(dir, sources),
            DirEntry::File(file) => {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    // Embedded paths have the separators of the build machine.
                    sources.insert(path.replace('\\', "/"), Cow::Borrowed(text));
                }
            }
        }
    }
}

fn read_component(
    name: &str,
    sources: &Sources,
    place: &dyn Fn(&str) -> String,
) -> Result<Component> {
    let definition = format!("{name}/component.toml");
    let mut component: Component = parse(sources, &definition, place)?;
    name.clone_into(&mut component.name);
    let directory = format!("{name}/");
    for path in sources
        .range(directory.clone()..)
        .map(|(path, _)| path)
        .take_while(|path| path.starts_with(&directory))
    {
        let within = &path[directory.len()..];
        if within == "component.toml" {
            continue;
        }
        let Some(written) = within.strip_suffix(".j2") else {
            bail!("{} does not end in .j2", place(path));
        };
        if let Some(file) = written.strip_prefix("files/") {
            component.templates.push(Template {
                path: RelPath::new(file).with_context(|| place(path))?,
                source: path.clone(),
            });
        } else if let Some(fragment) = written.strip_prefix("slots/") {
            let (slot, _format) = fragment.rsplit_once('.').unwrap_or((fragment, ""));
            component.fragments.push((slot.to_owned(), path.clone()));
        } else if written == "manifest.toml" {
            component.manifest = Some(path.clone());
        } else {
            bail!(
                "{} is neither under files/ nor under slots/, nor manifest.toml.j2",
                place(path)
            );
        }
    }
    for path in component.files.keys() {
        ensure!(
            component
                .templates
                .iter()
                .any(|template| template.path.as_str() == path),
            "{}: [files] names `{path}`, for which there is no template",
            check::line_of(&place(&definition), text(sources, &definition)?, path)
        );
    }
    check_renames(&component).with_context(|| place(&definition))?;
    Ok(component)
}

/// The new path of a renamed file must be written, and its old path must not.
fn check_renames(component: &Component) -> Result<()> {
    let is_written = |path: &str| {
        let mut templates = component.templates.iter();
        templates.any(|template| template.path.as_str() == path)
    };
    for (from, to) in &component.renames {
        RelPath::new(from.as_str()).context("in [renames]")?;
        ensure!(
            !is_written(from),
            "[renames] names `{from}`, for which there is still a template"
        );
        for to in to.paths() {
            ensure!(
                is_written(to.as_str()),
                "[renames] leads from `{from}` to `{to}`, for which there is no template"
            );
        }
    }
    Ok(())
}

fn parse<T: for<'de> Deserialize<'de>>(
    sources: &Sources,
    path: &str,
    place: &dyn Fn(&str) -> String,
) -> Result<T> {
    toml_edit::de::from_str(text(sources, path)?)
        .with_context(|| format!("reading {}", place(path)))
}

fn text<'a>(sources: &'a Sources, path: &str) -> Result<&'a str> {
    sources
        .get(path)
        .map(AsRef::as_ref)
        .with_context(|| format!("templates/{path} is missing"))
}

#[cfg(test)]
mod tests {
    use super::Catalog;

    /// The error for a catalog whose single component has these renames, and a template for `new`.
    fn rename_error(renames: &str) -> Option<String> {
        let definition = "summary = \"x\"\npreset = \"minimal\"\nexisting = {}\n[renames]\n";
        let sources = [
            ("versions.toml", String::new()),
            ("project.toml", "questions = []".to_owned()),
            ("c/component.toml", format!("{definition}{renames}")),
            ("c/files/new.j2", String::new()),
        ];
        let sources = sources.map(|(path, text)| (path.to_owned(), text.into()));
        let error = Catalog::from_sources(sources.into()).err();
        error.map(|error| format!("{error:#}"))
    }

    #[test]
    fn renames_must_lead_from_removed_to_existing_paths() {
        assert_eq!(rename_error("old = 'new'\nolder = ['new']"), None);
        for (renames, why) in [
            (
                "new = 'new'",
                "names `new`, for which there is still a template",
            ),
            (
                "old = 'newer'",
                "leads from `old` to `newer`, for which there is no template",
            ),
            (
                "old = ['new', '../x']",
                "`../x` is not a path inside the project",
            ),
            ("'/old' = 'new'", "`/old` is not a path inside the project"),
        ] {
            let error = rename_error(renames).unwrap_or_default();
            assert!(
                error.contains(why) && error.contains("c/component.toml"),
                "{error}"
            );
        }
    }
}
