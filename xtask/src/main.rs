//! `cargo xtask`: the project's own commands, run from anywhere in the checkout.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool talks to its user")]

mod command;
mod tidy;

use std::{env, process::ExitCode};

use crate::command::Outcome;

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <command>

  tidy [--bless]    Check the rules that no compiler checks: arrows between crates, file sizes,
                    where unsafe and atomics may appear, and more (see xtask/src/tidy.rs).
                    --bless writes the right hashes into docs/format/*.md.";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[&str]) -> Outcome {
    match args {
        [] | ["-h" | "--help" | "help"] => {
            println!("{HELP}");
            Ok(())
        }
        ["tidy"] => tidy::check(),
        ["tidy", "--bless"] => tidy::bless(),
        _ => Err(format!("unknown command `{}`; see `cargo xtask --help`", args.join(" "))),
    }
}
