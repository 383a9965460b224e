//! A queue: tables are dropped, oldest first, when there are too many bytes or they are too old.
//!
//! For data that is worth less the older it is: logs, traces, caches that can be filled again.
//! Nothing is merged to make room; but many small runs become fewer, since each costs every read.

use std::time::Duration;

use lsmer_core::{CompactionJob, CompactionStrategy, PlanContext, Run, TreeView};

use crate::job::Plan;

/// Writes everything once, and drops what is old: data is lost, on purpose.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fifo {
    /// Most bytes of tables; beyond, the oldest runs are dropped, but never the newest one.
    ///
    /// Default [`Self::MAX_BYTES`].
    pub max_bytes: u64,
    /// Drop runs of which the newest entry was flushed longer ago; `None`: never.
    ///
    /// Default `None`.
    pub max_age: Option<Duration>,
    /// Merge the smallest neighbours when there are more runs; below 2 counts as 2.
    ///
    /// Default [`Self::MAX_RUNS`].
    pub max_runs: usize,
}

impl Fifo {
    /// Default of [`max_bytes`](Self::max_bytes).
    pub const MAX_BYTES: u64 = 1 << 30;
    /// Default of [`max_runs`](Self::max_runs).
    pub const MAX_RUNS: usize = 32;

    /// Sets [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`max_age`](Self::max_age).
    #[must_use]
    pub fn with_max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Sets [`max_runs`](Self::max_runs).
    #[must_use]
    pub fn with_max_runs(mut self, runs: usize) -> Self {
        self.max_runs = runs;
        self
    }

    /// Merges neighbours until there are few enough: the stretch with the fewest bytes, of a quarter
    /// of the runs that there may be.
    fn bound_runs(&self, plan: &mut Plan<'_>, runs: &[Run]) {
        let most = self.max_runs.max(2);
        if runs.len() <= most || plan.is_full() {
            return;
        }
        let width = (runs.len() - most + 1).max(most / 4).clamp(2, runs.len());
        let free = runs.windows(width).filter(|runs| runs.iter().all(|run| !plan.touches(run)));
        let bytes = |runs: &&[Run]| runs.iter().fold(0_u64, |n, run| n.saturating_add(run.bytes()));
        if let Some(smallest) = free.min_by_key(bytes) {
            plan.gather(smallest, "runs");
        }
    }
}

impl Default for Fifo {
    fn default() -> Self {
        Self { max_bytes: Self::MAX_BYTES, max_age: None, max_runs: Self::MAX_RUNS }
    }
}

/// Returns whether all entries of a run were flushed longer ago.
pub(crate) fn is_older(run: &Run, max_age: Option<Duration>, now: Duration) -> bool {
    let too_old = |most: Duration| {
        run.tables.iter().all(|table| table.age(now).is_some_and(|age| age > most))
    };
    max_age.is_some_and(too_old)
}

impl CompactionStrategy for Fifo {
    fn name(&self) -> &'static str {
        "lsmer.fifo.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        let runs = view.runs();
        let mut bytes = runs.iter().fold(0_u128, |sum, run| sum + u128::from(run.bytes()));
        let newest = runs.first().map(|run| run.id);
        let ends = |run: &Run| {
            let too_much = bytes > self.max_bytes.into() && Some(run.id) != newest;
            bytes -= u128::from(run.bytes());
            too_much || is_older(run, self.max_age, cx.now)
        };
        plan.drop_oldest(runs, ends, "queue");
        self.bound_runs(&mut plan, runs);
        plan.label(runs);
        plan.finish()
    }

    fn drops(&self) -> bool {
        true
    }
}
