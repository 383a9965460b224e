//! A whole small engine under shuttle, which chooses at every step of a lock or an atomic which
//! thread goes on: reads are legal, the end is exact, and so is what a crash anywhere leaves.
//!
//! `cargo xtask shuttle` runs this, built with `--cfg lsmer_shuttle`. A failure prints a value of
//! `LSMER_SHUTTLE` that replays its schedule.

#![cfg(lsmer_shuttle)]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod history;
mod plan;
mod schedules;
mod twins;
mod world;
