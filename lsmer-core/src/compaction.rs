//! The seam for compaction strategies: pure functions from the shape of a tree to jobs.
//!
//! No I/O, no clock, no locks. The engine checks every plan against the laws in [`check`], once
//! when it is made and again when it is installed: a strategy can be slow, never wrong.

mod check;

use std::fmt;

pub use check::{Illegal, check};

use crate::{Place, RunId, TableId, TreeView};

/// What a strategy may take into account besides the tree.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlanContext {
    /// How many further jobs may start now.
    pub slots: usize,
    /// Size in bytes at which the tables of a compaction are cut.
    pub table_bytes: u64,
    /// Size in bytes at which memtables are flushed.
    pub memtable_bytes: u64,
}

impl PlanContext {
    /// Makes a context.
    pub fn new(slots: usize, table_bytes: u64, memtable_bytes: u64) -> Self {
        Self { slots, table_bytes, memtable_bytes }
    }
}

/// One compaction: which tables become which run. Plain data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompactionJob {
    /// The tables to read, by run. No run twice.
    pub inputs: Vec<JobInput>,
    /// Where the result goes.
    pub output: JobOutput,
    /// Move the tables as they are, without reading them. Their run must be the only input.
    pub trivial_move: bool,
    /// Cut output tables once they have this many bytes.
    pub table_bytes: u64,
    /// Why, in a word or two, for statistics.
    pub reason: &'static str,
}

/// Tables of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobInput {
    /// The run.
    pub run: RunId,
    /// Some of its tables.
    pub tables: Vec<TableId>,
}

/// Where the result of a job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobOutput {
    /// Into a run that is there, or into a new one.
    pub target: Target,
    /// Label of the run; an existing run keeps the one it has.
    pub level: u8,
}

/// The run that a job writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A run that is there.
    Existing(RunId),
    /// A new run at this place.
    New(Place),
}

/// Decides what to compact.
///
/// # Obligations
///
/// - `COMPACT-01` [`plan`](Self::plan) is a pure function: equal arguments, equal answers.
/// - `COMPACT-02` Whatever the tree, `plan` does not panic, and every job is legal ([`check`]), alone
///   and beside the others of the same plan; there are at most [`slots`](PlanContext::slots).
/// - `COMPACT-03` Carrying plans out comes to an end: without new writes, after finitely many jobs
///   the plan is empty.
/// - `COMPACT-04` A job stays legal while it is under way, whatever is flushed and whichever other
///   jobs end meanwhile: otherwise its work is thrown away.
/// - `COMPACT-05` At rest a tree has far fewer runs than were flushed into it.
///
/// # Concurrency
///
/// Called by several threads at once, and in any order of trees: a strategy remembers nothing.
pub trait CompactionStrategy: Send + Sync + fmt::Debug {
    /// Returns the name that is recorded on disk.
    fn name(&self) -> &str;

    /// Returns jobs, most urgent first; none if the tree is in shape.
    fn plan(&self, tree: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob>;
}
