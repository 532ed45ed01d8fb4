//! `include_dir!` does not notice new files, so cargo has to.

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
