//! Where a new project goes: its directory, its name, and what lies around it.

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

/// The directory to make, and the project's name.
pub(super) struct Target {
    /// Absolute, without links.
    pub(super) directory: PathBuf,
    /// As it was typed.
    pub(super) shown: String,
    /// The project's name.
    pub(super) name: String,
}

impl Target {
    /// From the command line, or asked of a person.
    ///
    /// # Errors
    ///
    /// [`Usage`] for a path that can be no directory, or a name that can be no project's.
    pub(super) fn choose(arguments: &New, prompt: Option<&mut (dyn Prompt + '_)>) -> Result<Self> {
        let Some(path) = &arguments.path else {
            let Some(prompt) = prompt else {
                return Err(Usage::new("no path is given: say `cargo prodify new PATH`").into());
            };
            let name = match &arguments.name {
                Some(name) => checked(name)?,
                None => wizard::name(prompt, "")?,
            };
            return Ok(Self {
                directory: resolve(Path::new(&name))?,
                shown: name.clone(),
                name,
            });
        };
        let directory = resolve(path)?;
        let Some(own) = directory.file_name() else {
            return Err(Usage::new(format!(
                "`{}` is the top of the file system, and no directory of a project's own: choose another path",
                path.display()
            ))
            .into());
        };
        let own = own.to_string_lossy().into_owned();
        let name = match (&arguments.name, prompt) {
            (Some(name), _) => checked(name)?,
            (None, Some(prompt)) if names::package(&own).is_err() => wizard::name(prompt, &own)?,
            (None, _) => checked(&own)?,
        };
        Ok(Self {
            directory,
            shown: shown(path),
            name,
        })
    }
}

/// As it was typed, without a separator at its end.
fn shown(path: &Path) -> String {
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
    names::package(name).map_err(refuse)?;
    Ok(name.to_owned())
}

/// An absolute path without links, for a directory that need not exist.
fn resolve(path: &Path) -> Result<PathBuf> {
    let shown = path.to_string_lossy();
    let refuse = |why: &str| {
        Usage::new(format!(
            "`{}` {why}: choose another path",
            shown.escape_debug()
        ))
    };
    if shown.contains(char::is_control) {
        return Err(refuse("holds a control character").into());
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
            "would lie below a file"
        };
        return Err(refuse(why).into());
    }
    let missing = rest.components().next();
    if missing.is_some_and(|first| existing.join(first).symlink_metadata().is_ok()) {
        return Err(refuse("goes through a link to nothing").into());
    }
    if rest.components().any(|part| part == Component::ParentDir) {
        return Err(refuse("goes up from a directory that is not there").into());
    }
    let existing =
        fs::canonicalize(existing).with_context(|| format!("looking at {}", existing.display()))?;
    Ok(if missing.is_none() {
        existing
    } else {
        existing.join(rest)
    })
}

/// Where the project lies, and what follows from that.
pub(super) struct Place {
    /// What the plan's paths are below: the project, or the workspace that it joins.
    pub(super) root: PathBuf,
    /// The project's directory below that.
    pub(super) prefix: String,
    /// What lies around it.
    pub(super) surroundings: Surroundings,
    /// The widest scope whose top the project lies at.
    pub(super) widest: Scope,
    /// Whether it becomes a member of the workspace around it.
    pub(super) joins: bool,
}

impl Place {
    /// Looks around the directory of a project that is about to be made.
    ///
    /// # Errors
    ///
    /// [`Usage`] where the workspace has a package of that name; otherwise as [`Surroundings::of`].
    pub(super) fn of(target: &Target, usage: WorkspaceUse) -> Result<Self> {
        let surroundings = Surroundings::of(&target.directory)?;
        let joined = surroundings.workspace.as_ref().filter(|workspace| {
            usage == WorkspaceUse::Join && workspace.membership != Membership::Excluded
        });
        let own = target.directory.join("Cargo.toml");
        let taken = joined.and_then(|workspace| workspace.packages.get(&target.name));
        // A run that was killed may have got as far as its own manifest.
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

    /// What the user should know of where the project lies, and of what it is made of there.
    pub(super) fn notes(&self, target: &Target, selection: &Selection<'_>) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(component) = selection.package {
            notes.push(format!(
                "`{}` comes along: a new project has to be a package",
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
                        "{name} is a member of the workspace at {root}, which takes it in already"
                    )
                }
                (false, Membership::Excluded) => {
                    format!("the workspace at {root} excludes {member}: it is made on its own")
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
                "left out what belongs to the top of the {top}: {}",
                names.join(", ")
            ));
        }
        notes
    }
}
