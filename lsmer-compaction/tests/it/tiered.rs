//! The shape that tiered compaction makes, and what it costs.

use lsmer_compaction::Tiered;
use lsmer_core::{CompactionStrategy, Run};
use lsmer_testkit::strategy::TreeSim;
use proptest::{collection::vec, prelude::*};

const PER_MEMTABLE: u32 = 16;

fn scatter(n: u32) -> u32 {
    n.wrapping_mul(0x9e37_79b1)
}

#[test]
fn a_load_in_random_order_rewrites_each_byte_about_once_per_tier() {
    let (mut sim, strategy) = (TreeSim::default(), Tiered::default());
    let mut most_runs = 0;
    for n in 0..1000 {
        let keys = (0..PER_MEMTABLE).map(|i| scatter(n * PER_MEMTABLE + i));
        sim.flush(&keys.collect());
        sim.settle(&strategy).unwrap();
        most_runs = most_runs.max(sim.tree.runs.len());
    }
    sim.check_order().unwrap();
    // Measured: 5.6, flush included.
    let amplification = sim.amplification();
    assert!(amplification < 6.0, "{amplification}");
    assert!(most_runs <= 13, "{most_runs}");
}

#[test]
fn neighbours_of_similar_size_become_one_run_in_their_place() {
    let keys = |n| (0..n).collect();
    let sim =
        TreeSim::of(&[(3, keys(400)), (0, keys(9)), (0, keys(9)), (0, keys(9)), (0, keys(9))]);
    let plan = sim.plan(&Tiered::default(), 4);
    let newest: Vec<_> = sim.tree.runs[..4].iter().map(|run| run.id).collect();
    assert_eq!(plan.len(), 1);
    assert_eq!(plan[0].inputs.iter().map(|input| input.run).collect::<Vec<_>>(), newest);
    assert_eq!(plan[0].output().unwrap().level, 1);
}

#[test]
fn too_much_space_merges_everything() {
    let keys = |n| (0..n).collect();
    let sim = TreeSim::of(&[(1, keys(20)), (0, keys(30)), (0, keys(6)), (0, keys(2))]);
    let plan = sim.plan(&Tiered::default(), 4);
    assert_eq!((plan.len(), plan[0].inputs.len(), &*plan[0].reason), (1, 4, "space"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_history_ends_with_few_runs_or_little_space(
        flushes in vec(vec(0..400_u32, 1..16), 1..200),
    ) {
        let strategy = Tiered::default();
        let mut sim = TreeSim::default();
        for keys in flushes {
            sim.flush(&keys.into_iter().collect());
        }
        sim.settle(&strategy).unwrap();
        sim.check_order().unwrap();
        let oldest = sim.tree.runs.last().map_or(0, Run::bytes);
        let few = sim.tree.runs.len() < strategy.min_runs;
        prop_assert!(few || sim.tree.bytes() <= strategy.max_space * oldest, "{}", sim.shape());
    }
}

#[test]
fn the_name_is_pinned() {
    // It is on disk.
    assert_eq!(Tiered::default().name(), "lsmer.tiered.1");
}
