//! Formats a number with a crate that only this script depends on.

fn main() {
    let mut buffer = itoa::Buffer::new();
    println!("cargo::rustc-env=NUMBER={}", buffer.format(12));
}
