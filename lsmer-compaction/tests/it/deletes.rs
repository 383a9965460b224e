//! Deletes that are old, or many, get on to the oldest run; and idle trees settle.

use std::time::Duration;

use lsmer_compaction::{Deletes, LazyLeveled, Leveled, Tiered};
use lsmer_core::{CompactionStrategy, Run};
use lsmer_testkit::strategy::TreeSim;

/// A large oldest run, and a small one above it that only deletes: the third flush.
fn deleted() -> TreeSim {
    let mut sim = TreeSim::default();
    sim.deletes = true;
    sim.add(6, &(0..300).collect(), 20 * TreeSim::ENTRY_BYTES);
    sim.add(5, &(1000..1004).collect(), 20 * TreeSim::ENTRY_BYTES);
    sim.add(4, &(100..104).collect(), 20 * TreeSim::ENTRY_BYTES);
    sim
}

fn deletes_above(sim: &TreeSim) -> u64 {
    let above = &sim.tree.runs[..sim.tree.runs.len() - 1];
    above.iter().flat_map(|run: &Run| &run.tables).map(|table| table.deletes).sum()
}

#[test]
fn old_deletes_reach_the_oldest_run() {
    let limits =
        |age| Deletes::default().with_max_percent(100).with_max_age(Duration::from_secs(age));
    let strategies = |age| -> [Box<dyn CompactionStrategy>; 3] {
        [
            Box::new(Leveled::default().with_deletes(limits(age))),
            Box::new(Tiered::default().with_deletes(limits(age))),
            Box::new(LazyLeveled::default().with_deletes(limits(age))),
        ]
    };
    for (strategy, patient) in strategies(5).iter().zip(&strategies(500)) {
        let mut sim = deleted();
        sim.settle(&**strategy).unwrap();
        assert_eq!(deletes_above(&sim), 4, "{strategy:?}: they are young");
        for n in 0..7 {
            // Of other keys: time passes.
            sim.add(1, &(5000 + n..5001 + n).collect(), u64::MAX);
        }
        let mut waits = sim.clone();
        let before = deletes_above(&sim);
        sim.settle(&**strategy).unwrap();
        waits.settle(&**patient).unwrap();
        let (soon, late) = (deletes_above(&sim), deletes_above(&waits));
        assert!(before > 4 && soon < late, "{strategy:?}: {soon} {late} {}", sim.shape());
    }
}

#[test]
fn a_table_of_deletes_goes_on_before_its_level_is_full() {
    let mut sim = deleted();
    let dense = Leveled::default().with_deletes(Deletes::default().with_max_percent(50));
    sim.settle(&dense).unwrap();
    assert_eq!(deletes_above(&sim), 0, "{}", sim.shape());
    sim.check_order().unwrap();
}

#[test]
fn an_idle_tree_settles() {
    let keys = || (0..16).collect();
    for (strategy, most) in [
        (Box::new(Leveled::default()) as Box<dyn CompactionStrategy>, 1),
        (Box::new(Tiered::default()), 3),
        (Box::new(Tiered::default().with_idle_runs(1)), 1),
        (Box::new(LazyLeveled::default()), 1),
    ] {
        let mut sim = TreeSim::default();
        for n in 0..3 {
            sim.flush(&keys());
            sim.add(1, &(100 * n..100 * n + 5).collect(), u64::MAX);
        }
        sim.idle = true;
        sim.settle(&*strategy).unwrap();
        assert!(sim.tree.runs.len() <= most, "{strategy:?}: {}", sim.shape());
    }
}

#[test]
fn dynamic_levels_bound_what_is_above_the_oldest_run() {
    // In thousandths, summed up over all flushes.
    let mut above = [0; 2];
    for (dynamic, above) in [false, true].into_iter().zip(&mut above) {
        let strategy = Leveled::default().with_ratio(4).with_dynamic(dynamic);
        let strategy = strategy.with_base_level_bytes(TreeSim::MEMTABLE_BYTES);
        let mut sim = TreeSim::default();
        for n in 0..600_u32 {
            sim.flush(&(0..16).map(|i| (n * 16 + i).wrapping_mul(0x9e37_79b1) % 9000).collect());
            sim.settle(&strategy).unwrap();
            let oldest = sim.tree.runs.last().map_or(0, Run::bytes);
            if n > 100 {
                *above += (sim.tree.bytes() - oldest) * 1000 / oldest;
            }
        }
        sim.check_order().unwrap();
    }
    assert!(above[1] < above[0], "{above:?}");
}
