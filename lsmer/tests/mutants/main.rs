//! Mistakes that were planted on purpose, and the proof that the kit finds each of them.
//!
//! Built as usual, this only compares the list of mutants with the sources. Built with
//! `--cfg lsmer_mutants`, it runs the kit's detectors against every mutant: `cargo xtask mutants`.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[cfg(lsmer_mutants)]
mod compositions;
#[cfg(lsmer_mutants)]
mod detectors;
#[cfg(lsmer_mutants)]
mod flips;
#[cfg(lsmer_mutants)]
mod killer;
#[cfg(lsmer_mutants)]
mod reckless;
mod registry;
mod sources;
