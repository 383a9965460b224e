//! The atomic integers that live inside the arena and the filter.
//!
//! They are laid over raw memory, so they must be exactly as large as the integers they stand for,
//! and are std's even while a model checker runs: its own are records kept elsewhere. The checker
//! sees the protocols through other kinds of nodes, in `tests/loom`.

pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64};

const _: () = assert!(size_of::<AtomicU32>() == 4 && align_of::<AtomicU32>() == 4);
const _: () = assert!(size_of::<AtomicU64>() == 8 && align_of::<AtomicU64>() == align_of::<u64>());
