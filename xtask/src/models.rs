//! Models of lock-free code under loom, which tries every order of their steps.
//!
//! The checker replaces atomics, locks and threads throughout (`--cfg lsmer_loom`), so it has a
//! target folder of its own.

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
    for model in MODELS {
        let mut command = cargo(&["test", "--quiet", "--release"]);
        command.args(*model).args(["--", "--nocapture"]);
        // A model that finds what it looks for panics, many times.
        command.env("RUST_BACKTRACE", "0");
        command.env("CARGO_TARGET_DIR", command::target_dir().join("loom"));
        command::append_flags(&mut command, "RUSTFLAGS", "--cfg lsmer_loom");
        command::run(&mut command)?;
    }
    Ok(())
}
