//! Certifies parts of lsmer, and whole engines: also a stranger's.
//!
//! It depends on `lsmer-core` only: suites for parts need just the traits.

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
