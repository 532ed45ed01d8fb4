//! Measures nothing.

fn main() {}
