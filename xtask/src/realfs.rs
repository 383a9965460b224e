//! The real-kernel tests, more of them than fit into a suite: killed processes, system calls that
//! fail, power that is cut under ext4.
//!
//! What this machine cannot do is skipped by the tests, each with one line.

use crate::{
    command::{self, Outcome, cargo},
    setup,
};

/// How often each is tried if nothing else is said.
const ROUNDS: u64 = 500;

/// Programs, an argument to which they answer, and the packages they are in.
const PROGRAMS: &[(&str, &str, &[&str])] =
    &[("strace", "-V", &["strace"]), ("mkfs.ext4", "-V", &["e2fsprogs"])];

/// Runs the tests; `args` says how often.
///
/// # Errors
/// A test does not build, or fails.
pub(crate) fn run(args: &[&str]) -> Outcome {
    let rounds = match args {
        [] => ROUNDS,
        [rounds] => rounds.parse().map_err(|_| format!("`{rounds}` is no number of rounds"))?,
        _ => return Err("usage: cargo xtask realfs [rounds]".to_owned()),
    };
    for (program, version, packages) in PROGRAMS {
        if let Err(why) = setup::ensure(program, version, packages) {
            println!("{why}");
        }
    }
    let mut command = cargo(&["test", "--quiet", "-p", "lsmer", "--test", "process", "--"]);
    command.args(["realfs::", "kill::", "--nocapture", "--test-threads=1"]);
    command::run(command.env("LSMER_ROUNDS", rounds.to_string()))
}
