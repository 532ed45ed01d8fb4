//! `include_dir!` does not notice a file that was added: cargo has to.

fn main() {
    println!("cargo::rerun-if-changed=templates");
}
