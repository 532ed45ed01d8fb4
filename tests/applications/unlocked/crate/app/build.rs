//! Writes a number by a crate that only this script takes.

fn main() {
    let mut buffer = itoa::Buffer::new();
    println!("cargo::rustc-env=NUMBER={}", buffer.format(12));
}
