//! Certifies parts of lsmer, and whole engines: also a stranger's.
//!
//! - Suites for parts, one module and one macro for each seam of `lsmer-core`: [`memtable`],
//!   [`table`], [`filter`], [`cache`], [`wal`], [`vfs`], [`exec`], [`strategy`].
//! - The suite for whole engines: [`engine`]. With the feature `lsmer`, `Composed` puts any
//!   composition of lsmer under it.
//! - Files to do it on: [`SimVfs`], which records a workload and makes the disks that a crash at
//!   any point of it may leave; [`fault::FaultVfs`], whose calls fail as planned.
//!
//! Suites know traits only. `docs/testkit.md` is the guide.

pub mod cache;
#[cfg(feature = "lsmer")]
mod composed;
mod conformance;
pub mod engine;
mod entries;
pub mod exec;
pub mod fault;
mod figures;
pub mod filter;
mod lint;
pub mod memtable;
mod seed;
mod sim;
pub mod strategy;
pub mod table;
pub mod vfs;
pub mod wal;

#[cfg(feature = "lsmer")]
pub use composed::{Composed, shipped, tiny};
pub use figures::figures;
pub use lint::LintVfs;
pub use sim::{
    Budget, Crash, CrashState, Cursor, Event, EventKind, FailedSync, Filler, Flight, Outcome,
    ParseCrashError, PowerLoss, Profile, Recording, SimVfs,
};
