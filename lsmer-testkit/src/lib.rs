//! Certifies parts of lsmer, and whole engines: also a stranger's.
//!
//! It depends on `lsmer-core` only: suites for parts need just the traits.

mod conformance;
mod figures;
pub mod filter;
pub mod memtable;
mod seed;
mod sim;

pub use figures::figures;
pub use sim::{
    Budget, Crash, CrashState, Cursor, Event, EventKind, Filler, Flight, ParseCrashError,
    PowerLoss, Recording, SimVfs,
};
