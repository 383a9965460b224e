//! Whole-database tests on the in-memory file system: model, power loss, flips, reads.

mod flips;
mod harness;
mod misses;
mod model;
mod power;
mod scans;
