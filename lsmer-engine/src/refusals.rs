//! Jobs of the strategy that were refused, counted by the law that they break.

use lsmer_core::{CompactionJob, Illegal, Law};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// Jobs of the strategy that were refused since the database was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusals {
    /// How many broke each law, in the order of [`Law::ALL`].
    by_law: [u64; Law::ALL.len()],
    /// The last one, and why it was refused, in words.
    pub last: Option<String>,
}

impl Refusals {
    /// Returns how many were refused because they broke this law.
    pub fn of(&self, law: Law) -> u64 {
        Law::ALL.iter().zip(self.by_law).find(|(known, _)| **known == law).map_or(0, |(_, n)| n)
    }

    /// Returns how many were refused.
    pub fn total(&self) -> u64 {
        self.by_law.iter().sum()
    }
}

/// The counting side.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    by_law: [AtomicU64; Law::ALL.len()],
    last: Mutex<Option<String>>,
}

impl Counts {
    pub(crate) fn count(&self, job: &CompactionJob, illegal: &Illegal) {
        let counters = Law::ALL.iter().zip(&self.by_law);
        for (_, counter) in counters.filter(|(law, _)| **law == illegal.law()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        *self.last.lock() = Some(format!("{illegal}: {job}"));
    }

    pub(crate) fn read(&self) -> Refusals {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let by_law = self.by_law.each_ref().map(load);
        Refusals { by_law, last: self.last.lock().clone() }
    }
}
