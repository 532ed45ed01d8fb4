//! The components of a project: from a preset and a request to an ordered selection.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::catalog::{Catalog, Component, Preset, ProjectKind, Scope};
use crate::error::{Usage, did_you_mean, list_names};

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The kind of crate that they are for.
    pub kind: ProjectKind,
    /// The initial components.
    pub start: BTreeSet<String>,
    /// Components to add, with those that they require.
    pub with: Vec<String>,
    /// Components to leave out.
    pub without: Vec<String>,
}

/// The components of a project, each after those that it requires.
#[derive(Debug, Default)]
pub struct Selection<'c> {
    /// In the order of their fragments and facts.
    pub components: Vec<&'c Component>,
    /// Those that a preset includes, but that cannot be added to this directory.
    pub left_out: Vec<&'c Component>,
    /// The one that creates a new project's package, if no requested one does.
    pub package: Option<&'c Component>,
}

impl Selection<'_> {
    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.components
            .iter()
            .map(|component| component.name.as_str())
    }
}

/// The names of the components in a preset.
pub fn preset(catalog: &Catalog, preset: Preset) -> BTreeSet<String> {
    catalog
        .components()
        .filter(|component| component.preset <= preset)
        .map(|component| component.name.clone())
        .collect()
}

/// The component of that name.
///
/// # Errors
///
/// [`Usage`] if there is none, suggesting a similar name.
pub fn find<'c>(catalog: &'c Catalog, name: &str) -> Result<&'c Component> {
    catalog.get(name).ok_or_else(|| {
        let hint = did_you_mean(name, catalog.names());
        Usage::new(format!(
            "there is no component `{name}`{hint} (`cargo prodify list` shows them all)"
        ))
        .into()
    })
}

/// The components of these names.
///
/// # Errors
///
/// As [`find`], for the first unknown one.
pub fn find_all<'c>(catalog: &'c Catalog, names: &[String]) -> Result<Vec<&'c Component>> {
    names.iter().map(|name| find(catalog, name)).collect()
}

/// Resolves a request; `widest` is the widest scope of which the project's directory is the root.
///
/// # Errors
///
/// [`Usage`] for an unknown component, one that is both required and excluded, two that conflict, one requested by name that
/// cannot be added to this directory, or an empty selection.
pub fn select<'c>(catalog: &'c Catalog, request: &Request, widest: Scope) -> Result<Selection<'c>> {
    let mut without = BTreeSet::new();
    for name in &request.without {
        if request.with.contains(name) {
            return Err(Usage::new(format!("`{name}` is in both --with and --without")).into());
        }
        without.insert(find(catalog, name)?.name.as_str());
    }

    let mut chosen = BTreeMap::new();
    let mut left_out = BTreeMap::new();
    for name in &request.start {
        let component = find(catalog, name)?;
        if component.scope > widest {
            left_out.insert(component.name.as_str(), component);
        } else if !without.contains(component.name.as_str()) {
            chosen.insert(component.name.as_str(), component);
        }
    }
    for name in &request.with {
        let component = find(catalog, name)?;
        if component.scope > widest {
            return Err(Usage::new(format!(
                "`{name}` belongs in the root directory of a {}, which this is not",
                component.scope
            ))
            .into());
        }
        chosen.insert(component.name.as_str(), component);
    }
    require(catalog, request.kind, &mut chosen, &without)?;

    for component in chosen.values() {
        if let Some(other) = component
            .conflicts
            .iter()
            .find(|other| chosen.contains_key(other.as_str()))
        {
            return Err(Usage::new(format!(
                "`{}` and `{other}` conflict: leave one out with --without",
                component.name
            ))
            .into());
        }
    }
    if chosen.is_empty() {
        return Err(Usage::new("no component is selected: select some with --with").into());
    }
    left_out.retain(|name, _| !without.contains(name));
    Ok(Selection {
        components: order(chosen),
        left_out: left_out.into_values().collect(),
        package: None,
    })
}

/// Like [`select`], for a new project: if no requested component creates its package, the one that does is added.
///
/// # Errors
///
/// As [`select`]; and [`Usage`] if that component is excluded, or if there are several.
pub fn select_new<'c>(
    catalog: &'c Catalog,
    request: &Request,
    widest: Scope,
) -> Result<Selection<'c>> {
    let selection = select(catalog, request, widest)?;
    let mut chosen = selection.components.iter();
    if chosen.any(|component| catalog.creates_package(component)) {
        return Ok(selection);
    }
    let creators = catalog
        .components()
        .filter(|it| catalog.creates_package(it));
    let creators: Vec<&String> = creators.map(|component| &component.name).collect();
    match creators[..] {
        [only] if !request.without.contains(only) => {
            let mut request = request.clone();
            request.with.push(only.clone());
            Ok(Selection {
                package: catalog.get(only),
                ..select(catalog, &request, widest)?
            })
        }
        _ => Err(Usage::new(format!(
            "a new project must be a package, and none of {} creates one: select {} too, or add to an existing crate with `cargo prodify add`",
            list_names(selection.names()),
            creators.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
        ))
        .into()),
    }
}

