//! Time windows: what was flushed in one stretch of time becomes one run, and is dropped as one.
//!
//! For series of which each entry is written once, about when it happens. Within the newest window
//! runs of similar size are merged; once a window is over, its runs become one, which is not touched
//! again until it is dropped. As Cassandra's `TimeWindowCompactionStrategy` does.

use std::time::Duration;

use lsmer_core::{CompactionJob, CompactionStrategy, PlanContext, Run, TreeView};

use crate::{fifo::is_older, job::Plan};

/// Writes entries a few times, and drops whole windows that are too old.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeWindow {
    /// Length of a window. Each one that is kept is a run, which reads of single keys have to ask:
    /// a few dozen are many.
    ///
    /// Default [`Self::WINDOW`]; below a millisecond counts as that.
    pub window: Duration,
    /// Drop windows whose newest entry was flushed longer ago; `None`: never.
    ///
    /// Default `None`.
    pub max_age: Option<Duration>,
    /// Within the newest window, merge neighbours once there are so many of similar size.
    ///
    /// Default [`Self::MIN_RUNS`]; below 2 counts as 2.
    pub min_runs: usize,
}

impl TimeWindow {
    /// Default of [`window`](Self::window).
    pub const WINDOW: Duration = Duration::from_secs(3600);
    /// Default of [`min_runs`](Self::min_runs).
    pub const MIN_RUNS: usize = 4;

    /// Sizes are similar if the largest is at most so many times the smallest.
    const SIMILAR: u64 = 3;
    /// Most runs of the newest window, whatever their sizes.
    const MOST_RUNS: usize = 16;

    /// Sets [`window`](Self::window).
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets [`max_age`](Self::max_age).
    #[must_use]
    pub fn with_max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Sets [`min_runs`](Self::min_runs).
    #[must_use]
    pub fn with_min_runs(mut self, runs: usize) -> Self {
        self.min_runs = runs;
        self
    }

    /// Returns the number of the window in which the newest entry of a run was flushed; 0 if that
    /// is not known.
    fn window_of(&self, run: &Run) -> u128 {
        let newest = run.tables.iter().filter_map(|table| table.flushed.newest).max();
        newest.map_or(0, |time| self.window_at(time))
    }

    fn window_at(&self, time: Duration) -> u128 {
        time.as_millis() / self.window.as_millis().max(1)
    }
}

impl Default for TimeWindow {
    fn default() -> Self {
        Self { window: Self::WINDOW, max_age: None, min_runs: Self::MIN_RUNS }
    }
}

impl CompactionStrategy for TimeWindow {
    fn name(&self) -> &'static str {
        "lsmer.time-window.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        let runs = view.runs();
        plan.drop_oldest(runs, |run| is_older(run, self.max_age, cx.now), "age");
        let now = self.window_at(cx.now);
        for window in runs.chunk_by(|a, b| self.window_of(a) == self.window_of(b)) {
            let over = self.window_of(&window[0]) < now || cx.idle;
            let all_free = window.iter().all(|run| !plan.touches(run));
            if plan.is_full() {
                break;
            }
            if window.len() > 1 && all_free && (over || window.len() > Self::MOST_RUNS) {
                plan.gather(window, "window");
            } else if !over {
                plan.gather_similar(window, self.min_runs.max(2), Self::SIMILAR);
            } else if window.len() == 1 {
                plan.label(window);
            }
        }
        plan.finish()
    }

    fn drops(&self) -> bool {
        self.max_age.is_some()
    }
}
