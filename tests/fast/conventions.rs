//! Conventions that keep a component self-contained in its directory, checked in the templates and the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_prodify::catalog::{Catalog, Component, Kind, Value};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn directories(path: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(path).unwrap().map(Result::unwrap);
    entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect()
}

/// The program's sources without comments and unit tests.
fn sources() -> Vec<(PathBuf, String)> {
    let files = walkdir::WalkDir::new(root().join("src"))
        .into_iter()
        .map(Result::unwrap);
    files
        .filter(|entry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "rs")
        })
        .map(|entry| {
            let text = fs::read_to_string(entry.path()).unwrap();
            let code = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default();
            let code: Vec<&str> = code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            (entry.path().to_owned(), code.join("\n"))
        })
        .collect()
}

/// The templates of a component: their paths, and the text within their delimiters.
fn expressions(catalog: &Catalog, component: &Component) -> Vec<(String, String)> {
    let files = component.templates.iter().map(|template| &template.source);
    let all = files
        .chain(component.fragments.iter().map(|(_, source)| source))
        .chain(&component.manifest);
    all.map(|source| {
        let text = catalog.source(source).unwrap();
        let inside: Vec<&str> = text
            .split("<%")
            .skip(1)
            .filter_map(|rest| rest.split_once("%>"))
            .map(|(inside, _)| inside)
            .filter(|inside| !inside.starts_with('#'))
            .collect();
        (source.clone(), inside.join("\n"))
    })
    .collect()
}

/// The first names of the paths in expressions, outside of quotes: `docker` for `docker.base`.
fn names(expressions: &str) -> BTreeSet<String> {
    let unquoted: String = expressions
        .split(['"', '\''])
        .step_by(2)
        .collect::<Vec<_>>()
        .join("\"");
    let mut names = BTreeSet::new();
    let mut previous = ' ';
    let mut word = String::new();
    for c in unquoted.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
        } else if !word.is_empty() {
            if c == '.' && previous != '.' {
                names.insert(std::mem::take(&mut word));
            }
            word.clear();
            previous = c;
        } else {
            previous = c;
        }
    }
    names
}

fn requires<'c>(catalog: &'c Catalog, component: &'c Component) -> BTreeSet<&'c str> {
    let mut all = BTreeSet::from([component.name.as_str()]);
    for required in component
        .requires
        .iter()
        .filter_map(|name| catalog.get(name))
    {
        all.extend(requires(catalog, required));
    }
    all
}

#[test]
fn every_directory_is_a_component_with_tests() {
    let catalog = Catalog::embedded().unwrap();
    let names: BTreeSet<String> = catalog.names().map(str::to_owned).collect();
    assert_eq!(directories(&root().join("templates")), names);
    assert_eq!(directories(&root().join("tests/components")), names);
}

#[test]
fn template_names_only_its_own_and_required_components() {
    let catalog = Catalog::embedded().unwrap();
    for component in catalog.components() {
        let allowed: BTreeSet<String> = requires(&catalog, component)
            .iter()
            .map(|name| name.replace('-', "_"))
            .collect();
        for (source, expressions) in expressions(&catalog, component) {
            for name in names(&expressions) {
                let shared = ["project", "crate", "versions", "loop"].contains(&name.as_str());
                let component = catalog
                    .components()
                    .any(|component| component.name.replace('-', "_") == name);
                assert!(
                    shared || !component || allowed.contains(&name),
                    "templates/{source} names `{name}`, which it does not require"
                );
            }
        }
    }
}

