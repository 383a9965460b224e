//! When deletes are a reason to compact: they hold space, and what they hide, until they reach the
//! oldest run.
//!
//! The bound on their age is that of Lethe (Sarkar et al., SIGMOD 2020). Deletes of the oldest run
//! are no reason: nothing older is there, so they are there for snapshots, and writing them again
//! would not end.

use std::time::Duration;

use lsmer_core::{PlanContext, Run, TableMeta};

/// When deletes are a reason to compact.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Deletes {
    /// Longest time for which a delete stays away from the oldest run; `None`: any time.
    ///
    /// Default `None`.
    pub max_age: Option<Duration>,
    /// Most deletes of a table, in percent of its entries.
    ///
    /// Default [`Self::MAX_PERCENT`]; from 100 on there may be any.
    pub max_percent: u8,
}

impl Deletes {
    /// Default of [`max_percent`](Self::max_percent).
    pub const MAX_PERCENT: u8 = 50;

    /// Sets [`max_age`](Self::max_age).
    #[must_use]
    pub fn with_max_age(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.max_age = age.into();
        self
    }

    /// Sets [`max_percent`](Self::max_percent).
    #[must_use]
    pub fn with_max_percent(mut self, percent: u8) -> Self {
        self.max_percent = percent;
        self
    }

    /// Returns whether a table's deletes are due to move on.
    pub(crate) fn are_due(&self, table: &TableMeta, cx: &PlanContext) -> bool {
        let most = u128::from(table.entries) * u128::from(self.max_percent.min(100));
        let dense = u128::from(table.deletes) * 100 > most;
        dense || self.are_old(table, cx)
    }

    /// Returns whether a table has deletes that are too old.
    pub(crate) fn are_old(&self, table: &TableMeta, cx: &PlanContext) -> bool {
        self.max_age.zip(table.delete_age(cx.now)).is_some_and(|(most, age)| age > most)
    }

    /// Returns whether a run has a table whose deletes are due.
    pub(crate) fn are_due_in(&self, run: &Run, cx: &PlanContext) -> bool {
        run.tables.iter().any(|table| self.are_due(table, cx))
    }
}

impl Default for Deletes {
    fn default() -> Self {
        Self { max_age: None, max_percent: Self::MAX_PERCENT }
    }
}
