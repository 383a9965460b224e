//! Model checkers: loom, which tries every order of a model's steps, and shuttle, which tries very
//! many orders of a whole engine's.
//!
//! A checker replaces atomics, locks and threads throughout (`--cfg lsmer_loom`, `--cfg
//! lsmer_shuttle`), so it has a target folder of its own.

use crate::command::{self, Outcome, cargo};

/// Where models are: arguments of `cargo test`.
const MODELS: &[&[&str]] = &[
    &["-p", "lsmer-core", "--lib", "loom_tests"],
    &["-p", "lsmer-memtable", "--test", "loom"],
    &["-p", "lsmer-wal", "--lib", "loom_tests"],
    &["-p", "lsmer-engine", "--lib", "loom_tests"],
];

/// Checks all models.
///
/// # Errors
/// A model does not build, or one of its orders fails.
pub(crate) fn loom() -> Outcome {
    MODELS.iter().try_for_each(|model| check("loom", model))
}

/// Checks a small engine in very many schedules.
///
/// # Errors
/// It does not build, or a schedule fails.
pub(crate) fn shuttle() -> Outcome {
    check("shuttle", &["-p", "lsmer", "--test", "races"])
}

/// Runs tests, built for a checker.
fn check(checker: &str, tests: &[&str]) -> Outcome {
    let mut command = cargo(&["test", "--quiet", "--release"]);
    command.args(tests).args(["--", "--nocapture"]);
    // A checker that finds what it looks for panics.
    command.env("RUST_BACKTRACE", "0");
    command.env("CARGO_TARGET_DIR", command::target_dir().join(checker));
    command::append_flags(&mut command, "RUSTFLAGS", &format!("--cfg lsmer_{checker}"));
    command::run(&mut command)
}
