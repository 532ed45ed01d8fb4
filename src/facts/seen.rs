//! From what was found out about a crate that exists to what templates see of it.
