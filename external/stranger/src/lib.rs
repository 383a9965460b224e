//! A memtable for lsmer, written by somebody else.
//!
//! It needs `lsmer-core`, which has the traits, and nothing more. `tests/conforms.rs` shows how it
//! is certified, `tests/database.rs` a database that is composed with it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod sorted_vec;

pub use sorted_vec::SortedVecs;
