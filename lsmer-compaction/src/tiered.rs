//! Tiered compaction: neighbours of similar size are merged into one, several at a time.
//!
//! Each merge takes whole neighbouring runs and puts one new run into their place, so jobs in
//! different stretches of the tree never meet, and every job leaves fewer runs than it found.

use lsmer_core::{CompactionJob, CompactionStrategy, PlanContext, Run, TreeView};

use crate::{deletes::Deletes, job::Plan};

/// Few writes, more runs to look into: each entry is rewritten about once per tier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tiered {
    /// Merge neighbours once there are so many of similar size; with fewer runs in all, do
    /// nothing.
    ///
    /// Default [`Self::MIN_RUNS`]; below 2 counts as 2.
    pub min_runs: usize,
    /// Sizes are similar if the largest is at most so many times the smallest.
    ///
    /// Default [`Self::SIMILAR`].
    pub similar: u64,
    /// Merge everything once all runs together have more than so many times the bytes of the
    /// oldest one, which has about one entry for each key.
    ///
    /// Default [`Self::MAX_SPACE`].
    pub max_space: u64,
    /// Most runs that are left once nothing is written for a while; below 1 counts as 1.
    ///
    /// Default [`Self::IDLE_RUNS`].
    pub idle_runs: usize,
    /// When deletes are a reason to merge.
    pub deletes: Deletes,
}

impl Tiered {
    /// Default of [`min_runs`](Self::min_runs).
    pub const MIN_RUNS: usize = 4;
    /// Default of [`similar`](Self::similar).
    pub const SIMILAR: u64 = 3;
    /// Default of [`max_space`](Self::max_space).
    pub const MAX_SPACE: u64 = 2;
    /// Default of [`idle_runs`](Self::idle_runs).
    pub const IDLE_RUNS: usize = 3;

    /// Sets [`min_runs`](Self::min_runs).
    #[must_use]
    pub fn with_min_runs(mut self, runs: usize) -> Self {
        self.min_runs = runs;
        self
    }

    /// Sets [`similar`](Self::similar).
    #[must_use]
    pub fn with_similar(mut self, times: u64) -> Self {
        self.similar = times;
        self
    }

    /// Sets [`max_space`](Self::max_space).
    #[must_use]
    pub fn with_max_space(mut self, times: u64) -> Self {
        self.max_space = times;
        self
    }

    /// Sets [`idle_runs`](Self::idle_runs).
    #[must_use]
    pub fn with_idle_runs(mut self, runs: usize) -> Self {
        self.idle_runs = runs;
        self
    }

    /// Sets [`deletes`](Self::deletes).
    #[must_use]
    pub fn with_deletes(mut self, deletes: Deletes) -> Self {
        self.deletes = deletes;
        self
    }

    fn wants_all(&self, runs: &[Run]) -> bool {
        let oldest = runs.last().map_or(0, Run::bytes);
        let total: u64 = runs.iter().map(Run::bytes).sum();
        total > oldest.saturating_mul(self.max_space)
    }
}

impl Default for Tiered {
    fn default() -> Self {
        Self {
            min_runs: Self::MIN_RUNS,
            similar: Self::SIMILAR,
            max_space: Self::MAX_SPACE,
            idle_runs: Self::IDLE_RUNS,
            deletes: Deletes::default(),
        }
    }
}

impl CompactionStrategy for Tiered {
    fn name(&self) -> &'static str {
        "lsmer.tiered.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        let runs = view.runs();
        let all_free = runs.iter().all(|run| view.is_free(run));
        if plan.is_full() {
            return Vec::new();
        }
        if runs.len() >= self.min_runs.max(2) {
            if self.wants_all(runs) && all_free {
                plan.gather(runs, "space");
                return plan.finish();
            }
            plan.gather_similar(runs, self.min_runs.max(2), self.similar);
        }
        plan.pass_deletes_on(runs, &self.deletes);
        let idle_runs = self.idle_runs.max(1);
        if cx.idle && runs.len() > idle_runs && all_free && plan.is_empty() {
            plan.gather(&runs[..=runs.len() - idle_runs], "idle");
        }
        plan.finish()
    }
}
