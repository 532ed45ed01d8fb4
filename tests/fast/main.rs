//! The fast tests: those that need only Rust and git.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests set up directories of their own, and fail where that does not work"
)]

mod added;
mod aging;
mod applications;
#[cfg(unix)]
mod ci;
mod command_line;
mod components;
mod compose;
mod conventions;
mod existing;
mod faults;
mod hostile;
mod in_the_way;
mod inspect;
mod manifests;
mod model;
mod moves;
mod own_templates;
mod pins;
mod places;
#[path = "../aging/project.rs"]
mod project_of_the_first_days;
mod renewal;
mod round_trip;
mod selections;
mod simulation;
mod support;
mod terminal;
mod update;
mod wired;
mod workspaces;
