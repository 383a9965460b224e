//! Slowing writers before the tree bends, and stopping them at the hard limit of sealed memtables.
//!
//! Not every write waits but one in a *portion* of bytes, for all of them: a wait costs far more
//! than what it is for, and most writes stay as fast as they were.
//!
//! - Beyond so many runs in level 0, a portion has a price that grows with their number. With
//!   memtables of 16 MiB one run too many allows 640 MB/s, four 160, ten 64; portions shrink too,
//!   and so the rate falls without an end.
//! - While no more memtables may be sealed, a portion takes at least its part of the time that the
//!   last flush took. So the active memtable is full when the next flush is over, and nobody stops
//!   for long; flushes have enough to do meanwhile, so nothing is lost by it.

use std::{sync::Arc, time::Duration};

use lsmer_core::Result;
use lsmer_sync::atomic::{AtomicU64, Ordering};

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
        let full = space.sealed() >= MAX_SEALED;
        let mut over = space.level0_runs().saturating_sub(SLOW_AFTER_RUNS);
        if self.options.compaction_jobs == 0 {
            over = 0;
        }
        if over == 0 && !full {
            return;
        }
        let portion = portion(self.options.memtable_bytes(), over);
        let written = space.paced_bytes.fetch_add(bytes, Ordering::Relaxed);
        if written / portion == written.saturating_add(bytes) / portion {
            return;
        }
        let env = &self.parts.env;
        let before = env.clock.now();
        let over = u32::try_from(over).unwrap_or(u32::MAX);
        let mut wait = WAIT_PER_RUN.saturating_mul(over);
        if full {
            wait = wait.max(space.flushes.until_next_portion(before));
        }
        let wait = wait.min(LONGEST_WAIT);
        if wait.is_zero() {
            return;
        }
        let changed = &self.background.changed;
        env.exec.wait(changed, changed.count(), Some(wait));
        self.count_stall(before);
    }

    /// Adds the time since a writer began to wait.
    fn count_stall(&self, since: Duration) {
        let waited = self.parts.env.clock.now().saturating_sub(since);
        self.counters.stall_nanos.fetch_add(nanos(waited), Ordering::Relaxed);
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

/// How fast a keyspace is flushed, and its writers against that. Times are of the clock.
#[derive(Debug, Default)]
pub(crate) struct Flushes {
    /// How long the last flush took.
    nanos: AtomicU64,
    /// When the next portion may begin.
    next_portion: AtomicU64,
}

impl Flushes {
    /// Notes how long a flush took.
    pub(crate) fn took(&self, time: Duration) {
        self.nanos.store(nanos(time), Ordering::Relaxed);
    }

    /// Returns how long to wait with a portion, and sets the time of the one after it.
    fn until_next_portion(&self, now: Duration) -> Duration {
        let now = nanos(now);
        let begins = self.next_portion.load(Ordering::Relaxed).max(now);
        let lasts = self.nanos.load(Ordering::Relaxed) / PORTIONS as u64;
        // What a write waited too little, because there is a longest wait, the next ones do not.
        let latest = now.saturating_add(nanos(LONGEST_WAIT));
        self.next_portion.store(begins.min(latest).saturating_add(lasts), Ordering::Relaxed);
        Duration::from_nanos(begins - now)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
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
        // Bytes in a millisecond.
        let rate = |over: u32| {
            let wait = WAIT_PER_RUN.saturating_mul(over).min(LONGEST_WAIT);
            portion(16 << 20, over as usize) as u128 * 1_000_000 / wait.as_nanos()
        };
        let rates: Vec<u128> = [1, 4, 10, 16, 40, 200].map(rate).into();
        assert!(rates.is_sorted_by(|more, fewer| more > fewer), "{rates:?}");
        assert!(rates[0] > 600_000 && rates[2] > 30_000 && rates[5] < 1, "{rates:?}");
        assert_eq!(portion(64, usize::MAX), 1, "of the smallest memtable too");
    }

    #[test]
    fn writers_fill_a_memtable_in_the_time_of_a_flush() {
        let flushes = Flushes::default();
        let mut now = Duration::from_secs(1);
        assert_eq!(flushes.until_next_portion(now), Duration::ZERO, "nothing is known yet");
        flushes.took(Duration::from_millis(64));
        let began = now;
        for _ in 0..=PORTIONS {
            now += Duration::from_micros(10);
            now += flushes.until_next_portion(now);
        }
        assert_eq!(now.saturating_sub(began).as_millis(), 64);
        // A writer that is slower than flushes never waits, and saves nothing up.
        for _ in 0..PORTIONS {
            now += Duration::from_millis(2);
            assert_eq!(flushes.until_next_portion(now), Duration::ZERO);
        }
    }
}
