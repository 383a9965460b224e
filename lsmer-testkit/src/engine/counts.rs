//! What a suite did, in numbers.

use std::time::Duration;

use lsmer_core::Clock;
use lsmer_io::SystemClock;

use super::features::Pairs;
use crate::figures::figures;

/// What a suite found out, besides that all is well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs that were carried out.
    pub runs: u64,
    /// Runs that were carried out a second time, with the same result.
    pub repeated: u64,
    /// Disks that were opened and checked.
    pub states: u64,
    /// Recoveries that were crashed.
    pub recoveries: u64,
    /// Disks after a crash inside a recovery.
    pub twice: u64,
    /// Points at which every subset of what was pending was tried.
    pub exhausted: u64,
    /// What came together.
    pub pairs: Pairs,
    /// How long it took.
    pub time: Duration,
}

impl Counts {
    /// Prints them, and keeps them for the report; see [`figures`].
    pub fn report(&self, name: &str) {
        let all = [
            ("runs", self.runs),
            ("repeated", self.repeated),
            ("states", self.states),
            ("twice", self.twice),
            ("exhausted_points", self.exhausted),
            ("feature_pairs", self.pairs.covered() as u64),
        ];
        let rate = |count: u64| u128::from(count) * 1000 / self.time.as_millis().max(1);
        let rate = u64::try_from(rate(self.states + self.twice)).unwrap_or(u64::MAX);
        let all = all.into_iter().chain([("states_per_second", rate)]);
        let some: Vec<_> = all.filter(|(_, count)| *count > 0).collect();
        figures(name, &some);
    }

    /// Adds those of another part of the suite.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.repeated += other.repeated;
        self.states += other.states;
        self.recoveries += other.recoveries;
        self.twice += other.twice;
        self.exhausted += other.exhausted;
        self.pairs.add(&other.pairs);
        self.time += other.time;
    }

    /// Notes how long it took, since this time of the system's clock.
    pub(super) fn timed(mut self, begin: Duration) -> Self {
        self.time = SystemClock.now().saturating_sub(begin);
        self
    }
}
