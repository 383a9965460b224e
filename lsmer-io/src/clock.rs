//! Clocks: the system's, and one that is turned by hand.

use std::time::Duration;

use lsmer_core::Clock;
use lsmer_sync::atomic::{AtomicU64, Ordering};
use rustix::time::{ClockId, clock_gettime};

/// The clocks of the system: `CLOCK_MONOTONIC` and `CLOCK_REALTIME`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        read(ClockId::Monotonic)
    }

    fn wall(&self) -> Duration {
        read(ClockId::Realtime)
    }
}

/// A clock that stands still until it is advanced.
#[derive(Debug)]
pub struct ManualClock {
    nanos: AtomicU64,
}

impl ManualClock {
    /// What [`wall`](Clock::wall) says when [`now`](Clock::now) says zero: 2020-01-01, in seconds.
    pub const WALL_AT_ZERO: Duration = Duration::from_secs(1_577_836_800);

    /// Makes a clock at time zero.
    pub fn new() -> Self {
        Self { nanos: AtomicU64::new(0) }
    }

    /// Moves the time forward. Time stops after 584 years.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let add = |nanos: u64| Some(nanos.saturating_add(by));
        self.nanos
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, add)
            .expect("the closure always returns a value");
    }

    /// Returns by how much the clock was advanced.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(Ordering::SeqCst))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Duration {
        self.elapsed()
    }

    fn wall(&self) -> Duration {
        Self::WALL_AT_ZERO + self.elapsed()
    }
}

fn read(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    // Before 1970 is as good as 1970 for what people read.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_never_goes_back() {
        let first = SystemClock.now();
        assert!(SystemClock.now() >= first);
        assert!(SystemClock.wall() > ManualClock::WALL_AT_ZERO);
    }

    #[test]
    fn a_manual_clock_moves_only_when_advanced() {
        let clock = ManualClock::new();
        assert_eq!(clock.now(), Duration::ZERO);
        clock.advance(Duration::from_millis(3));
        assert_eq!(clock.now(), Duration::from_millis(3));
        assert_eq!(clock.wall(), ManualClock::WALL_AT_ZERO + Duration::from_millis(3));
        clock.advance(Duration::MAX);
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Duration::from_nanos(u64::MAX), "it stops, it does not wrap");
    }
}
