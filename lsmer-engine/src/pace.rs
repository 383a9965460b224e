//! Slowing writers before the tree bends, and stopping them at the hard limit of sealed memtables.

use std::{sync::Arc, time::Duration};

use lsmer_core::Result;
use lsmer_sync::atomic::Ordering;

use crate::{
    shared::Shared,
    space::{MAX_SEALED, Space},
};

/// From this many runs in level 0 on, each write waits a little.
const SLOW_AFTER_RUNS: usize = 12;
const WAIT_PER_RUN: Duration = Duration::from_micros(100);
const LONGEST_WAIT: Duration = Duration::from_millis(2);

impl Shared {
    /// Waits a moment if compaction of this keyspace lags behind.
    pub(crate) fn pace(&self, space: &Space) {
        let runs = space.level0_runs();
        if runs <= SLOW_AFTER_RUNS || self.options.compaction_jobs == 0 {
            return;
        }
        let over = u32::try_from(runs - SLOW_AFTER_RUNS).unwrap_or(u32::MAX);
        let wait = WAIT_PER_RUN.saturating_mul(over).min(LONGEST_WAIT);
        let env = &self.parts.env;
        let before = env.clock.now();
        let changed = &self.background.changed;
        env.exec.wait(changed, changed.count(), Some(wait));
        self.count_stall(before);
    }

    /// Adds the time since a writer began to wait.
    fn count_stall(&self, since: Duration) {
        let waited = self.parts.env.clock.now().saturating_sub(since).as_nanos();
        let nanos = u64::try_from(waited).unwrap_or(u64::MAX);
        self.counters.stall_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Blocks until a keyspace may seal another memtable.
    ///
    /// # Errors
    ///
    /// Why the flush that was waited for failed; the next call tries again.
    pub(crate) fn wait_for_flush(self: &Arc<Self>, space: &Arc<Space>) -> Result<()> {
        let before = self.parts.env.clock.now();
        space.forget_flush_error();
        loop {
            let seen = self.background.changed.count();
            if space.view().sealed.len() < MAX_SEALED {
                self.count_stall(before);
                return Ok(());
            }
            self.check_writable()?;
            space.check_alive()?;
            let error = space.work.lock().flush_error.take();
            self.schedule(space);
            if let Some(error) = error {
                return Err(error);
            }
            self.wait_for_background(seen)?;
        }
    }
}
