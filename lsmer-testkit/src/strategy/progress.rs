//! Where plans lead to, if they are carried out.

use std::collections::BTreeSet;

use lsmer_core::CompactionStrategy;

use super::{
    TreeSim,
    shapes::{keys, likely},
};
use crate::seed::Seeded;

/// Most jobs under way at once.
const SLOTS: usize = 4;
/// Most jobs until a tree is at rest.
const MOST_JOBS: usize = 10_000;
/// Memtables that are flushed.
const FLUSHES: u32 = 400;
/// Most runs that may be left at any time: a tenth.
const MOST_RUNS: usize = 40;

/// `COMPACT-03`: from trees of any labels, with and without further flushes, plans that are carried
/// out lead to an empty plan.
///
/// # Panics
///
/// If not.
pub fn compact_03_plans_come_to_an_end_from_any_tree(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    for round in 0..300 {
        let mut sim = likely(&mut random);
        for _ in 0..3 {
            let settled = if round % 2 == 0 {
                sim.settle(strategy).map(drop)
            } else {
                settle_together(&mut sim, strategy, &mut random)
            };
            let settled = settled.and_then(|()| sim.check_order());
            settled.unwrap_or_else(|why| panic!("COMPACT-03: {why}; {random}"));
            for slots in [1, SLOTS] {
                let left = sim.plan(strategy, slots).len();
                assert!(left == 0, "COMPACT-03: {left} jobs are left for {slots} slots; {random}");
            }
            sim.idle = random.below(2) == 0;
            for _ in 0..random.below(8) {
                sim.flush(&keys(&mut random, [5, 40]));
            }
        }
    }
}

/// Carries plans out, several jobs at a time, until there is nothing left to do.
fn settle_together(
    sim: &mut TreeSim,
    strategy: &dyn CompactionStrategy,
    random: &mut Seeded,
) -> Result<(), String> {
    for _ in 0..MOST_JOBS {
        for job in sim.plan(strategy, SLOTS - sim.running.len()) {
            sim.start(job)?;
        }
        if sim.running.is_empty() {
            return Ok(());
        }
        sim.end(random.below(sim.running.len()))?;
    }
    Err(format!("no end after {MOST_JOBS} jobs: {}", sim.shape()))
}

/// `COMPACT-05`: during and after 400 flushes - of the same keys, of keys in order, of random ones -
/// a tree has at most 40 runs whenever it is at rest, whether it was in between or not.
///
/// # Panics
///
/// If not.
pub fn compact_05_a_tree_at_rest_has_few_runs(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    let mut load = |name: &str, keys: &mut dyn FnMut(&mut Seeded, u32) -> BTreeSet<u32>| {
        for keeps_up in [false, true] {
            let mut sim = TreeSim::default();
            for n in 1..=FLUSHES {
                sim.flush(&keys(&mut random, n));
                if !keeps_up && n < FLUSHES {
                    continue;
                }
                let settled = sim.settle(strategy);
                settled.unwrap_or_else(|why| panic!("COMPACT-03: {why}; {random}"));
                let runs = sim.tree.runs.len();
                assert!(
                    runs <= MOST_RUNS,
                    "COMPACT-05: {runs} runs are left of {n} flushes of {name}; {random}"
                );
            }
        }
    };
    load("the same keys", &mut |_, _| (0..16).collect());
    load("keys in order", &mut |_, n| (16 * n..16 * (n + 1)).collect());
    load("random keys", &mut |random, _| {
        (0..16).filter_map(|_| u32::try_from(random.below(1 << 20)).ok()).collect()
    });
}
