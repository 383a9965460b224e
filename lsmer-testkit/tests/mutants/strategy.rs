//! A strategy that gathers all runs into one, with flaws.

use std::sync::atomic::{AtomicUsize, Ordering};

use lsmer_core::{
    CompactionJob, CompactionStrategy, JobInput, JobKind, JobOutput, Place, PlanContext, Run,
    Target, TreeView,
};
use lsmer_testkit::strategy as suite;

use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    RestsEveryOtherTime,
    ChangesItsName,
    TakesWhatIsBusy,
    WantsMoreSlots,
    PlansTheSameTwice,
    MergesTheEndsOnly,
    LeavesATableOfTheNewest,
    CountsOnTwoTables,
    NamesARunOfAnotherJob,
    RewritesTheLastRun,
    PutsTheResultFirst,
    DoesNothing,
    WaitsForSixtyRuns,
}

/// Makes a mutant of an obligation, the property that has to notice, and a flaw.
macro_rules! mutant {
    ($obligation:literal, $property:ident, $flaw:ident) => {
        Mutant {
            name: stringify!($flaw),
            obligation: $obligation,
            run: || suite::$property(&gather(Flaw::$flaw)),
        }
    };
}

const MUTANTS: &[Mutant] = &[
    mutant!("COMPACT-01", compact_01_equal_trees_have_equal_plans, RestsEveryOtherTime),
    mutant!("COMPACT-01", compact_01_equal_trees_have_equal_plans, ChangesItsName),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        TakesWhatIsBusy
    ),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        WantsMoreSlots
    ),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        PlansTheSameTwice
    ),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        MergesTheEndsOnly
    ),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        LeavesATableOfTheNewest
    ),
    mutant!(
        "COMPACT-02",
        compact_02_every_job_is_legal_alone_and_beside_the_others,
        CountsOnTwoTables
    ),
    mutant!(
        "COMPACT-02",
        compact_02_the_jobs_of_a_plan_may_end_in_any_order,
        NamesARunOfAnotherJob
    ),
    mutant!("COMPACT-03", compact_03_plans_come_to_an_end_from_any_tree, RewritesTheLastRun),
    mutant!("COMPACT-04", compact_04_jobs_stay_legal_while_they_are_under_way, PutsTheResultFirst),
    mutant!("COMPACT-05", compact_05_a_tree_at_rest_has_few_runs, DoesNothing),
    mutant!("COMPACT-05", compact_05_a_tree_at_rest_has_few_runs, WaitsForSixtyRuns),
];

#[test]
fn a_strategy_without_a_flaw_conforms() {
    suite::conforms(&gather(Flaw::None));
}

#[test]
fn each_flaw_of_a_strategy_is_caught() {
    all_are_killed("strategy", MUTANTS);
}

fn gather(flaw: Flaw) -> Gather {
    Gather { flaw, calls: AtomicUsize::new(0) }
}

/// Merges all runs into one, as soon as there are three and no other job is under way.
#[derive(Debug)]
struct Gather {
    flaw: Flaw,
    calls: AtomicUsize,
}

impl CompactionStrategy for Gather {
    fn name(&self) -> &str {
        match self.flaw {
            Flaw::ChangesItsName if self.calls.load(Ordering::SeqCst) > 0 => "gather.2",
            _ => "gather.1",
        }
    }

    fn plan(&self, view: TreeView<'_>, cx: &PlanContext) -> Vec<CompactionJob> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let runs = &view.tree.runs[..];
        let enough = match self.flaw {
            Flaw::RewritesTheLastRun => 1,
            Flaw::WaitsForSixtyRuns => 60,
            Flaw::DoesNothing => usize::MAX,
            _ => 3,
        };
        let is_late = cx.slots == 0 && self.flaw != Flaw::WantsMoreSlots;
        let is_busy = !view.busy.is_empty() && self.flaw != Flaw::TakesWhatIsBusy;
        if runs.len() < enough || is_late || is_busy {
            return Vec::new();
        }
        let target = Target::New(Place::Before(runs[0].id));
        let mut job = merge(runs, target, cx);
        match (self.flaw, runs) {
            (Flaw::RestsEveryOtherTime, _) if call.is_multiple_of(2) => return Vec::new(),
            (Flaw::PlansTheSameTwice, _) if cx.slots > 1 => return vec![job.clone(), job],
            (Flaw::MergesTheEndsOnly, [_, .., oldest]) => {
                job.inputs.drain(1..job.inputs.len() - 1);
                set_target(&mut job, Target::Existing(oldest.id));
            }
            (Flaw::LeavesATableOfTheNewest, _) if job.inputs[0].tables.len() > 1 => {
                job.inputs[0].tables.pop();
            }
            (Flaw::NamesARunOfAnotherJob, [one, two, rest @ ..]) if cx.slots > 1 => {
                let first = merge(&runs[..2], Target::New(Place::Before(one.id)), cx);
                return vec![first, merge(rest, Target::New(Place::After(two.id)), cx)];
            }
            (Flaw::CountsOnTwoTables, [newest, ..]) => {
                let JobKind::Merge { table_bytes, .. } = &mut job.kind else { unreachable!() };
                *table_bytes = newest.tables[1].file_bytes;
            }
            (Flaw::PutsTheResultFirst, _) => set_target(&mut job, Target::New(Place::Newest)),
            _ => {}
        }
        vec![job]
    }
}

fn set_target(job: &mut CompactionJob, target: Target) {
    let JobKind::Merge { output, .. } = &mut job.kind else { unreachable!() };
    output.target = target;
}

fn merge(runs: &[Run], target: Target, cx: &PlanContext) -> CompactionJob {
    let inputs = runs.iter().map(JobInput::all_of).collect();
    let output = JobOutput { target, level: 1 };
    CompactionJob::merge(inputs, output, cx.table_bytes).because("gather")
}
