//! Which components can be added to an existing crate.

use anyhow::Result;

use super::site::Site;
use crate::catalog::{Component, Home, Scope};
use crate::error::Usage;

/// Checks whether a component can be added there.
///
/// # Errors
///
/// [`Usage`], with the reason, if it cannot.
pub(super) fn check(component: &Component, site: &Site, home: Home) -> Result<()> {
    let name = &component.name;
    if let Some(why) = component
        .existing
        .refused
        .as_ref()
        .filter(|_| home != Home::Project)
    {
        return Err(Usage::new(format!(
            "`{name}` cannot be added to an existing crate: {why}"
        ))
        .into());
    }
    if component.scope > site.widest() {
        let (scope, shown) = (component.scope, &site.shown);
        let hint = site
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