#[test]
fn every_fragment_matches_a_slot_and_every_slot_is_included() {
    let catalog = Catalog::embedded().unwrap();
    let mut places: Vec<(&str, &str, String)> = Vec::new();
    for owner in catalog.components() {
        for slot in owner.slots.keys() {
            let include = format!("slot:{slot}");
            let place = expressions(&catalog, owner)
                .into_iter()
                .find(|(_, inside)| inside.contains(&include));
            let (source, _) = place.unwrap_or_else(|| {
                panic!("no template of `{}` includes its slot `{slot}`", owner.name)
            });
            places.push((slot, &owner.name, source));
        }
        let reached: BTreeSet<&str> = requires(&catalog, owner)
            .into_iter()
            .filter_map(|name| catalog.get(name))
            .flat_map(|component| component.slots.keys().map(String::as_str))
            .collect();
        for (source, inside) in expressions(&catalog, owner) {
            for slot in inside
                .split("slot:")
                .skip(1)
                .filter_map(|rest| rest.split(['"', '\'']).next())
            {
                assert!(
                    reached.contains(slot),
                    "templates/{source} includes the slot `{slot}`, which is offered neither by `{}` nor by a component that it requires",
                    owner.name
                );
            }
        }
    }
    // The name of a file without an extension determines its format.
    let extension = |path: &str| {
        path.trim_end_matches(".j2")
            .rsplit_once(['.', '/'])
            .map(|(_, extension)| extension.to_owned())
            .unwrap_or_default()
    };
    for contributor in catalog.components() {
        for (slot, source) in &contributor.fragments {
            let (_, owner, place) = places
                .iter()
                .find(|(name, _, _)| name == slot)
                .unwrap_or_else(|| {
                    panic!("templates/{source} fills the slot `{slot}`, which no component offers")
                });
            let (theirs, ours) = (extension(place), extension(source));
            assert!(
                theirs == ours || place.contains("/."),
                "templates/{source} is inserted into {place} of `{owner}`, a file of another format"
            );
        }
    }
}

/// A fragment is inserted verbatim into a chart's template, where two braces would start an action of Helm's. A component that
/// fills a slot of its own knows where it is used.
#[test]
fn chart_fragments_contain_no_helm_actions() {
    let catalog = Catalog::embedded().unwrap();
    let charts: Vec<String> = catalog
        .components()
        .flat_map(|component| expressions(&catalog, component))
        .filter(|(source, _)| source.contains("/chart/templates/"))
        .map(|(_, inside)| inside)
        .collect();
    let mut found = 0;
    let inserted = catalog.components().flat_map(|contributor| {
        let others = |(slot, _): &&(String, String)| !contributor.slots.contains_key(slot);
        contributor.fragments.iter().filter(others)
    });
    for (slot, source) in inserted {
        let include = format!("slot:{slot}\"");
        if charts.iter().any(|inside| inside.contains(&include)) {
            found += 1;
            assert!(
                !catalog.source(source).unwrap().contains("{{"),
                "templates/{source} is inserted into a chart"
            );
        }
    }
    assert!(found > 0, "no fragment is inserted into a chart");
}

#[test]
fn every_version_is_used_and_every_pin_is_a_commit() {
    let catalog = Catalog::embedded().unwrap();
    let mut all: String = catalog
        .components()
        .flat_map(|component| expressions(&catalog, component))
        .map(|(_, inside)| inside + "\n")
        .collect();
    // The program itself reads this one, and passes it to templates as a fact.
    all.push_str("versions.toolchain.channel");
    for (table, items) in catalog.versions.iter() {
        for (name, item) in items.as_table_like().unwrap().iter() {
            let used = all.contains(&format!("versions.{table}.{name}"))
                || all.contains(&format!("versions.{table}[\"{name}\"]"));
            assert!(used, "no template uses versions.{table}.{name}");
            if let Some(sha) = item.get("sha").and_then(|sha| sha.as_str()) {
                assert!(
                    sha.len() == 40 && sha.bytes().all(|b| b.is_ascii_hexdigit()),
                    "{name}: {sha}"
                );
            }
        }
    }
}

#[test]
fn defaults_are_valid_answers() {
    let catalog = Catalog::embedded().unwrap();
    for (owner, question) in catalog.questions() {
        let template = matches!(&question.default, Value::Text(text) if text.contains("<%"));
        assert!(
            template || question.check(&question.default).is_ok(),
            "{owner}.{}",
            question.key
        );
        if let Kind::Choice { choices } = &question.kind {
            assert!(
                choices.len() > 1,
                "{owner}.{} has only one choice",
                question.key
            );
        }
        let open = |text: &str| !text.ends_with(['.', '?', ':']);
        assert!(
            open(&question.prompt) && open(&question.help),
            "{owner}.{} ends with a mark",
            question.key
        );
    }
    for component in catalog.components() {
        assert!(
            !component.summary.ends_with('.') && component.summary.len() <= 100,
            "{}",
            component.name
        );
    }
}

