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
mod conflicts;
mod consistency;
mod conventions;
mod existing;
mod faults;
mod hostile_input;
mod inspect;
mod locations;
mod manifests;
mod moves;
#[path = "../aging/project.rs"]
mod old_project;
mod own_templates;
mod pins;
mod round_trip;
mod selections;
mod simulation;
mod support;
mod terminal;
mod update_cases;
mod update_command;
mod wired;
mod workspaces;
