//! Two parts for lsmer, written by somebody else: a memtable and a compaction strategy.
//!
//! They need `lsmer-core`, which has the traits, and nothing more. `tests/conforms.rs` shows how
//! they are certified, `tests/database.rs` a database that is composed of them.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod sorted_vec;
mod staircase;

pub use sorted_vec::SortedVecs;
pub use staircase::Staircase;
