//! What every strategy promises.

use std::collections::BTreeSet;

use lsmer_compaction::{Leveled, Tiered};
use lsmer_core::{CompactionStrategy, TreeView, check};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::sim::{MEMTABLE_BYTES, Sim, context};

fn strategies() -> Vec<Box<dyn CompactionStrategy>> {
    let small = Leveled::default().with_base_level_bytes(MEMTABLE_BYTES).with_ratio(2);
    vec![
        Box::new(Leveled::default()),
        Box::new(small.clone().with_max_level(3).with_level0_runs(2)),
        Box::new(small.with_level0_runs(1)),
        Box::new(Tiered::default()),
        Box::new(Tiered::default().with_min_runs(2).with_similar(4).with_max_space(3)),
    ]
}

fn keys() -> impl Strategy<Value = BTreeSet<u32>> {
    // Narrow ranges at random places, and wide ones.
    (0..60_u32, 1..40_u32, vec(0..100_u32, 1..12)).prop_map(|(base, width, offsets)| {
        offsets.iter().map(|offset| base + offset * width / 100).collect()
    })
}

/// Trees of any labels, in order and out of order.
fn trees() -> impl Strategy<Value = Sim> {
    let runs = vec((0..5_u8, keys()), 0..9);
    (runs, any::<bool>()).prop_map(|(mut runs, sort)| {
        if sort {
            runs.sort_by_key(|(level, _)| std::cmp::Reverse(*level));
            runs.dedup_by(|a, b| a.0 > 0 && a.0 == b.0);
        }
        Sim::of(&runs)
    })
}

/// What happens in a history.
#[derive(Clone, Debug)]
enum Step {
    Flush(BTreeSet<u32>),
    Plan,
    End(Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => keys().prop_map(Step::Flush),
        2 => Just(Step::Plan),
        2 => any::<Index>().prop_map(Step::End),
    ];
    vec(step, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_job_is_legal_alone_and_beside_the_others(
        sim in trees(), taken in vec(any::<Index>(), 0..3), slots in 0..5_usize,
    ) {
        let tables: Vec<_> = sim.tree.tables().map(|table| table.id).collect();
        let pick = |at: &Index| (!tables.is_empty()).then(|| tables[at.index(tables.len())]);
        let busy: BTreeSet<_> = taken.iter().filter_map(pick).collect();
        let view = TreeView { tree: &sim.tree, busy: &busy };
        for strategy in strategies() {
            let plan = strategy.plan(view, &context(slots));
            prop_assert_eq!(&strategy.plan(view, &context(slots)), &plan, "a pure function");
            prop_assert!(plan.len() <= slots);
            for job in &plan {
                prop_assert_eq!(check(view, job), Ok(()));
            }
        }
    }

    #[test]
    fn the_jobs_of_one_plan_may_end_in_any_order(sim in trees(), order in vec(any::<Index>(), 4)) {
        for strategy in strategies() {
            let mut sim = sim.clone();
            for job in sim.plan(&*strategy, 4) {
                sim.start(job);
            }
            for at in &order {
                if !sim.running.is_empty() {
                    sim.end(at.index(sim.running.len()));
                    sim.check_order();
                }
            }
        }
    }

    #[test]
    fn plans_come_to_an_end_from_any_tree(sim in trees()) {
        for strategy in strategies() {
            let mut sim = sim.clone();
            sim.settle(&*strategy);
            sim.check_order();
        }
    }

    #[test]
    fn jobs_that_overlap_in_time_never_meet(steps in steps(), which in 0..5_usize) {
        let strategy = strategies().swap_remove(which);
        let mut sim = Sim::default();
        for step in steps {
            match step {
                Step::Flush(keys) => sim.flush(&keys),
                Step::Plan => {
                    for job in sim.plan(&*strategy, 4 - sim.running.len()) {
                        sim.start(job);
                    }
                }
                Step::End(at) if !sim.running.is_empty() => {
                    sim.end(at.index(sim.running.len()));
                    sim.check_order();
                }
                Step::End(_) => {}
            }
        }
        while !sim.running.is_empty() {
            sim.end(0);
        }
        sim.settle(&*strategy);
        sim.check_order();
    }
}
