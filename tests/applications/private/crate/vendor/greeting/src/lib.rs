//! A crate with a dependency of its own.

/// A greeting for someone of this name.
pub fn greeting(name: &str) -> String {
    format!("{} greetings, {name}", itoa::Buffer::new().format(7))
}
