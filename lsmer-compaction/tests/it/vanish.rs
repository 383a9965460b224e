//! Runs do not vanish under jobs that write to them (L3).

use std::collections::BTreeSet;

use lsmer_compaction::Leveled;
use lsmer_core::CompactionJob;
use lsmer_testkit::strategy::TreeSim;

/// Every level but the last is over its target.
fn hungry() -> Leveled {
    Leveled::default().with_level0_runs(2).with_base_level_bytes(1)
}

fn keys(low: u32, count: u32) -> BTreeSet<u32> {
    (low..low + count).collect()
}

/// Returns the job that takes a table from `level`.
fn job_from(sim: &TreeSim, level: u8) -> Option<CompactionJob> {
    sim.plan(&hungry(), 8).into_iter().find(|job| {
        let run = sim.tree.run(job.inputs[0].run);
        run.is_some_and(|run| run.level == level)
    })
}

#[test]
fn level_0_is_not_merged_into_a_run_whose_last_table_is_leaving() {
    let mut sim = TreeSim::of(&[(1, keys(100, 3))]);
    let leaving = job_from(&sim, 1).expect("over its target");
    sim.start(leaving).unwrap();
    sim.flush(&keys(0, 9));
    sim.flush(&keys(0, 9));
    assert_eq!(job_from(&sim, 0), None);
    sim.end(0).unwrap();
    assert!(job_from(&sim, 0).is_some());
}

#[test]
fn a_run_of_level_0_does_not_move_into_a_run_whose_last_table_is_leaving() {
    let mut sim = TreeSim::of(&[(3, keys(0, 9)), (2, keys(50, 3))]);
    let leaving = job_from(&sim, 2).expect("over its target");
    sim.start(leaving).unwrap();
    sim.flush(&keys(0, 4));
    sim.flush(&keys(5, 4));
    assert_eq!(job_from(&sim, 0), None, "only level 2 is in reach");
    sim.end(0).unwrap();
    assert!(job_from(&sim, 0).is_some());
}

#[test]
fn a_level_does_not_move_tables_into_a_run_whose_last_table_is_leaving() {
    let mut sim = TreeSim::of(&[(3, keys(50, 3)), (2, keys(50, 3))]);
    let leaving = job_from(&sim, 2).expect("over its target");
    sim.start(leaving).unwrap();
    sim.add(1, &keys(0, 3), u64::MAX);
    assert_eq!(job_from(&sim, 1), None);
    sim.end(0).unwrap();
    assert!(job_from(&sim, 1).is_some());
}

#[test]
fn the_last_table_stays_while_others_may_be_on_the_way_to_it() {
    let mut sim = TreeSim::of(&[(2, keys(100, 9)), (1, keys(100, 3))]);
    sim.flush(&keys(0, 9));
    sim.flush(&keys(0, 9));
    let arriving = job_from(&sim, 0).expect("level 0 has enough runs");
    sim.start(arriving).unwrap();
    assert_eq!(job_from(&sim, 1), None);
    sim.end(0).unwrap();
    assert!(job_from(&sim, 1).is_some());
}
