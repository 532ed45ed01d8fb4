//! A crate that has a dependency of its own.

/// Greets somebody.
pub fn greeting(name: &str) -> String {
    format!("{} greetings, {name}", itoa::Buffer::new().format(7))
}
