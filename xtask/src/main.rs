//! `cargo xtask`: the project's own commands, run from anywhere in the checkout.
//!
//! One file per subject: `suite` says what is run and in which order, `tidy` holds the rules about
//! the source that no compiler checks, `perf` counts instructions, `sanitize` runs tests under the
//! sanitizers.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool talks to its user")]

mod command;
mod fuzz;
mod models;
mod mutants;
mod peers;
mod perf;
mod realfs;
mod reliability;
mod sanitize;
mod setup;
mod soak;
mod steps;
mod stranger;
mod suite;
mod tidy;

use std::{env, process::ExitCode};

use crate::{command::Outcome, sanitize::Sanitizer};

const HELP: &str = "\
The project's own commands.

Usage: cargo xtask <command>

  test [--quick]    Run everything that must pass before a change is merged: set-up, formatting,
                    lints, tidy, tests, doc tests, examples, documentation, models,
                    schedules, mutants, instruction counts, sanitizers.
                    --quick stops after the tests.
  ci                The same as `test`, as the build machine runs it.
  tidy [--bless]    Check the rules that no compiler checks: arrows between crates, file sizes,
                    where unsafe and atomics may appear, and more (see xtask/src/tidy.rs).
                    --bless writes the right hashes into docs/format/*.md.
  loom              Check the models of lock-free code: every order of their steps, within bounds.
  shuttle           Check a small engine in 100,000 schedules of its threads, with crashes.
  stranger          Lint and test the crates that stand for somebody else's: external/stranger,
                    examples/third_party_strategy.
  mutants [NAME]    Run the kit against mistakes that were planted on purpose, those with NAME in
                    their names: it has to notice each (see docs/testkit/mutants.md).
  perf-check [NAME] Count the instructions of the operations with NAME in their names, and compare
                    with perf/instructions.toml. Needs valgrind.
  perf-check --bless
                    Write what they take now to perf.
  bench [ARGS]      Run the benchmarks; ARGS go to `cargo bench`.
  bench-peers [ARGS]
                    Build lsmer-bench with RocksDB, fjall and redb, and compare them with lsmer;
                    ARGS go to `lsmer-bench matrix` (see docs/benchmarks.md). RocksDB takes long
                    to build, once, and needs libclang, which is installed as root.
  fuzz [SECONDS] [TARGET]
                    Fuzz the readers of files and the engine with libFuzzer, each target for
                    SECONDS (45). Targets are the folders of lsmer-fuzz/corpus.
  realfs [ROUNDS]   Run databases on the real kernel: kill them, fail their system calls, cut the
                    power of their file system, each ROUNDS times (500). Needs strace, and root
                    to mount; what is missing is skipped.
  soak DURATION     Run the heavy tests round after round, each with another seed, for 30s, 10m or
                    2h, and tell how much they did a second.
  asan [FILTER]     Run the chosen tests under AddressSanitizer (use after free, overflow, leaks).
  tsan [--build-std] [FILTER]
                    Run the chosen tests under ThreadSanitizer (data races). --build-std builds the
                    standard library with it too, so that its locks are understood; this needs
                    `rustup component add rust-src`.

Packages and filters of asan and tsan stand in xtask/src/sanitize.rs; FILTER replaces the filters.";

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
        ["test" | "ci"] => steps::run(suite::full()),
        ["test", "--quick"] => steps::run(suite::quick()),
        ["stranger"] => stranger::check(),
        ["tidy"] => tidy::check(),
        ["tidy", "--bless"] => tidy::bless(),
        ["loom"] => models::loom(),
        ["shuttle"] => models::shuttle(),
        ["mutants"] => mutants::kill(""),
        ["mutants", filter] => mutants::kill(filter),
        ["perf-check"] => perf::check(""),
        ["perf-check", "--bless"] => perf::bless(),
        ["perf-check", filter] => perf::check(filter),
        ["bench", rest @ ..] => suite::bench(rest),
        ["bench-peers", args @ ..] => peers::run(args),
        ["fuzz", args @ ..] => fuzz::run(args),
        ["realfs", args @ ..] => realfs::run(args),
        ["soak", args @ ..] => soak::run(args),
        ["asan", filters @ ..] => sanitize::run(Sanitizer::Address, filters),
        ["tsan", "--build-std", filters @ ..] => sanitize::run(Sanitizer::ThreadAndStd, filters),
        ["tsan", filters @ ..] => sanitize::run(Sanitizer::Thread, filters),
        _ => Err(format!("unknown command `{}`; see `cargo xtask --help`", args.join(" "))),
    }
}
