//! The suite for compaction strategies: one function per property, each of which panics if it
//! does not hold.
//!
//! The judge is [`lsmer_core::check`]. Trees come in two kinds: those of [`TreeSim`] have contents,
//! so that plans are carried out; others have any labels, sizes and keys that a tree can have.

mod laws;
mod progress;
mod reckless;
mod shapes;
mod sim;

use lsmer_core::CompactionStrategy;

pub use self::{
    laws::{
        compact_01_equal_trees_have_equal_plans,
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        compact_02_the_jobs_of_a_plan_may_end_in_any_order,
        compact_04_jobs_stay_legal_while_they_are_under_way,
    },
    progress::{
        compact_03_plans_come_to_an_end_from_any_tree, compact_05_a_tree_at_rest_has_few_runs,
    },
    reckless::Reckless,
    sim::TreeSim,
};

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(strategy: &dyn CompactionStrategy) {
    compact_01_equal_trees_have_equal_plans(strategy);
    compact_02_every_job_is_legal_alone_and_beside_the_others(strategy);
    compact_02_the_jobs_of_a_plan_may_end_in_any_order(strategy);
    compact_03_plans_come_to_an_end_from_any_tree(strategy);
    compact_04_jobs_stay_legal_while_they_are_under_way(strategy);
    compact_05_a_tree_at_rest_has_few_runs(strategy);
}

/// Makes a test of each property of a [`CompactionStrategy`]:
/// `strategy_conforms!(MyStrategy::default());`.
#[macro_export]
macro_rules! strategy_conforms {
    ($strategy:expr) => {
        $crate::properties! { strategy, &$strategy,
            compact_01_equal_trees_have_equal_plans
            compact_02_every_job_is_legal_alone_and_beside_the_others
            compact_02_the_jobs_of_a_plan_may_end_in_any_order
            compact_03_plans_come_to_an_end_from_any_tree
            compact_04_jobs_stay_legal_while_they_are_under_way
            compact_05_a_tree_at_rest_has_few_runs
        }
    };
}
