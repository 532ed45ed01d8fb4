//! A crate below the one that depends on it, but not a member of its workspace.

/// The name of the person to greet.
pub const NAME: &str = "reader";
