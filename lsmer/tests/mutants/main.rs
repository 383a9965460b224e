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
mod faults;
#[cfg(lsmer_mutants)]
mod flips;
#[cfg(lsmer_mutants)]
mod killer;
mod registry;
mod sources;
#[cfg(lsmer_mutants)]
mod versions;

// The sweep over faults, whose cases are a detector.

#[cfg(lsmer_mutants)]
#[path = "../faults/case.rs"]
mod case;
#[cfg(lsmer_mutants)]
#[path = "../faults/layer.rs"]
mod layer;
#[cfg(lsmer_mutants)]
#[path = "../faults/model.rs"]
mod model;
#[cfg(lsmer_mutants)]
#[path = "../faults/run.rs"]
mod run;
#[cfg(lsmer_mutants)]
#[path = "../faults/sweep.rs"]
mod sweep;
#[cfg(lsmer_mutants)]
#[path = "../faults/syncs.rs"]
mod syncs;
#[cfg(lsmer_mutants)]
#[path = "../faults/workload.rs"]
mod workload;
#[cfg(lsmer_mutants)]
#[path = "../faults/world.rs"]
mod world;
