//! Lazy leveled compaction: tiers, above one oldest run that has most of the data.
//!
//! Runs are merged several at a time, as by tiered compaction, but for the oldest one: what is above
//! it is kept below a part of its size, and that bounds the space that old versions take. It is the
//! shape of Dostoevsky (Dayan and Idreos, SIGMOD 2018): tiers cost little to write, and most of what
//! is read is in one run.
//!
//! With `R` for [`ratio`](LazyLeveled::ratio), old versions take at most `1 / R` of the live bytes
//! while updates are spread evenly, and an entry is written once by the flush, about once per tier,
//! and `R + 1` times into the oldest run.
//!
//! The oldest run takes tables one by one, each with those that it overlaps, so jobs stay small.
//! They do not get into each other's way: whole runs are merged only while no job takes one of
//! their tables; a table goes to its next older neighbour, past nothing; and the oldest run is never
//! read but to be written to.

use lsmer_core::{CompactionJob, CompactionStrategy, PlanContext, Run, TableMeta, TreeView};

use crate::{
    deletes::Deletes,
    job::{Plan, into},
};

/// Few writes, and little space: between [`Tiered`](crate::Tiered) and [`Leveled`](crate::Leveled).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LazyLeveled {
    /// How many times as large as all others together the oldest run is at least: the knob between
    /// space and writes.
    ///
    /// Default [`Self::RATIO`]; below 1 counts as 1.
    pub ratio: u64,
    /// Merge neighbours above the oldest run once there are so many of similar size.
    ///
    /// Default [`Self::MIN_RUNS`]; below 2 counts as 2.
    pub min_runs: usize,
    /// Sizes are similar if the largest is at most so many times the smallest.
    ///
    /// Default [`Self::SIMILAR`].
    pub similar: u64,
    /// When deletes are a reason to merge.
    pub deletes: Deletes,
}

impl LazyLeveled {
    /// Default of [`ratio`](Self::ratio).
    pub const RATIO: u64 = 4;
    /// Default of [`min_runs`](Self::min_runs).
    pub const MIN_RUNS: usize = 4;
    /// Default of [`similar`](Self::similar).
    pub const SIMILAR: u64 = 3;

    /// Sets [`ratio`](Self::ratio).
    #[must_use]
    pub fn with_ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }

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

    /// Sets [`deletes`](Self::deletes).
    #[must_use]
    pub fn with_deletes(mut self, deletes: Deletes) -> Self {
        self.deletes = deletes;
        self
    }

    fn enough_runs(&self) -> usize {
        self.min_runs.max(2)
    }

    /// Plans for too much above the oldest run: the run next to it sinks into it, if it has at
    /// least half of that; otherwise all that is above becomes such a run first.
    fn bound_space(&self, plan: &mut Plan<'_>, upper: &[Run], oldest: &Run) {
        let Some(next) = upper.last() else { return };
        let mut above: u128 = upper.iter().map(|run| u128::from(plan.free_bytes(run))).sum();
        let mut below = u128::from(oldest.bytes());
        let ratio = u128::from(self.ratio.max(1));
        if above * ratio <= below {
            return;
        }
        if u128::from(next.bytes()) * 2 < above {
            if upper.iter().all(|run| !plan.touches(run)) {
                plan.gather(upper, "gather");
            }
            return;
        }
        while above * ratio > below && !plan.is_full() {
            let Some(bytes) = sink_cheapest(plan, next, oldest) else { return };
            above = above.saturating_sub(bytes.into());
            below += u128::from(bytes);
        }
    }
}

impl Default for LazyLeveled {
    fn default() -> Self {
        Self {
            ratio: Self::RATIO,
            min_runs: Self::MIN_RUNS,
            similar: Self::SIMILAR,
            deletes: Deletes::default(),
        }
    }
}

impl CompactionStrategy for LazyLeveled {
    fn name(&self) -> &'static str {
        "lsmer.lazy-leveled.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        let runs = view.runs();
        let Some((oldest, upper)) = runs.split_last() else { return Vec::new() };
        if plan.is_full() {
            return Vec::new();
        }
        if oldest.level == 0 {
            // It is but the first that was flushed.
            let enough = runs.len() >= self.enough_runs() || cx.idle && runs.len() > 1;
            if enough && runs.iter().all(|run| view.is_free(run)) {
                plan.gather(runs, "first");
            }
            return plan.finish();
        }
        self.bound_space(&mut plan, upper, oldest);
        plan.gather_similar(upper, self.enough_runs(), self.similar);
        plan.pass_deletes_on(upper, &self.deletes);
        if let Some(next) = upper.last() {
            let due = |table: &&TableMeta| self.deletes.are_due(table, cx);
            let due: Vec<_> = plan.free(next).filter(due).collect();
            for table in due {
                if !plan.is_full() {
                    sink(&mut plan, (next, table), oldest, "deletes");
                }
            }
        }
        let all_free = upper.iter().all(|run| view.is_free(run));
        if cx.idle && upper.len() > 1 && all_free && plan.is_empty() {
            plan.gather(upper, "idle");
        }
        plan.finish()
    }
}

/// Sinks the free table with the least overlap for its size. Returns its bytes; `None` if there is
/// none for now.
fn sink_cheapest(plan: &mut Plan<'_>, run: &Run, oldest: &Run) -> Option<u64> {
    let cost = |table: &TableMeta| {
        let below = oldest.overlapping(&table.smallest, &table.largest);
        let taken = below.iter().any(|table| plan.takes(table));
        let bytes: u128 = below.iter().map(|table| u128::from(table.file_bytes)).sum();
        (!taken).then(|| bytes * 1000 / u128::from(table.file_bytes.max(1)))
    };
    let costs = plan.free(run).filter_map(|table| Some((cost(table)?, table)));
    let (_, table) = costs.min_by_key(|(cost, _)| *cost)?;
    sink(plan, (run, table), oldest, "sink").then_some(table.file_bytes.max(1))
}

/// Merges a table into the oldest run. Returns false if it cannot be done now.
fn sink(
    plan: &mut Plan<'_>,
    (run, table): (&Run, &TableMeta),
    oldest: &Run,
    reason: &'static str,
) -> bool {
    let below = oldest.overlapping(&table.smallest, &table.largest);
    // The run must still be there when the job ends: something of it stays, or is read.
    let vanishes = below.is_empty() && plan.free(oldest).next().is_none();
    if vanishes || below.iter().any(|table| plan.takes(table)) {
        return false;
    }
    if below.is_empty() && table.deletes == 0 {
        plan.shift((run, vec![table]), into(oldest), reason);
    } else {
        let below = below.iter().map(AsRef::as_ref).collect();
        plan.merge(&[(run, vec![table]), (oldest, below)], into(oldest), reason);
    }
    true
}
