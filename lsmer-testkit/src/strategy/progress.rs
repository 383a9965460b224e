//! Where plans lead to, if they are carried out.

use std::collections::BTreeSet;

use lsmer_core::CompactionStrategy;

use super::{
    TreeSim,
    shapes::{keys, likely},
};
use crate::seed::Seeded;

/// Memtables that are flushed.
const FLUSHES: u32 = 400;
/// Most runs that may be left of them: a tenth.
const MOST_RUNS: usize = 40;

/// `COMPACT-03`: from trees of any labels, with and without further flushes, plans that are carried
/// out lead to an empty plan.
///
/// # Panics
///
/// If not.
pub fn compact_03_plans_come_to_an_end_from_any_tree(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    for _ in 0..300 {
        let mut sim = likely(&mut random);
        for _ in 0..3 {
            let settled = sim.settle(strategy).and_then(|_| sim.check_order());
            settled.unwrap_or_else(|why| panic!("COMPACT-03: {why}; {random}"));
            for slots in [1, 4] {
                let left = sim.plan(strategy, slots).len();
                assert!(left == 0, "COMPACT-03: {left} jobs are left for {slots} slots; {random}");
            }
            (0..random.below(8)).for_each(|_| sim.flush(&keys(&mut random)));
        }
    }
}

/// `COMPACT-05`: after many flushes - of the same keys, of keys in order, of random ones - a tree
/// at rest has at most a tenth as many runs, whether jobs ran in between or not.
///
/// # Panics
///
/// If not.
pub fn compact_05_a_tree_at_rest_has_few_runs(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    let mut load = |name: &str, keys: &mut dyn FnMut(&mut Seeded, u32) -> BTreeSet<u32>| {
        for keeps_up in [false, true] {
            let mut sim = TreeSim::default();
            for n in 0..FLUSHES {
                sim.flush(&keys(&mut random, n));
                if keeps_up || n + 1 == FLUSHES {
                    let settled = sim.settle(strategy);
                    settled.unwrap_or_else(|why| panic!("COMPACT-03: {why}; {random}"));
                }
            }
            let runs = sim.tree.runs.len();
            assert!(
                runs <= MOST_RUNS,
                "COMPACT-05: {runs} runs are left of {FLUSHES} flushes of {name}; {random}"
            );
        }
    };
    load("the same keys", &mut |_, _| (0..16).collect());
    load("keys in order", &mut |_, n| (16 * n..16 * (n + 1)).collect());
    load("random keys", &mut |random, _| {
        (0..16).filter_map(|_| u32::try_from(random.below(1 << 20)).ok()).collect()
    });
}
