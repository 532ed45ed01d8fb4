//! `cargo prodify`: parse, run, report, exit.

use std::process::ExitCode;

fn main() -> ExitCode {
    cargo_prodify::main(std::env::args_os()).into()
}