/// Adds the components that the selected ones require.
fn require<'c>(
    catalog: &'c Catalog,
    kind: ProjectKind,
    chosen: &mut BTreeMap<&'c str, &'c Component>,
    without: &BTreeSet<&str>,
) -> Result<()> {
    let mut open: Vec<&Component> = chosen.values().copied().collect();
    while let Some(component) = open.pop() {
        for required in component
            .required(kind)
            .iter()
            .filter_map(|name| catalog.get(name))
            .filter(|required| kind != ProjectKind::Workspace || required.scope > Scope::Package)
        {
            if without.contains(required.name.as_str()) {
                let (name, required) = (&component.name, &required.name);
                return Err(Usage::new(format!(
                    "`{name}` requires `{required}`: leave `{name}` out too, or keep `{required}`"
                ))
                .into());
            }
            if chosen.insert(&required.name, required).is_none() {
                open.push(required);
            }
        }
    }
    Ok(())
}

/// Sorts components by name, but each after those that it requires or names in `after`.
fn order<'c>(mut chosen: BTreeMap<&'c str, &'c Component>) -> Vec<&'c Component> {
    let mut ordered: Vec<&Component> = Vec::new();
    while !chosen.is_empty() {
        let must_wait = |component: &Component| {
            component
                .requires
                .iter()
                .chain(&component.after)
                .any(|name| chosen.contains_key(name.as_str()))
        };
        // A cycle, from which a test keeps the catalog free, would be broken at its first name.
        let next = chosen
            .values()
            .find(|component| !must_wait(component))
            .or_else(|| chosen.values().next())
            .copied();
        if let Some(next) = next {
            chosen.remove(next.name.as_str());
            ordered.push(next);
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;

    use super::{Request, select, select_new};
    use crate::catalog::{Catalog, Scope};

    /// A catalog of components given as (name, further lines of `component.toml`).
    fn catalog(components: &[(&str, &str)]) -> Catalog {
        let mut sources: BTreeMap<String, Cow<'static, str>> = BTreeMap::new();
        sources.insert("project.toml".to_owned(), "questions = []".into());
        sources.insert("versions.toml".to_owned(), "".into());
        for (name, rest) in components {
            sources.insert(
                format!("{name}/component.toml"),
                format!("summary = 's'\npreset = 'standard'\nexisting = {{}}\n{rest}").into(),
            );
        }
        sources.insert("app/manifest.toml.j2".to_owned(), "[package]\n".into());
        Catalog::from_sources(sources).unwrap()
    }

    /// A catalog in which `app` creates a package.
    fn example() -> Catalog {
        catalog(&[
            ("app", ""),
            ("cache", "requires = ['db']"),
            ("db", "requires = ['app']"),
            ("alpha", "after = ['zeta']"),
            ("zeta", ""),
            ("ci", "scope = 'repository'"),
            ("other", "conflicts = ['app']"),
        ])
    }

    fn pick(
        start: &[&str],
        with: &[&str],
        without: &[&str],
        widest: Scope,
    ) -> Result<Vec<String>, String> {
        let owned = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let request = Request {
            start: owned(start).into_iter().collect(),
            with: owned(with),
            without: owned(without),
            ..Request::default()
        };
        let catalog = example();
        select(&catalog, &request, widest)
            .map(|selection| owned(&selection.names().collect::<Vec<_>>()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn required_components_are_added_before_their_dependents() {
        assert_eq!(
            pick(&[], &["cache"], &[], Scope::Repository).unwrap(),
            ["app", "db", "cache"]
        );
        assert_eq!(
            pick(&["alpha", "zeta"], &[], &[], Scope::Repository).unwrap(),
            ["zeta", "alpha"]
        );
        assert_eq!(
            pick(&["alpha"], &[], &[], Scope::Repository).unwrap(),
            ["alpha"]
        );
    }

    #[test]
    fn new_project_always_gets_a_package() {
        let new = |with: &str, without: &[&str]| {
            let request = Request {
                with: vec![with.to_owned()],
                without: without.iter().map(|&name| name.to_owned()).collect(),
                ..Request::default()
            };
            let catalog = example();
            select_new(&catalog, &request, Scope::Repository)
                .map(|selection| selection.names().collect::<Vec<_>>().join(" "))
                .map_err(|error| error.to_string())
        };
        assert_eq!(new("db", &[]).unwrap(), "app db");
        assert_eq!(new("alpha", &[]).unwrap(), "alpha app");
        assert_eq!(
            new("alpha", &["app"]).unwrap_err(),
            "a new project must be a package, and none of `alpha` creates one: select `app` too, or add to an existing crate with `cargo prodify add`"
        );
    }

    #[test]
    fn components_out_of_scope_are_left_out_unless_requested() {
        assert_eq!(
            pick(&["app", "ci"], &[], &[], Scope::Package).unwrap(),
            ["app"]
        );
        assert!(
            pick(&["app"], &["ci"], &[], Scope::Package)
                .unwrap_err()
                .contains("root directory of a repository")
        );
    }

    #[test]
    fn rejects_contradictory_requests() {
        let error = |start: &[&str], with: &[&str], without: &[&str]| {
            pick(start, with, without, Scope::Repository).unwrap_err()
        };
        assert_eq!(
            error(&["app", "db"], &[], &["app"]),
            "`db` requires `app`: leave `db` out too, or keep `app`"
        );
        assert!(error(&["app"], &["other"], &[]).contains("conflict: leave one out"));
        assert!(error(&[], &["db"], &["db"]).contains("is in both --with and --without"));
        assert!(error(&[], &["cahce"], &[]).contains("did you mean `cache`?"));
        assert!(error(&["app"], &[], &["app"]).contains("no component"));
    }
}
