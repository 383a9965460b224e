//! `instructions NAME` runs one operation of a database again and again, so that callgrind can
//! count its instructions; `instructions --list` names them all. `cargo xtask perf-check` does it.
//!
//! Files are in memory, background work runs in this thread when it is waited for, the clock
//! stands still and every number is seeded: two runs execute the same instructions. Only what
//! happens inside [`counted`] counts, which callgrind is told by its name.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a program answers")]

mod maintenance;
mod points;
mod scans;
mod world;
mod writes;

use std::process::ExitCode;

use lsmer::Result;

/// An operation: its name, and what runs it and returns how often it did so while counted.
type Case = (&'static str, fn() -> Result<u64>);

/// In the order of the file with their counts.
const CASES: &[&[Case]] = &[writes::CASES, points::CASES, scans::CASES, maintenance::CASES];

fn main() -> ExitCode {
    let cases = || CASES.iter().copied().flatten();
    let name = std::env::args().nth(1).unwrap_or_default();
    if name == "--list" {
        cases().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    let Some((_, run)) = cases().find(|(known, _)| *known == name) else {
        println!("no operation is called `{name}`: see --list");
        return ExitCode::FAILURE;
    };
    match run() {
        Ok(operations) => println!("{operations}"),
        Err(error) => {
            println!("{name}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Runs what is to be counted. One per process, called once: callgrind collects in here only.
#[inline(never)]
fn counted(work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
    work()
}
