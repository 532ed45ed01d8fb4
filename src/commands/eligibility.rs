//! Which components can be added to an existing crate.

use anyhow::Result;

use super::project::Project;
use crate::catalog::{Component, ProjectKind, Scope};
use crate::error::Usage;

/// Checks whether a component can be added there.
///
/// # Errors
///
/// [`Usage`], with the reason, if it cannot.
pub(super) fn check(component: &Component, project: &Project, kind: ProjectKind) -> Result<()> {
    let name = &component.name;
    if let Some(why) = component
        .existing
        .refused
        .as_ref()
        .filter(|_| kind != ProjectKind::Created)
    {
        return Err(Usage::new(format!(
            "`{name}` cannot be added to an existing crate: {why}"
        ))
        .into());
    }
    if component.scope > project.widest() {
        let (scope, shown) = (component.scope, &project.display_path);
        let hint = project
            .repository
            .as_ref()
            .filter(|_| scope == Scope::Repository);
        let hint = hint
            .map(|top| format!(" ({})", top.display()))
            .unwrap_or_default();
        return Err(Usage::new(format!(
            "`{name}` belongs in the root directory of a {scope}{hint}, and {shown} is below it"
        ))
        .into());
    }
    Ok(())
}
