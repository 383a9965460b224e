//! Memtables under a model checker.
//!
//! `RUSTFLAGS="--cfg lsmer_loom" cargo test -p lsmer-memtable --test loom --release`

#![cfg(lsmer_loom)]

mod btree;
mod skiplist;

/// Stands for `src/word.rs`: the integers that the checker knows.
mod word {
    pub(crate) use lsmer_sync::atomic::{AtomicU32, AtomicU64};
}

/// Stands for `src/memory.rs`: nodes are made one by one.
mod memory {
    #[derive(Debug, Default)]
    pub(crate) struct Recycler;
}
