//! Strangers: crates outside of the workspace, checked as their authors would check them.
//!
//! They get the workspace's `Cargo.lock`, so that nothing is fetched that is not there. What they
//! count stays out of the workspace's own figures.

use std::{fs, path::Path};

use crate::command::{self, Outcome, cargo};

const CRATES: [&str; 2] = ["external/stranger", "examples/third_party_strategy"];

/// Formats, lints and tests the crates.
///
/// # Errors
/// Something is not in order, or does not build.
pub(crate) fn check() -> Outcome {
    CRATES.iter().try_for_each(|folder| check_one(&command::root().join(folder)))
}

fn check_one(folder: &Path) -> Outcome {
    let lock = folder.join("Cargo.lock");
    fs::copy(command::root().join("Cargo.lock"), &lock)
        .map_err(|e| format!("{}: {e}", lock.display()))?;
    let steps: [&[&str]; 3] = [
        &["fmt", "--check"],
        &["clippy", "--all-targets", "--", "-D", "warnings"],
        &["test", "--all-targets"],
    ];
    for args in steps {
        let mut command = cargo(args);
        command.current_dir(folder).env_remove("LSMER_FIGURES");
        command.env("CARGO_TARGET_DIR", command::target_dir().join("stranger"));
        command::run(&mut command)?;
    }
    Ok(())
}
