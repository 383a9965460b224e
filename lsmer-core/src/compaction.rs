//! The seam for compaction strategies: pure functions from the shape of a tree to jobs.
//!
//! No I/O, no clock, no locks. The engine checks every plan against the laws in [`check`], once
//! when it is made and again when it is installed: a strategy can be slow, never wrong.

mod check;
mod codec;
mod job;
mod view;

use std::{fmt, time::Duration};

pub use self::{
    check::{Illegal, Law, check},
    job::{CompactionJob, JobInput, JobKind, JobOutput, Target},
    view::TreeView,
};

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
    /// The time since 1970, which ages are counted to; zero if it is not known.
    pub now: Duration,
    /// Nothing was written for a while: what makes reads cheaper may be done now, although it
    /// would not pay while more is coming.
    pub idle: bool,
}

impl PlanContext {
    /// Makes a context in which the time is not known and writes go on.
    pub fn new(slots: usize, table_bytes: u64, memtable_bytes: u64) -> Self {
        Self { slots, table_bytes, memtable_bytes, now: Duration::ZERO, idle: false }
    }

    /// Sets [`now`](Self::now).
    #[must_use]
    pub fn with_now(mut self, now: Duration) -> Self {
        self.now = now;
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub fn with_idle(mut self, idle: bool) -> Self {
        self.idle = idle;
        self
    }
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

    /// Returns whether it may plan [drops](JobKind::Drop), which lose data on purpose. The engine
    /// refuses those of a strategy that does not say so: [`Illegal::Undeclared`].
    fn drops(&self) -> bool {
        false
    }
}
