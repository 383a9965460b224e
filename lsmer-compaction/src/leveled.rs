//! Leveled compaction: level 0 is a queue of flushed runs, every deeper level is one run, and
//! has a target size some times that of the level above.
//!
//! - Once level 0 has enough runs, runs that overlap no other one go as they are to the deepest
//!   level that they can reach without passing a key of their own; if there is none, all are
//!   merged into level 1. So data that arrives in key order is written once.
//! - A level over its target gives tables to the next one, those with the least overlap first.
//!
//! Jobs under way do not get into each other's way:
//!
//! - **L1** Nothing of level 0 is read while something of it is: a merge writes anywhere between
//!   the smallest and the largest key of its runs, where later runs may well fit in.
//! - **L2** Of deeper levels, a merge reads one table and all below that overlap it. The ranges of
//!   two such merges are disjoint unless one reads a table of the other.
//! - **L3** A run that is written to keeps a table that no job takes, or has one that this job
//!   reads: it does not vanish meanwhile. Likewise the last free table of a run stays while a
//!   newer run has tables under way, for they may be on the way to it.
//! - **L4** A run is made only while nothing newer is under way, so no two jobs make the same
//!   level.

mod levels;
mod queue;
mod shape;

use lsmer_core::{CompactionJob, CompactionStrategy, PlanContext, TreeView};

use self::shape::Shape;
use crate::{
    deletes::Deletes,
    job::{Plan, all, into},
};

/// The default strategy: reads look into few runs, and little space is lost to old versions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leveled {
    /// Empty level 0 once it has so many runs.
    ///
    /// Default [`Self::LEVEL0_RUNS`]; below 1 counts as 1.
    pub level0_runs: usize,
    /// Target size of level 1 in bytes; `None`: [`level0_runs`](Self::level0_runs) memtables.
    ///
    /// Default `None`.
    pub base_level_bytes: Option<u64>,
    /// Target size of each deeper level, in times of the level above.
    ///
    /// Default [`Self::RATIO`]; below 2 counts as 2.
    pub ratio: u64,
    /// The deepest level, which has no target.
    ///
    /// Default [`Self::MAX_LEVEL`]; below 1 counts as 1.
    pub max_level: u8,
    /// Give the levels above the oldest run targets that follow from its size, and not from the
    /// size of level 1, as `level_compaction_dynamic_level_bytes` of `RocksDB` does: then no more
    /// than about one part in [`ratio`](Self::ratio) of all bytes is above it. Without it the oldest
    /// run may be hardly larger than the one above: simulated, 100 million uniform overwrites of 10
    /// million keys took 1.61 times the space of the keys and 10.8 times their bytes in writes, and
    /// 1.14 and 10.2 times with it.
    ///
    /// Default `true`.
    pub dynamic: bool,
    /// When deletes are a reason to compact.
    pub deletes: Deletes,
}

impl Leveled {
    /// Default of [`level0_runs`](Self::level0_runs).
    pub const LEVEL0_RUNS: usize = 4;
    /// Default of [`ratio`](Self::ratio).
    pub const RATIO: u64 = 10;
    /// Default of [`max_level`](Self::max_level).
    pub const MAX_LEVEL: u8 = 6;

    /// Sets [`level0_runs`](Self::level0_runs).
    #[must_use]
    pub fn with_level0_runs(mut self, runs: usize) -> Self {
        self.level0_runs = runs;
        self
    }

    /// Sets [`base_level_bytes`](Self::base_level_bytes).
    #[must_use]
    pub fn with_base_level_bytes(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.base_level_bytes = bytes.into();
        self
    }

    /// Sets [`ratio`](Self::ratio).
    #[must_use]
    pub fn with_ratio(mut self, ratio: u64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets [`max_level`](Self::max_level).
    #[must_use]
    pub fn with_max_level(mut self, level: u8) -> Self {
        self.max_level = level;
        self
    }

    /// Sets [`dynamic`](Self::dynamic).
    #[must_use]
    pub fn with_dynamic(mut self, dynamic: bool) -> Self {
        self.dynamic = dynamic;
        self
    }

    /// Sets [`deletes`](Self::deletes).
    #[must_use]
    pub fn with_deletes(mut self, deletes: Deletes) -> Self {
        self.deletes = deletes;
        self
    }

    /// Returns the size in bytes over which a level gives tables to the next; `None` for the
    /// deepest level and for level 0. What [`dynamic`](Self::dynamic) does is not seen here.
    pub fn target_bytes(&self, level: u8, cx: &PlanContext) -> Option<u64> {
        if level == 0 || level >= self.deepest() {
            return None;
        }
        let runs = self.enough_runs() as u64;
        let base = self.base_level_bytes.unwrap_or_else(|| cx.memtable_bytes.saturating_mul(runs));
        let factor = self.ratio.max(2).saturating_pow(u32::from(level) - 1);
        Some(base.saturating_mul(factor))
    }

    /// Returns the target of a level of this tree.
    fn target_in(&self, shape: &Shape<'_>, level: u8, cx: &PlanContext) -> Option<u64> {
        let usual = self.target_bytes(level, cx)?;
        let oldest = shape.levels().last().filter(|run| self.dynamic && run.level > level);
        let Some(oldest) = oldest else { return Some(usual) };
        let above = u32::from(oldest.level - level);
        let target = oldest.bytes() / self.ratio.max(2).saturating_pow(above);
        Some(target.max(self.target_bytes(1, cx)?))
    }

    fn enough_runs(&self) -> usize {
        self.level0_runs.max(1)
    }

    fn deepest(&self) -> u8 {
        self.max_level.max(1)
    }
}

impl Default for Leveled {
    fn default() -> Self {
        Self {
            level0_runs: Self::LEVEL0_RUNS,
            base_level_bytes: None,
            ratio: Self::RATIO,
            max_level: Self::MAX_LEVEL,
            dynamic: true,
            deletes: Deletes::default(),
        }
    }
}

impl CompactionStrategy for Leveled {
    fn name(&self) -> &'static str {
        "lsmer.leveled.1"
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let mut plan = Plan::new(view, cx);
        if plan.is_full() {
            return Vec::new();
        }
        match Shape::of(view.tree) {
            Ok(shape) => {
                let waiting = queue::plan(self, &shape, &mut plan, cx);
                levels::plan(self, &shape, &mut plan, (cx, waiting));
            }
            // Another strategy, or other settings, left this. One run less at a time, until the
            // tree has levels.
            Err([newer, older]) => {
                if view.is_free(newer) && view.is_free(older) {
                    plan.merge(&[all(newer), all(older)], into(older), "mend");
                }
            }
        }
        plan.finish()
    }
}
