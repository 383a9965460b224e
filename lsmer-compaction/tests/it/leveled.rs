//! The shape that leveled compaction makes, and what it costs.

use std::collections::BTreeSet;

use lsmer_compaction::Leveled;
use lsmer_core::CompactionStrategy;
use lsmer_testkit::strategy::TreeSim;
use proptest::{collection::vec, prelude::*};

const PER_MEMTABLE: u32 = 16;

/// Spreads numbers over all keys.
fn scatter(n: u32) -> u32 {
    n.wrapping_mul(0x9e37_79b1)
}

fn assert_shape(sim: &TreeSim, strategy: &Leveled) {
    let level0 = sim.tree.runs.iter().filter(|run| run.level == 0).count();
    assert!(level0 < strategy.level0_runs, "{}", sim.shape());
    let labels: Vec<_> = sim.tree.runs.iter().map(|run| run.level).skip(level0).collect();
    assert!(labels.is_sorted_by(|a, b| a < b), "one run per level: {labels:?}");
    for run in &sim.tree.runs {
        let target = strategy.target_bytes(run.level, &TreeSim::context(1)).unwrap_or(u64::MAX);
        assert!(run.bytes() <= target, "level {} is over its target", run.level);
    }
}

#[test]
fn a_load_in_key_order_is_written_once_and_ends_in_the_deepest_level() {
    for descending in [false, true] {
        let (mut sim, strategy) = (TreeSim::default(), Leveled::default());
        for n in 0..100 {
            let base = if descending { 100 - n } else { n } * PER_MEMTABLE;
            sim.flush(&(base..base + PER_MEMTABLE).collect());
            assert_eq!(sim.settle(&strategy), Ok(0), "nothing is read");
        }
        assert_shape(&sim, &strategy);
        assert_eq!(sim.tree.runs.last().map(|run| run.level), Some(strategy.max_level));
        assert!(sim.tree.runs.last().is_some_and(|run| run.tables.len() >= 97));
    }
}

#[test]
fn a_load_in_random_order_keeps_its_shape_and_rewrites_each_byte_a_few_times() {
    let (mut sim, strategy) = (TreeSim::default(), Leveled::default());
    for n in 0..1000 {
        let keys = (0..PER_MEMTABLE).map(|i| scatter(n * PER_MEMTABLE + i));
        sim.flush(&keys.collect());
        sim.settle(&strategy).unwrap();
        assert_shape(&sim, &strategy);
    }
    sim.check_order().unwrap();
    // Levels of fixed size would hold 4, 40 and 400 memtables: 4 levels. Measured: 12.5 with the
    // flush, and 11.8 with fixed sizes, as here nothing is ever overwritten.
    let amplification = sim.amplification();
    assert!(amplification < 13.0, "{amplification}");
}

#[test]
fn overwriting_the_same_keys_keeps_the_tree_small() {
    let (mut sim, strategy) = (TreeSim::default(), Leveled::default());
    for n in 0..1000 {
        let keys = (0..PER_MEMTABLE).map(|i| scatter(n * PER_MEMTABLE + i) % 1000);
        sim.flush(&keys.collect());
        sim.settle(&strategy).unwrap();
    }
    assert_shape(&sim, &strategy);
    let bytes = sim.tree.bytes();
    assert!(bytes < 2000 * TreeSim::ENTRY_BYTES, "{bytes} bytes for 1000 keys");
}

#[test]
fn level_0_waits_for_enough_runs() {
    let (mut sim, strategy) = (TreeSim::default(), Leveled::default());
    for _ in 0..3 {
        sim.flush(&(0..PER_MEMTABLE).collect());
    }
    assert_eq!(sim.plan(&strategy, 4), []);
    sim.flush(&(0..PER_MEMTABLE).collect());
    let plan = sim.plan(&strategy, 4);
    assert_eq!((plan.len(), plan[0].inputs.len(), plan[0].output().unwrap().level), (1, 4, 1));
}

#[test]
fn level_0_waits_for_level_1_and_is_not_overtaken() {
    let strategy = Leveled::default().with_level0_runs(2).with_base_level_bytes(1);
    let keys = |keys: std::ops::Range<u32>| keys.collect::<BTreeSet<_>>();
    let mut sim = TreeSim::of(&[(2, keys(0..9)), (1, keys(0..9))]);
    let plan = sim.plan(&strategy, 1);
    assert_eq!((plan.len(), plan[0].output().unwrap().level), (1, 2));
    sim.start(plan[0].clone()).unwrap();
    sim.flush(&keys(0..9));
    sim.flush(&keys(0..9));
    assert_eq!(
        sim.plan(&strategy, 4),
        [],
        "no more of level 1 is taken, which would go on forever"
    );
    sim.end(0).unwrap();
    assert_eq!(sim.plan(&strategy, 4)[0].output().unwrap().level, 1);
}

#[test]
fn tables_with_the_least_overlap_go_first() {
    let strategy = Leveled::default().with_base_level_bytes(TreeSim::ENTRY_BYTES * 5);
    // Tables of three entries: level 1 has [10, 12] and [100, 102], level 2 has [5, 11], [12, 14]
    // and [100, 300].
    let upper: BTreeSet<_> = (10..13).chain(100..103).collect();
    let lower: BTreeSet<_> = [5, 6, 11, 12, 13, 14, 100, 200, 300].into();
    let sim = TreeSim::of(&[(2, lower), (1, upper)]);
    let plan = sim.plan(&strategy, 1);
    let run = &sim.tree.runs[0];
    assert_eq!(plan[0].inputs[0].tables, [run.tables[1].id], "{}", sim.shape());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_history_ends_in_shape(flushes in vec(vec(0..400_u32, 1..16), 1..200)) {
        let strategy = Leveled::default().with_base_level_bytes(TreeSim::MEMTABLE_BYTES).with_ratio(3);
        let mut sim = TreeSim::default();
        for keys in flushes {
            sim.flush(&keys.into_iter().collect());
        }
        sim.settle(&strategy).unwrap();
        assert_shape(&sim, &strategy);
        sim.check_order().unwrap();
    }
}

#[test]
fn the_name_is_pinned() {
    // It is on disk.
    assert_eq!(Leveled::default().name(), "lsmer.leveled.1");
}
