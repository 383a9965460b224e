//! Slowing writers before the tree bends, and stopping them at the hard limit of sealed memtables.
//!
//! Beyond so many runs in level 0, bytes have a price that grows with the number of runs. It is not
//! paid by every write but by one in a *portion* of bytes, which waits for all of them: a wait costs
//! far more than it is for, and most writes stay as fast as they were. With memtables of 16 MiB one
//! run too many allows 640 MB/s, four 160, eight 64; beyond that portions shrink, and so does the
//! rate, without an end.

use std::{sync::Arc, time::Duration};

use lsmer_core::Result;
use lsmer_sync::atomic::Ordering;

use crate::{
    shared::Shared,
    space::{MAX_SEALED, Space},
};

/// From this many runs in level 0 on writers wait.
const SLOW_AFTER_RUNS: usize = 12;
/// Portions of this many bytes make a memtable.
const PORTIONS: usize = 64;
/// So many runs more, and portions are half as large.
const RUNS_PER_HALF: usize = 8;
const WAIT_PER_RUN: Duration = Duration::from_micros(400);
const LONGEST_WAIT: Duration = Duration::from_millis(4);

impl Shared {
    /// Waits a moment, before so many bytes are written, if compaction of the keyspace lags behind.
    pub(crate) fn pace(&self, space: &Space, bytes: usize) {
        let runs = space.level0_runs();
        if runs <= SLOW_AFTER_RUNS || self.options.compaction_jobs == 0 {
            return;
        }
        let over = runs - SLOW_AFTER_RUNS;
        let portion = portion(self.options.memtable_bytes(), over);
        let written = space.paced_bytes.fetch_add(bytes, Ordering::Relaxed);
        if written / portion == written.saturating_add(bytes) / portion {
            return;
        }
        let over = u32::try_from(over).unwrap_or(u32::MAX);
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

/// Returns for how many bytes together one write waits.
fn portion(memtable_bytes: usize, over: usize) -> usize {
    let halves = u32::try_from(over / RUNS_PER_HALF).unwrap_or(u32::MAX);
    (memtable_bytes / PORTIONS).checked_shr(halves).unwrap_or(0).max(1)
}

#[cfg(all(test, not(lsmer_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_more_runs_the_fewer_bytes_in_a_second() {
        let rate = |over: u32| {
            let bytes = portion(16 << 20, over as usize) as f64;
            bytes / WAIT_PER_RUN.saturating_mul(over).min(LONGEST_WAIT).as_secs_f64()
        };
        let rates: Vec<f64> = [1, 4, 10, 16, 40, 200].map(rate).into();
        assert!(rates.is_sorted_by(|more, fewer| more > fewer), "{rates:?}");
        assert!(rates[0] > 600e6 && rates[2] > 30e6 && rates[5] < 300.0, "{rates:?}");
        assert_eq!(portion(64, usize::MAX), 1, "of the smallest memtable too");
    }
}
