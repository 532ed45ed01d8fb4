//! Sets the library's version.

fn main() {
    println!("cargo::rustc-env=SHARED_VERSION=seven");
    println!("cargo::rerun-if-changed=version.rs");
}
