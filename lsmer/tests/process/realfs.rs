//! Databases on the real kernel: calls that fail or never return, and power that is cut under a
//! file system of its own.
//!
//! A capability that is missing (`strace`, the right to mount) skips its tests with one line.
//! `LSMER_ROUNDS` says how often to try, in place of what fits into a suite; see
//! `cargo xtask realfs`.

mod calls;
mod careless;
mod disk;
mod fidelity;
mod mirror;
mod power;
mod shutdown;
pub(crate) mod work;

use std::env;

use lsmer::parts::{core::Rng, io::SeededRng};

/// Returns how often to try: what was asked for, or what fits into a suite.
fn rounds(usual: u64) -> u64 {
    env::var("LSMER_ROUNDS")
        .map_or(usual, |rounds| rounds.parse().expect("LSMER_ROUNDS is a number"))
}

/// Returns the seed of this run: `LSMER_SEED`, or 1.
fn seed() -> u64 {
    env::var("LSMER_SEED").map_or(1, |seed| seed.parse().expect("LSMER_SEED is a number"))
}

/// Returns a number below `bound`; 0 if that is 0.
fn below(rng: &SeededRng, bound: usize) -> usize {
    usize::try_from(rng.next_u64() % bound.max(1) as u64).expect("under a usize")
}
