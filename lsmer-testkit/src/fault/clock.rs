//! A clock that jumps.

use std::{sync::Arc, time::Duration};

use lsmer_core::Clock;
use lsmer_sync::Mutex;

/// A clock that jumps once, when it is read for the n-th time. Going back breaks what a
/// [`Clock`] promises: clocks of virtual machines do it all the same.
#[derive(Debug)]
pub struct JumpClock {
    inner: Arc<dyn Clock>,
    at: u64,
    by: Jumped,
    reads: Mutex<u64>,
}

/// How far a clock jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jumped {
    /// Ahead.
    Forward(Duration),
    /// Back, to zero at most.
    Back(Duration),
}

impl JumpClock {
    /// Jumps at read number `at`; the first is 0.
    pub fn new(inner: Arc<dyn Clock>, at: u64, by: Jumped) -> Self {
        Self { inner, at, by, reads: Mutex::new(0) }
    }

    /// Returns how often it was read.
    pub fn reads(&self) -> u64 {
        *self.reads.lock()
    }

    fn tell(&self, time: Duration) -> Duration {
        let mut reads = self.reads.lock();
        *reads += 1;
        match self.by {
            _ if *reads <= self.at => time,
            Jumped::Forward(by) => time.saturating_add(by),
            Jumped::Back(by) => time.saturating_sub(by),
        }
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Duration {
        self.tell(self.inner.now())
    }

    fn wall(&self) -> Duration {
        self.tell(self.inner.wall())
    }
}
