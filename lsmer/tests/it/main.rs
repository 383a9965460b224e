//! Whole-database tests on the in-memory file system: model, power loss, flips, handles.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod certified;
mod checkpoints;
mod drops;
mod failed_syncs;
mod flips;
mod harness;
mod jobs;
mod keyspaces;
mod model;
mod prediction;
mod reckless;
mod scans;
