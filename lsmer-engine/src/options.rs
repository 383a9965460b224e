//! Settings of a whole database: plain values.

use std::path::PathBuf;

use lsmer_core::{Durability, Error, Result};

/// Settings of an open database. What they are is not stored; keyspaces store their own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The folder of the database.
    pub path: PathBuf,
    /// Make a new database if there is none. Default: yes.
    pub create_if_missing: bool,
    /// Write nothing at all. Default: no.
    pub read_only: bool,
    /// How safe a write is that does not say. Default: [`Durability::Process`].
    pub durability: Durability,
    /// Memory for memtables, block cache, indexes, filters and background work together, in bytes.
    ///
    /// Default [`Self::MEMORY_BUDGET`]; at least [`Self::MIN_MEMORY_BUDGET`].
    pub memory_budget: usize,
    /// Size at which a memtable is flushed, in bytes; 0 takes a sixteenth of the budget, at most
    /// 64 MiB. Default 0.
    pub memtable_bytes: usize,
    /// Size of the first segment of the log, in bytes; later ones double.
    ///
    /// Default [`Self::MIN_SEGMENT_BYTES`].
    pub min_segment_bytes: u64,
    /// Largest segment of the log, in bytes. Default [`Self::MAX_SEGMENT_BYTES`].
    pub max_segment_bytes: u64,
    /// How many compactions may run at the same time. Default 2; 0 runs none until asked.
    pub compaction_jobs: usize,
}

impl Options {
    /// Default of [`memory_budget`](Self::memory_budget).
    pub const MEMORY_BUDGET: usize = 256 << 20;
    /// Smallest [`memory_budget`](Self::memory_budget).
    pub const MIN_MEMORY_BUDGET: usize = 1 << 20;
    /// Default of [`min_segment_bytes`](Self::min_segment_bytes).
    pub const MIN_SEGMENT_BYTES: u64 = 256 << 10;
    /// Default of [`max_segment_bytes`](Self::max_segment_bytes).
    pub const MAX_SEGMENT_BYTES: u64 = 8 << 20;

    /// Starts from the defaults.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            create_if_missing: true,
            read_only: false,
            durability: Durability::default(),
            memory_budget: Self::MEMORY_BUDGET,
            memtable_bytes: 0,
            min_segment_bytes: Self::MIN_SEGMENT_BYTES,
            max_segment_bytes: Self::MAX_SEGMENT_BYTES,
            compaction_jobs: 2,
        }
    }

    /// Checks every range at once, before a file is touched.
    ///
    /// # Errors
    ///
    /// `InvalidArgument`, naming the first setting that is out of range.
    pub fn validate(&self) -> Result<()> {
        let segments = self.min_segment_bytes..=self.max_segment_bytes;
        let checks = [
            (self.memory_budget >= Self::MIN_MEMORY_BUDGET, "memory_budget: under 1 MiB"),
            (self.memtable_bytes <= 1 << 30, "memtable_bytes: over 1 GiB"),
            (!segments.is_empty(), "min_segment_bytes: over max_segment_bytes"),
            (*segments.start() >= 4 << 10, "min_segment_bytes: under 4 KiB"),
            (*segments.end() <= 1 << 30, "max_segment_bytes: over 1 GiB"),
        ];
        match checks.iter().find(|(valid, _)| !valid) {
            Some((_, what)) => Err(Error::invalid(what)),
            None => Ok(()),
        }
    }

    /// The size at which a memtable is flushed.
    pub(crate) fn memtable_bytes(&self) -> usize {
        match self.memtable_bytes {
            0 => (self.memory_budget / 16).clamp(64 << 10, 64 << 20),
            bytes => bytes,
        }
    }

    /// Most bytes that all active memtables together may take before the largest is flushed.
    pub(crate) fn active_bytes(&self) -> usize {
        (self.memory_budget / 8).max(self.memtable_bytes())
    }
}