#[test]
fn rules_for_existing_crates_name_only_written_files_and_entries() {
    let catalog = Catalog::embedded().unwrap();
    for component in catalog.components() {
        let (name, existing) = (&component.name, &component.existing);
        for path in existing.files.keys() {
            let mut written = component.templates.iter();
            assert!(
                written.any(|template| template.path.as_str() == path),
                "[existing.files] of `{name}` names `{path}`, which it does not write"
            );
        }
        let manifest = component.manifest.as_ref();
        let manifest = manifest.map_or("", |path| catalog.source(path).unwrap());
        let entries = existing.entries.keys();
        let warned_of = existing.warnings.iter().flat_map(|warning| &warning.entry);
        for entry in entries.chain(warned_of.map(|entry| &entry.key)) {
            let key = entry.rsplit('.').next().unwrap();
            assert!(
                manifest.contains(&format!("[{entry}]"))
                    || manifest.contains(&format!("\n{key} = ")),
                "[existing] of `{name}` names `{entry}`, which it does not write"
            );
        }
    }
}

#[test]
fn component_order_has_no_cycles() {
    fn visit(catalog: &Catalog, name: &str, path: &mut Vec<String>) {
        assert!(
            !path.iter().any(|earlier| earlier == name),
            "{path:?} leads back to {name}"
        );
        path.push(name.to_owned());
        let component = catalog.get(name).unwrap();
        component
            .requires
            .iter()
            .chain(&component.after)
            .for_each(|next| visit(catalog, next, path));
        path.pop();
    }
    let catalog = Catalog::embedded().unwrap();
    catalog
        .names()
        .for_each(|name| visit(&catalog, name, &mut Vec::new()));
}

#[test]
fn program_names_no_component() {
    let catalog = Catalog::embedded().unwrap();
    for (path, code) in sources() {
        for name in catalog.names() {
            assert!(
                !code.contains(&format!("\"{name}\"")),
                "{} names the component `{name}`",
                path.display()
            );
        }
    }
}

#[test]
fn only_the_shell_prints() {
    for (path, code) in sources()
        .into_iter()
        .filter(|(path, _)| !path.ends_with("shell.rs"))
    {
        for printer in [
            "print!",
            "println!",
            "eprint!",
            "eprintln!",
            "dbg!",
            "stdout()",
            "anstream::print",
        ] {
            let found = code
                .match_indices(printer)
                .any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'));
            assert!(!found, "{} uses {printer}", path.display());
        }
    }
}

/// The modules that `src/lib.rs` says are pure.
fn pure_modules() -> Vec<String> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let invariant = text
        .lines()
        .find(|line| line.contains("access no file system, environment, clock or terminal"))
        .unwrap();
    let names = invariant.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

/// Modules with access to the outside world, whichever module calls them; `facts` has the data that was found there, and its own
/// types are only data.
const OUTSIDE: [&str; 20] = [
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::time",
    "anstream",
    "cargo_metadata::MetadataCommand",
    "ctrlc",
    "dialoguer",
    "glob",
    "rustix",
    "walkdir",
    "crate::apply",
    "crate::commands",
    "crate::facts",
    "crate::prompt",
    "crate::shell",
    "crate::vcs",
];

/// Types for data about the outside world that is passed to the pure modules.
const DATA_TYPES: [&str; 2] = ["crate::facts::Facts", "crate::facts::Service"];

/// Methods of a path that access the disk.
const DISK_METHODS: [&str; 9] = [
    "canonicalize",
    "exists",
    "is_dir",
    "is_file",
    "is_symlink",
    "read_dir",
    "read_link",
    "symlink_metadata",
    "try_exists",
];

/// The paths of a `use` tree: `std::env` and `std::fs` of `std::{env, fs}`.
fn use_paths(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return vec![path.trim_end_matches("::self").to_owned()];
    };
    let inside = rest.trim_end().trim_end_matches('}');
    let mut depth = 0;
    let parts = inside.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .flat_map(|part| use_paths(&format!("{}{part}", before.trim())))
        .collect()
}

