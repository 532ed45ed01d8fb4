//! Which components can be added to a crate that exists.

use anyhow::Result;

use super::site::Site;
use crate::catalog::{Component, Home, Scope};
use crate::error::Usage;

/// Whether a component can be added there.
///
/// # Errors
///
/// [`Usage`] where it cannot; says why.
pub(super) fn check(component: &Component, site: &Site, home: Home) -> Result<()> {
    let name = &component.name;
    if let Some(why) = component
        .existing
        .refused
        .as_ref()
        .filter(|_| home != Home::Project)
    {
        return Err(Usage::new(format!(
            "`{name}` cannot be added to a crate that exists: {why}"
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
            "`{name}` belongs to the top of a {scope}{hint}, and {shown} lies below it"
        ))
        .into());
    }
    Ok(())
}
