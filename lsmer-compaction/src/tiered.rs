//! Tiered compaction: neighbours of similar size are merged into one, several at a time.
//!
//! Each merge takes whole neighbouring runs and puts one new run into their place, so jobs in
//! different stretches of the tree never meet, and every job leaves fewer runs than it found.

use lsmer_core::{
    CompactionJob, CompactionStrategy, JobOutput, Place, PlanContext, Run, Target, TreeView, mutant,
};

use crate::job::{Plan, all};

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
}

impl Tiered {
    /// Default of [`min_runs`](Self::min_runs).
    pub const MIN_RUNS: usize = 4;
    /// Default of [`similar`](Self::similar).
    pub const SIMILAR: u64 = 3;
    /// Default of [`max_space`](Self::max_space).
    pub const MAX_SPACE: u64 = 2;

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

    fn wants_all(&self, runs: &[Run]) -> bool {
        let oldest = runs.last().map_or(0, Run::bytes);
        let total: u64 = runs.iter().map(Run::bytes).sum();
        total > oldest.saturating_mul(self.max_space)
    }

    /// Returns how many of the first runs are free and of similar size.
    fn stretch(&self, view: TreeView<'_>, runs: &[Run]) -> usize {
        let (mut low, mut high) = (u64::MAX, 0);
        let fits = |run: &&Run| {
            let bytes = run.bytes().max(1);
            (low, high) = (bytes.min(low), bytes.max(high));
            view.is_free(run) && high <= low.saturating_mul(self.similar)
        };
        runs.iter().take_while(fits).count()
    }
}

impl Default for Tiered {
    fn default() -> Self {
        Self { min_runs: Self::MIN_RUNS, similar: Self::SIMILAR, max_space: Self::MAX_SPACE }
    }
}

impl CompactionStrategy for Tiered {
    fn name(&self) -> &'static str {
        "lsmer.tiered.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        let mut runs = &view.tree.runs[..];
        let min_runs = self.min_runs.max(2);
        if runs.len() < min_runs || plan.is_full() {
            return Vec::new();
        }
        if self.wants_all(runs) && runs.iter().all(|run| view.is_free(run)) {
            merge(&mut plan, runs, "space");
            return plan.finish();
        }
        while let [_, rest @ ..] = runs {
            let similar = self.stretch(view, runs);
            if similar < min_runs {
                runs = rest;
                continue;
            }
            let (stretch, rest) = runs.split_at(similar);
            merge(&mut plan, stretch, "tier");
            runs = rest;
            if plan.is_full() {
                break;
            }
        }
        plan.finish()
    }
}

/// Merges whole neighbouring runs into one in their place.
fn merge(plan: &mut Plan<'_>, runs: &[Run], reason: &'static str) {
    let parts: Vec<_> = runs.iter().map(all).collect();
    let level = runs.iter().map(|run| run.level).max().unwrap_or(0).saturating_add(1);
    let newest = mutant!("merged-run-becomes-the-newest");
    let place = if newest { Place::Newest } else { Place::Before(runs[0].id) };
    let target = Target::New(place);
    plan.merge(&parts, JobOutput { target, level }, reason);
}
