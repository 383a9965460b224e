//! One call of the file system goes wrong: the cases of the sweep over faults, dealt out to seeds.

use lsmer_testkit::{
    FailedSync,
    fault::{Call, Effect, Errno, FaultPlan, Op, Rule, When},
};

use crate::{
    case::Case,
    run::{bare, run},
    sweep::{calls, case, of_each_site, once},
    syncs::run_and_crash,
};

/// One of so many cases is looked at with a seed.
pub(crate) const STEP: u64 = 40;

/// Returns the plans for a call that is the first or the last of its place.
fn plans(nth: usize, call: &Call) -> Vec<FaultPlan> {
    let [eio, late] = [Effect::Error(Errno::EIO), Effect::Late(Errno::EIO)];
    let mut plans = vec![once(eio, nth), once(late, nth)];
    let here = |effect: Effect| Rule::new(effect).on(call.op).at(call.site);
    plans.extend([0, 4].map(|first| here(eio).when(When::From(first)).into()));
    if matches!(call.op, Op::Read | Op::Write) {
        // Nobody is to hear of these.
        let usual = [Effect::Short(1), Effect::Error(Errno::EINTR)];
        plans.extend(usual.map(|effect| here(effect).when(When::nth(0)).into()));
    }
    plans
}

/// Returns the plans for a sync, whether it is of a file or of a folder.
fn sync_plans(nth: usize) -> [FaultPlan; 2] {
    let left = [FailedSync::MarkedClean, FailedSync::ActuallyDurable];
    left.map(|left| once(Effect::Sync(left), nth))
}

/// Runs one of [`STEP`] cases.
pub(crate) fn look(seed: u64) {
    let case = case(seed.is_multiple_of(2));
    let calls = calls(&case);
    let places = of_each_site(&calls).into_iter().flat_map(|nth| plans(nth, &calls[nth]));
    let is_sync = |nth: &usize| matches!(calls[*nth].op, Op::Sync | Op::SyncDir);
    let syncs = (0..calls.len()).filter(is_sync).flat_map(sync_plans);
    let chosen = places.chain(syncs).zip(0..).filter(|(_, at)| at % STEP == seed % STEP);
    for (plan, _) in chosen {
        let case = Case { plan, ..case.clone() };
        run(&case, &bare).unwrap_or_else(|error| panic!("{error}; LSMER_FAULT='{case}'"));
        let fails_a_sync = |rule: &Rule| matches!(rule.effect, Effect::Sync(_));
        if case.plan.0.iter().any(fails_a_sync) {
            let crashed = run_and_crash(&case, &bare);
            crashed.unwrap_or_else(|error| panic!("{error}; LSMER_FAULT='{case}'"));
        }
    }
}
