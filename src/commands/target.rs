//! Where a new project goes: its directory, its name, and its surroundings.

use std::path::{Component, Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

use super::wizard;
use crate::catalog::Scope;
use crate::cli::{New, WorkspaceUse};
use crate::error::Usage;
use crate::facts::surroundings::{Membership, Surroundings};
use crate::names;
use crate::prompt::Prompt;
use crate::select::Selection;

/// The directory to create, and the project's name.
pub(super) struct Target {
    /// Absolute, without links.
    pub(super) directory: PathBuf,
    /// As it was typed.
    pub(super) display_path: String,
    /// The project's name.
    pub(super) name: String,
}

impl Target {
    /// From the command line, or by asking the user.
    ///
    /// # Errors
    ///
    /// [`Usage`] for a path that cannot be a directory, or a name that is not valid for a project.
    pub(super) fn choose(arguments: &New, prompt: Option<&mut (dyn Prompt + '_)>) -> Result<Self> {
        let Some(path) = &arguments.path else {
            let Some(prompt) = prompt else {
                return Err(Usage::new("no path is given: run `cargo prodify new PATH`").into());
            };
            let name = match &arguments.name {
                Some(name) => checked(name)?,
                None => wizard::name(prompt, "")?,
            };
            return Ok(Self {
                directory: resolve(Path::new(&name))?,
                display_path: name.clone(),
                name,
            });
        };
        let directory = resolve(path)?;
        let Some(own) = directory.file_name() else {
            return Err(Usage::new(format!(
                "`{}` is the root of the file system, which cannot be a project: choose another path",
                path.display()
            ))
            .into());
        };
        let own = own.to_string_lossy().into_owned();
        let name = match (&arguments.name, prompt) {
            (Some(name), _) => checked(name)?,
            (None, Some(prompt)) if names::check_package(&own).is_err() => {
                wizard::name(prompt, &own)?
            }
            (None, _) => checked(&own)?,
        };
        Ok(Self {
            directory,
            display_path: without_trailing_slash(path),
            name,
        })
    }
}

/// As it was typed, without a trailing separator.
fn without_trailing_slash(path: &Path) -> String {
    let typed = path.display().to_string();
    match typed.trim_end_matches('/') {
        "" => typed,
        trimmed => trimmed.to_owned(),
    }
}

fn checked(name: &str) -> Result<String> {
    let refuse = |why| {
        Usage::new(format!(
            "`{}` cannot be the project's name: it {why}; choose another with --name",
            name.escape_debug()
        ))
    };
    names::check_package(name).map_err(refuse)?;
    Ok(name.to_owned())
}

/// An absolute path without links, for a directory that may not exist.
fn resolve(path: &Path) -> Result<PathBuf> {
    let shown = path.to_string_lossy();
    let refuse = |why: &str| {
        Usage::new(format!(
            "`{}` {why}: choose another path",
            shown.escape_debug()
        ))
    };
    if shown.contains(char::is_control) {
        return Err(refuse("contains a control character").into());
    }
    let absolute = if path.is_absolute() {
        path.to_owned()
    } else {
        env::current_dir()
            .context("finding the current directory")?
            .join(path)
    };
    let existing = absolute.ancestors().find(|above| above.exists());
    let existing = existing.unwrap_or(&absolute);
    let rest = absolute.strip_prefix(existing).unwrap_or(Path::new(""));
    if !existing.is_dir() {
        let why = if rest.as_os_str().is_empty() {
            "is a file"
        } else {
            "would be below a file"
        };
        return Err(refuse(why).into());
    }
    let missing = rest.components().next();
    if missing.is_some_and(|first| existing.join(first).symlink_metadata().is_ok()) {
        return Err(refuse("goes through a dangling link").into());
    }
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(refuse("goes up from a directory that does not exist").into());
    }
    let existing =
        fs::canonicalize(existing).with_context(|| format!("looking at {}", existing.display()))?;
    Ok(if missing.is_none() {
        existing
    } else {
        existing.join(rest)
    })
}

/// Where the project goes, and what follows from that.
pub(super) struct Placement {
    /// The root of the plan's paths: the project, or the workspace that it joins.
    pub(super) root: PathBuf,
    /// The project's directory relative to that.
    pub(super) prefix: String,
    /// Its surroundings.
    pub(super) surroundings: Surroundings,
    /// The widest scope of which the project's directory is the root.
    pub(super) widest: Scope,
    /// Whether it becomes a member of the surrounding workspace.
    pub(super) joins: bool,
}

impl Placement {
    /// Examines the surroundings of a new project's directory.
    ///
    /// # Errors
    ///
    /// [`Usage`] if the workspace already has a package of that name; otherwise as [`Surroundings::find`].
    pub(super) fn find(target: &Target, usage: WorkspaceUse) -> Result<Self> {
        let surroundings = Surroundings::find(&target.directory)?;
        let joined = surroundings.workspace.as_ref().filter(|workspace| {
            usage == WorkspaceUse::Join && workspace.membership != Membership::Excluded
        });
        let own = target.directory.join("Cargo.toml");
        let taken = joined.and_then(|workspace| workspace.packages.get(&target.name));
        // A killed run may have written the project's manifest already.
        if let Some(taken) = taken.filter(|taken| **taken != own) {
            return Err(Usage::new(format!(
                "the workspace has a package `{}` already, at {}: choose another with --name",
                target.name,
                taken.display()
            ))
            .into());
        }
        let (root, prefix) = match joined {
            Some(workspace) => (workspace.root.clone(), workspace.member.to_string()),
            None => (target.directory.clone(), String::new()),
        };
        let widest = match (joined, &surroundings.repository) {
            (Some(_), _) => Scope::Package,
            (None, Some(top)) if *top != target.directory => Scope::Workspace,
            (None, _) => Scope::Repository,
        };
        let joins = joined.is_some();
        Ok(Self {
            root,
            prefix,
            surroundings,
            widest,
            joins,
        })
    }

    /// Notes on the project's place, and on what that means for its components.
    pub(super) fn notes(&self, target: &Target, selection: &Selection<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(component) = selection.package {
            notes.push(format!(
                "`{}` is added too: a new project must be a package",
                component.name
            ));
        }
        if let Some(workspace) = &self.surroundings.workspace {
            let root = workspace.root.display();
            let (name, member) = (&target.name, &workspace.member);
            notes.push(match (self.joins, workspace.membership) {
                (true, Membership::Missing) => {
                    format!("{name} becomes a member of the workspace at {root}, in its `members`")
                }
                (true, _) => {
                    format!(
                        "{name} is a member of the workspace at {root}, whose `members` already include it"
                    )
                }
                (false, Membership::Excluded) => {
                    format!("the workspace at {root} excludes {member}, which becomes a project of its own")
                }
                (false, _) => {
                    format!(
                        "{name} stays out of the workspace at {root}, as a workspace of its own"
                    )
                }
            });
        }
        if !selection.left_out.is_empty() {
            let names: Vec<_> = selection
                .left_out
                .iter()
                .map(|component| component.name.as_str())
                .collect();
            let top = selection
                .left_out
                .iter()
                .map(|component| component.scope)
                .min()
                .unwrap_or_default();
            notes.push(format!(
                "left out what belongs in the root directory of the {top}: {}",
                names.join(", ")
            ));
        }
        notes
    }
}
