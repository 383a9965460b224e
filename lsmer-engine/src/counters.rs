//! Counts of what was done, cheap enough for every operation.
//!
//! Foreground counts are striped: each thread adds to a line of its own.

use crate::refusals::Counts;
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread,
};

const STRIPES: usize = 8;

/// A sum that many threads add to.
#[derive(Debug, Default)]
pub(crate) struct Striped([Line; STRIPES]);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

impl Striped {
    pub(crate) fn add(&self, n: u64) {
        if n > 0 {
            self.0[stripe()].0.fetch_add(n, Ordering::Relaxed);
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().map(|line| line.0.load(Ordering::Relaxed)).sum()
    }
}

fn stripe() -> usize {
    thread::index() % STRIPES
}

/// A sum that is added to under a lock, and read without.
#[derive(Debug, Default)]
pub(crate) struct Exclusive(AtomicU64);

impl Exclusive {
    /// Requires: nobody else adds at the same time.
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.sum() + n, Ordering::Relaxed);
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a database has done since it was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) cache_hits: Striped,
    pub(crate) cache_misses: Striped,
    pub(crate) user_bytes: Exclusive,
    pub(crate) writes: Exclusive,
    pub(crate) flushes: AtomicU64,
    pub(crate) flushed_bytes: AtomicU64,
    pub(crate) compactions: AtomicU64,
    pub(crate) moves: AtomicU64,
    pub(crate) compacted_bytes: AtomicU64,
    pub(crate) drops: AtomicU64,
    pub(crate) dropped_bytes: AtomicU64,
    pub(crate) refusals: Counts,
    pub(crate) stale_jobs: AtomicU64,
    pub(crate) stall_nanos: AtomicU64,
}
