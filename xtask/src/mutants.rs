//! Mistakes that were planted in the shipping code, each of which the test kit has to notice.
//!
//! They are built in by `--cfg lsmer_mutants`, so there is a target folder for them; which one acts
//! is chosen while the tests run. The list is `docs/testkit/mutants.md`.

use crate::command::{self, Outcome, cargo};

/// Builds all mutants once, and runs the kit against those with `filter` in their names; what came
/// of each stands in `target/mutants.txt`.
///
/// # Errors
/// A mutant was not noticed, or something was where there is no mutant.
pub(crate) fn kill(filter: &str) -> Outcome {
    let target = command::target_dir();
    let mut command = cargo(&["test", "--quiet", "-p", "lsmer", "--test", "mutants"]);
    command.args(["every_mutant_is_killed", "--", "--nocapture"]);
    command.env("LSMER_MUTANTS", filter);
    command.env("LSMER_MUTANTS_TABLE", target.join("mutants.txt"));
    // A mutant that is noticed panics.
    command.env("RUST_BACKTRACE", "0");
    command.env("CARGO_TARGET_DIR", target.join("mutants"));
    command::append_flags(&mut command, "RUSTFLAGS", "--cfg lsmer_mutants");
    command::run(&mut command)
}
