//! What would a strategy cost? A tree without data answers in a second.
//!
//! Keys are drawn as a workload says, but only one key in so many is followed, as SHARDS does for
//! caches (Waldspurger et al., FAST 2015): which of the followed keys a memtable holds when it is
//! full decides, for each of them on its own, what merges keep. Everything else is exact: memtables
//! are full after as many writes as in an engine, and the strategy sees a tree of tables with
//! bounds, sizes and counts, asks for jobs, and its jobs are checked and carried out one after the
//! other.
//!
//! How well it does, against the engine with 50,000 keys, 600,000 writes, memtables of 256 KiB and
//! background work that keeps up (said / was):
//!
//! | strategy | workload | write amplification | space amplification | runs |
//! |---|---|---|---|---|
//! | `Leveled` | uniform overwrites | 7.02 / 7.15 | 1.18 / 1.18 | 3.51 / 3.50 |
//! | `Leveled` | zipf 0.99, a fifth deletes | 3.20 / 3.28 | 1.23 / 1.27 | 3.50 / 3.50 |
//! | `Tiered` | uniform overwrites | 3.79 / 3.73 | 1.50 / 1.50 | 4.60 / 4.67 |
//! | `Tiered` | zipf 0.99, a fifth deletes | 1.75 / 1.98 | 1.44 / 1.53 | 5.03 / 4.79 |
//!
//! What it does not know: time. The tree it shows is one whose background work keeps up with the
//! writers; with writers ahead, level 0 has more runs, and merges of more runs at once write less.
//!
//! ```
//! use lsmer_compaction::{
//!     Leveled, Tiered,
//!     simulate::{Choice, Setup, Workload, simulate},
//! };
//!
//! let workload = Workload::new(1_000_000, 10_000_000, Choice::Uniform).with_deletes(0.1);
//! let leveled = simulate(&Leveled::default(), &Setup::default(), &workload)?;
//! let tiered = simulate(&Tiered::default(), &Setup::default(), &workload)?;
//! assert!(tiered.write_amplification < leveled.write_amplification);
//! assert!(tiered.peak_space_amplification > leveled.peak_space_amplification);
//! # Ok::<(), lsmer_compaction::simulate::Stuck>(())
//! ```

mod contents;
mod numbers;
mod picture;
mod report;
mod tree;
mod workload;

use std::fmt;

use lsmer_core::CompactionStrategy;

pub use self::{
    picture::picture,
    report::{Point, Report, Spread},
    workload::{Choice, Workload},
};
use self::{report::Observer, tree::SimTree, workload::Writer};

/// The engine's side: sizes in bytes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Setup {
    /// When a memtable is flushed.
    ///
    /// Default 16 MiB.
    pub memtable_bytes: u64,
    /// What an entry takes of a memtable beside key and value.
    ///
    /// Default 60: what the default memtable takes.
    pub memtable_overhead: u64,
    /// When a table is cut.
    ///
    /// Default 60: what the default memtable takes.MiB.
    pub table_bytes: u64,
    /// Size of an entry in a table, in parts of key and value: below 1 if it compresses.
    ///
    /// Default 1.
    pub stored: f64,
}

impl Setup {
    /// Sets [`memtable_bytes`](Self::memtable_bytes).
    #[must_use]
    pub fn with_memtable_bytes(mut self, bytes: u64) -> Self {
        self.memtable_bytes = bytes;
        self
    }

    /// Sets [`memtable_overhead`](Self::memtable_overhead).
    #[must_use]
    pub fn with_memtable_overhead(mut self, bytes: u64) -> Self {
        self.memtable_overhead = bytes;
        self
    }

    /// Sets [`table_bytes`](Self::table_bytes).
    #[must_use]
    pub fn with_table_bytes(mut self, bytes: u64) -> Self {
        self.table_bytes = bytes;
        self
    }

    /// Sets [`stored`](Self::stored).
    #[must_use]
    pub fn with_stored(mut self, part: f64) -> Self {
        self.stored = part;
        self
    }
}

impl Default for Setup {
    fn default() -> Self {
        Self { memtable_bytes: 16 << 20, memtable_overhead: 60, table_bytes: 32 << 20, stored: 1.0 }
    }
}

/// A strategy whose jobs do not come to an end: it would keep an idle engine busy for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stuck {
    /// How many jobs there were after one flush.
    pub jobs: u64,
    /// How many writes had been made.
    pub writes: u64,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} writes the strategy still plans, {} jobs later", self.writes, self.jobs)
    }
}

impl std::error::Error for Stuck {}

/// Predicts what a strategy does with a workload. Equal arguments give equal answers. Takes about a
/// second, and some MiB, however many writes there are.
///
/// # Errors
///
/// [`Stuck`] if the strategy's plans do not come to an end.
pub fn simulate(
    strategy: &dyn CompactionStrategy,
    setup: &Setup,
    workload: &Workload,
) -> Result<Report, Stuck> {
    let mut writer = Writer::new(setup, workload);
    let mut tree = SimTree::new(setup, workload, writer.weight());
    let mut observer = Observer::new(strategy.name(), writer.flushes());
    while let Some(flush) = writer.fill_memtable() {
        tree.flush(&flush.entries);
        tree.settle(strategy).map_err(|jobs| Stuck { jobs, writes: flush.writes })?;
        observer.see(&tree, &writer, &flush);
    }
    Ok(observer.report(&tree))
}
