//! The shape that lazy leveled compaction makes, and what it costs.

use lsmer_compaction::{
    LazyLeveled, Leveled, Tiered,
    simulate::{Choice, Report, Setup, Workload, simulate},
};
use lsmer_core::{CompactionStrategy, JobKind, Run};
use lsmer_testkit::strategy::TreeSim;
use proptest::{collection::vec, prelude::*};

/// Overwrites 300,000 keys, twice over.
fn overwrite(strategy: &dyn CompactionStrategy) -> Report {
    let setup = Setup::default().with_memtable_bytes(1 << 20).with_table_bytes(1 << 20);
    let workload = Workload::new(300_000, 600_000, Choice::Uniform).with_loaded(true);
    simulate(strategy, &setup, &workload).expect("it comes to an end")
}

#[test]
fn the_ratio_is_a_knob_between_space_and_writes() {
    let reports = [2, 4, 8].map(|ratio| overwrite(&LazyLeveled::default().with_ratio(ratio)));
    let writes = reports.each_ref().map(|report| report.write_amplification);
    let space = reports.each_ref().map(|report| report.space_amplification.max);
    println!("writes {writes:?}, space {space:?}");
    assert!(writes.is_sorted() && space.is_sorted_by(|a, b| a > b), "{writes:?} {space:?}");
    // A memtable may be there beyond the bound before it is dealt with.
    for (space, ratio) in space.iter().zip([2.0, 4.0, 8.0]) {
        assert!(*space < 1.0 + 1.0 / ratio + 0.05, "{space} at {ratio}");
    }
}

#[test]
fn it_writes_less_than_leveled_and_takes_less_space_than_tiered_compaction() {
    let lazy = overwrite(&LazyLeveled::default());
    let leveled = overwrite(&Leveled::default());
    let tiered = overwrite(&Tiered::default());
    let writes = [&tiered, &lazy, &leveled].map(|report| report.write_amplification);
    let space = [&lazy, &tiered].map(|report| report.space_amplification.max);
    println!("writes {writes:?}, space {space:?}");
    assert!(writes.is_sorted() && space.is_sorted(), "{writes:?} {space:?}");
}

#[test]
fn an_idle_tree_gets_few_runs() {
    let (mut sim, strategy) = (TreeSim::default(), LazyLeveled::default());
    for n in 0..200_u32 {
        sim.flush(&(0..16).map(|i| (n * 16 + i).wrapping_mul(0x9e37_79b1)).collect());
        sim.settle(&strategy).unwrap();
    }
    let before = sim.tree.runs.len();
    sim.idle = true;
    sim.settle(&strategy).unwrap();
    assert!(before > 2 && sim.tree.runs.len() <= 2, "{before} {}", sim.shape());
}

#[test]
fn tables_sink_one_by_one_into_the_oldest_run() {
    let keys = |n| (0..n).collect();
    let sim = TreeSim::of(&[(6, keys(60)), (3, keys(30))]);
    let plan = sim.plan(&LazyLeveled::default(), 4);
    assert!(!plan.is_empty());
    for job in &plan {
        assert_eq!((job.inputs[0].tables.len(), &*job.reason), (1, "sink"));
        assert!(matches!(job.kind, JobKind::Merge { .. }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_history_ends_with_little_above_the_oldest_run(
        flushes in vec(vec(0..400_u32, 1..16), 1..200),
    ) {
        let strategy = LazyLeveled::default();
        let mut sim = TreeSim::default();
        for keys in flushes {
            sim.flush(&keys.into_iter().collect());
        }
        sim.settle(&strategy).unwrap();
        sim.check_order().unwrap();
        let oldest = sim.tree.runs.last().map_or(0, Run::bytes);
        let above = sim.tree.bytes() - oldest;
        let first = sim.tree.runs.len() < strategy.min_runs && sim.tree.runs.iter().all(|run| run.level == 0);
        prop_assert!(first || above * strategy.ratio <= oldest, "{}", sim.shape());
    }
}

#[test]
fn the_name_is_pinned() {
    // It is on disk.
    assert_eq!(LazyLeveled::default().name(), "lsmer.lazy-leveled.1");
}
