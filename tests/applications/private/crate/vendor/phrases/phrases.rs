//! A crate below the one that takes it, and no member of its workspace.

/// Who is greeted.
pub const NAME: &str = "reader";
