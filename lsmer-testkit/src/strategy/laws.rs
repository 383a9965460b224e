//! What holds of every plan.

use lsmer_core::{CompactionJob, CompactionStrategy, TreeView, check};

use super::{
    TreeSim,
    shapes::{Any, keys, likely, spread},
};
use crate::seed::Seeded;

/// Most jobs under way at once.
const SLOTS: usize = 4;
/// Trees, and histories of flushes and jobs.
const ROUNDS: usize = 200;

/// `COMPACT-01`: an equal tree gets an equal plan, whatever was planned for in between.
///
/// # Panics
///
/// If not.
pub fn compact_01_equal_trees_have_equal_plans(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    let name = strategy.name().to_owned();
    assert!(!name.is_empty(), "COMPACT-01: the name is empty");
    for _ in 0..ROUNDS / 10 {
        let trees: Vec<_> = (0..20).map(|_| Any::new(&mut random)).collect();
        let plans: Vec<_> = trees.iter().map(|any| any.plan(strategy, &random)).collect();
        for (any, plan) in trees.iter().zip(&plans).rev() {
            let again = any.clone().plan(strategy, &random);
            let words =
                |plan: &[CompactionJob]| plan.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (one, other) = (words(plan), words(&again));
            assert!(
                *plan == again,
                "COMPACT-01: one plan is {one:?}, the other {other:?}; {random}"
            );
        }
    }
    assert!(strategy.name() == name, "COMPACT-01: the name was {name}");
}

/// `COMPACT-02`: for trees of any shape with any tables taken, each job is legal when those before
/// it in the plan have started, and there are no more than asked for.
///
/// # Panics
///
/// If not.
pub fn compact_02_every_job_is_legal_alone_and_beside_the_others(
    strategy: &dyn CompactionStrategy,
) {
    let mut random = Seeded::new();
    for round in 0..2 * ROUNDS {
        let mut any = Any::new(&mut random);
        if round % 2 == 0 {
            any.tree = likely(&mut random).tree;
        }
        let plan = any.plan(strategy, &random);
        let (count, slots) = (plan.len(), any.cx.slots);
        assert!(count <= slots, "COMPACT-02: {count} jobs for {slots} slots; {random}");
        for job in &plan {
            let legal = check(TreeView::new(&any.tree, &any.busy), job);
            legal.unwrap_or_else(|why| panic!("COMPACT-02: {why}: {job}; {random}"));
            any.busy.extend(job.tables());
        }
    }
}

/// `COMPACT-02`: the jobs of one plan are started, and end in any order; each still is legal then,
/// and every key's newest entry is met first.
///
/// # Panics
///
/// If not.
pub fn compact_02_the_jobs_of_a_plan_may_end_in_any_order(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    for _ in 0..2 * ROUNDS {
        let mut sim = likely(&mut random);
        let mut carry_out = || {
            for job in sim.plan(strategy, SLOTS) {
                sim.start(job)?;
            }
            end_all(&mut sim, &mut random)
        };
        carry_out().unwrap_or_else(|why: String| panic!("COMPACT-02: {why}; {random}"));
    }
}

/// `COMPACT-04`: in histories of flushes, plans, and jobs that end in any order, from an empty tree
/// or another one, no job becomes illegal, and every key's newest entry is met first.
///
/// # Panics
///
/// If not.
pub fn compact_04_jobs_stay_legal_while_they_are_under_way(strategy: &dyn CompactionStrategy) {
    let mut random = Seeded::new();
    for round in 0..8 * ROUNDS {
        let mut sim = if round % 2 == 0 { TreeSim::default() } else { likely(&mut random) };
        let history = history(&mut sim, strategy, &mut random);
        history.unwrap_or_else(|why| panic!("COMPACT-04: {why}; {random}"));
    }
}

fn history(
    sim: &mut TreeSim,
    strategy: &dyn CompactionStrategy,
    random: &mut Seeded,
) -> Result<(), String> {
    let spread = spread(random);
    for _ in 0..random.below(120) {
        sim.idle = random.below(8) == 0;
        match random.below(7) {
            0..3 => sim.flush(&keys(random, spread)),
            3 | 4 => {
                for job in sim.plan(strategy, SLOTS.saturating_sub(sim.running.len())) {
                    sim.start(job)?;
                }
            }
            _ if sim.running.is_empty() => {}
            _ => {
                sim.end(random.below(sim.running.len()))?;
                sim.check_order()?;
            }
        }
    }
    end_all(sim, random)
}

fn end_all(sim: &mut TreeSim, random: &mut Seeded) -> Result<(), String> {
    while !sim.running.is_empty() {
        sim.end(random.below(sim.running.len()))?;
        sim.check_order()?;
    }
    Ok(())
}
