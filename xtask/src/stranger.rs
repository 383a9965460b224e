//! The stranger: a crate outside of the workspace, checked as its author would check it.
//!
//! It gets the workspace's `Cargo.lock`, so that nothing is fetched that is not there. What it
//! counts stays out of the workspace's own figures.

use std::fs;

use crate::command::{self, Outcome, cargo};

/// Formats, lints and tests the crate.
///
/// # Errors
/// Something is not in order, or does not build.
pub(crate) fn check() -> Outcome {
    let root = command::root();
    let folder = root.join("external/stranger");
    let lock = folder.join("Cargo.lock");
    fs::copy(root.join("Cargo.lock"), &lock).map_err(|e| format!("{}: {e}", lock.display()))?;
    let steps: [&[&str]; 3] = [
        &["fmt", "--check"],
        &["clippy", "--all-targets", "--", "-D", "warnings"],
        &["test", "--all-targets"],
    ];
    for args in steps {
        let mut command = cargo(args);
        command.current_dir(&folder).env_remove("LSMER_FIGURES");
        command.env("CARGO_TARGET_DIR", command::target_dir().join("stranger"));
        command::run(&mut command)?;
    }
    Ok(())
}