/// What code of a pure module uses from the outside world; the code has neither comments nor tests.
fn outside_access(code: &str) -> Vec<String> {
    let mut paths: Vec<String> = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let is_item = code[..at]
            .trim_end_matches(' ')
            .ends_with(['\n', ';', '{', ')'])
            || code[..at].ends_with("pub ")
            || at == 0;
        let tree = code[at + "use ".len()..].split(';').next();
        paths.extend(tree.filter(|_| is_item).into_iter().flat_map(use_paths));
    }
    let is_of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let words = code.split(|c| !is_of_path(c));
    paths.extend(words.filter(|word| word.contains("::")).map(str::to_owned));

    let is_below = |path: &str, above: &str| {
        let rest = path.strip_prefix(above);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let is_outside = |path: &String| {
        let path = path.trim_start_matches("::");
        let inner = path.trim_start_matches("super::");
        let path = match inner == path {
            true => path.to_owned(),
            false => format!("crate::{inner}"),
        };
        // The prefix of a group says nothing by itself; and a star could be anything.
        let is_any = ["std::*", "crate::*", "std", "crate::facts::*"].contains(&path.as_str());
        let is_known = DATA_TYPES.iter().any(|known| is_below(&path, known));
        let is_stem = path == "crate::facts::";
        let is_disk_method = DISK_METHODS.iter().any(|method| {
            path.ends_with(&format!("Path::{method}"))
                || path.ends_with(&format!("PathBuf::{method}"))
        });
        let is_in_list = OUTSIDE.iter().any(|outside| is_below(&path, outside));
        is_any || is_disk_method || is_in_list && !is_known && !is_stem
    };
    paths.retain(is_outside);
    let calls = DISK_METHODS.map(|method| format!(".{method}("));
    paths.extend(calls.into_iter().filter(|call| code.contains(call)));
    paths
}

#[test]
fn pure_modules_have_no_outside_access() {
    let files = sources();
    for name in pure_modules() {
        let (file, directory) = (format!("src/{name}.rs"), format!("src/{name}"));
        let mut checked = 0;
        for (path, code) in &files {
            let below = path.strip_prefix(root()).unwrap();
            if below == Path::new(&file) || below.starts_with(&directory) {
                let outside_access = outside_access(code);
                assert!(
                    outside_access.is_empty(),
                    "{} uses {outside_access:?}",
                    path.display()
                );
                checked += 1;
            }
        }
        assert!(checked > 0, "there is no module `{name}`");
    }
}

#[test]
fn outside_access_is_detected_in_every_notation() {
    for code in [
        "use std::fs;",
        "use std::{env, fs};",
        "use std::{\n    collections::BTreeMap,\n    io::{self, Read as _},\n};",
        "use std::fs as disk;",
        "use std::*;",
        "pub use std::process::Command;",
        "pub(crate) use std::process::Command;",
        "fn f() { use std::env; }",
        "let text = std::fs::read(path);",
        "let text = ::std::fs::read(path);",
        "use crate::facts::disk;",
        "use crate::facts::{Facts, disk};",
        "use crate::facts;",
        "use crate::{names, vcs};",
        "use super::shell::Shell;",
        "let now = std::time::Instant::now();",
        "let is_there = path.exists();",
        "paths.filter(Path::is_file)",
        "use walkdir::WalkDir;",
        "let files = walkdir::WalkDir::new(root);",
    ] {
        assert!(!outside_access(code).is_empty(), "{code}");
    }
    for code in [
        "use std::collections::{BTreeMap, BTreeSet};",
        "use std::fmt::{self, Write as _};",
        "use crate::facts::{Facts, Service};",
        "use crate::catalog::{Catalog, Component};",
        "use super::{Action, Step};",
        "let version = env!(\"CARGO_PKG_VERSION\");",
        "because of what we use std and others for",
    ] {
        assert!(
            outside_access(code).is_empty(),
            "{code}: {:?}",
            outside_access(code)
        );
    }
}

/// `rust-version` is only true if no dependency requires a newer one.
#[test]
fn rust_version_suffices_for_every_dependency() {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(root())
        .other_options(["--locked".to_owned()])
        .exec()
        .unwrap();
    let own = metadata
        .root_package()
        .unwrap()
        .rust_version
        .clone()
        .unwrap();
    let normal = |node: &cargo_metadata::Node| -> Vec<cargo_metadata::PackageId> {
        let built = |dependency: &&cargo_metadata::NodeDep| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind != cargo_metadata::DependencyKind::Development)
        };
        node.deps
            .iter()
            .filter(built)
            .map(|dependency| dependency.pkg.clone())
            .collect()
    };
    let graph = metadata.resolve.as_ref().unwrap();
    let mut open = vec![metadata.root_package().unwrap().id.clone()];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id.clone()) {
            open.extend(
                graph
                    .nodes
                    .iter()
                    .filter(|node| node.id == id)
                    .flat_map(normal),
            );
        }
    }
    for package in metadata
        .packages
        .iter()
        .filter(|package| seen.contains(&package.id))
    {
        assert!(
            package
                .rust_version
                .as_ref()
                .is_none_or(|needed| *needed <= own),
            "{} needs Rust {:?}, but `rust-version` is {own}",
            package.name,
            package.rust_version
        );
    }
}
