//! Trees to plan for: likely ones, and any that there can be.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lsmer_core::{
    CompactionJob, CompactionStrategy, Flushed, PlanContext, Run, RunId, TableId, TableMeta, Tree,
    TreeView,
};

use super::TreeSim;
use crate::{conformance::unharmed, seed::Seeded};

/// Sizes in bytes, from nothing to more than a disk has.
const SIZES: [u64; 5] = [0, 1, TreeSim::MEMTABLE_BYTES, 64 << 20, 1 << 44];

/// How wide the ranges of keys are at most, one of two each time: flushes overlap seldom, or often,
/// or both come together.
pub(super) fn spread(random: &mut Seeded) -> [usize; 2] {
    [[5, 5], [40, 40], [5, 40]][random.below(3)]
}

/// Keys of one flush: a few, in a range at some place.
pub(super) fn keys(random: &mut Seeded, spread: [usize; 2]) -> BTreeSet<u32> {
    let most = spread[random.below(2)];
    let (base, width) = (random.below(60), 1 + random.below(most));
    let key = |random: &mut Seeded| u32::try_from(base + random.below(100) * width / 100);
    (0..=random.below(11)).map(|_| key(random).expect("a small number")).collect()
}

/// A tree with contents, of up to 8 runs: with levels in order, or with any labels.
pub(super) fn likely(random: &mut Seeded) -> TreeSim {
    let label = |random: &mut Seeded| u8::try_from(random.below(5)).expect("a small number");
    let spread = spread(random);
    let mut runs: Vec<_> =
        (0..random.below(9)).map(|_| (label(random), keys(random, spread))).collect();
    if random.below(2) == 0 {
        runs.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
        runs.dedup_by(|a, b| a.0 > 0 && a.0 == b.0);
    }
    let mut sim = TreeSim::default();
    sim.deletes = random.below(2) == 0;
    for (level, keys) in &runs {
        sim.add(*level, keys, 3 * TreeSim::ENTRY_BYTES);
    }
    sim.idle = random.below(4) == 0;
    sim
}

/// A tree, tables that are taken, and a context, all as far from the usual as the types allow.
#[derive(Clone)]
pub(super) struct Any {
    pub(super) tree: Tree,
    pub(super) busy: BTreeSet<TableId>,
    pub(super) cx: PlanContext,
}

impl Any {
    pub(super) fn new(random: &mut Seeded) -> Self {
        let mut number = 0;
        let count = [0, 1, 2, 5, 20, 150][random.below(6)];
        let labels = [1, 3, 256][random.below(3)];
        let runs = (0..count).map(|id| {
            let level = u8::try_from(random.below(labels)).expect("below 256");
            let tables = tables(random, &mut number);
            Run { id: RunId(1000 - id), level, tables }
        });
        let mut runs: Vec<_> = runs.collect();
        if random.below(2) == 0 {
            runs.sort_by_key(|run| run.level);
        }
        let tree = Tree { runs };
        let share = [0, 0, 3, 50, 100][random.below(5)];
        let taken = tree.tables().filter(|_| random.below(100) < share).map(|table| table.id);
        let busy = taken.collect();
        let slots = [0, 1, 2, 4, 1000][random.below(5)];
        let (table, memtable) = (SIZES[random.below(5)], SIZES[random.below(5)]);
        let cx = PlanContext::new(slots, table, memtable).with_now(time(random));
        Self { tree, busy, cx: cx.with_idle(random.below(2) == 0) }
    }

    /// Asks for a plan, without a panic.
    pub(super) fn plan(
        &self,
        strategy: &dyn CompactionStrategy,
        random: &Seeded,
    ) -> Vec<CompactionJob> {
        let view = TreeView::new(&self.tree, &self.busy);
        unharmed(format_args!("COMPACT-02: {random}"), || strategy.plan(view, &self.cx))
    }
}

/// Any time, also one before others.
fn time(random: &mut Seeded) -> Duration {
    Duration::from_millis([0, 1, 999, 3_600_000, u64::MAX][random.below(5)])
}

/// Up to 12 tables with disjoint keys, among them the empty key and prefixes of others.
fn tables(random: &mut Seeded, number: &mut u64) -> Vec<Arc<TableMeta>> {
    let bytes = |random: &mut Seeded| [0, b'a', 0xff][random.below(3)];
    let key = |random: &mut Seeded| (0..random.below(6)).map(|_| bytes(random)).collect();
    let keys: BTreeSet<Vec<u8>> = (0..=random.below(24)).map(|_| key(random)).collect();
    let mut keys = keys.into_iter();
    let mut tables = Vec::new();
    while let Some(smallest) = keys.next() {
        let single = random.below(4) == 0;
        let largest = if single { None } else { keys.next() };
        let largest = largest.unwrap_or_else(|| smallest.clone());
        *number += 1;
        tables.push(Arc::new(TableMeta {
            id: TableId { epoch: random.next() % 3, number: *number },
            file_bytes: SIZES[random.below(5)],
            smallest: smallest.into(),
            largest: largest.into(),
            entries: random.next() % 1000,
            deletes: random.next() % 1000,
            flushed: Flushed {
                newest: (random.below(2) == 0).then(|| time(random)),
                oldest_delete: (random.below(2) == 0).then(|| time(random)),
            },
            ..TableMeta::default()
        }));
    }
    tables
}
