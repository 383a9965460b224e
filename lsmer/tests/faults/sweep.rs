//! The exhaustive sweep: every call that the workload makes goes wrong, in every way that fits
//! it, once and for good.

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::Location,
};

use lsmer_testkit::{
    fault::{Call, Effect, Errno, FaultPlan, Op, Rule, When},
    figures,
};

use crate::{
    case::{Case, Setup},
    run::{bare, replay, run, run_or_fail},
    workload::STEPS,
};

/// A place in the code that calls the file system, and what it calls.
type Site = (Op, &'static Location<'static>);

pub(crate) fn case(ring: bool) -> Case {
    let plan = FaultPlan::default();
    Case { ring, setup: 7.into(), steps: STEPS.len(), room: None, plan }
}

/// The case of the other parts that ship.
fn second_parts() -> Case {
    Case { setup: Setup { seed: 7, second: true }, ..case(true) }
}

/// What the workload calls when nothing goes wrong.
pub(crate) fn calls(case: &Case) -> Vec<Call> {
    let report = run(case, &bare).unwrap_or_else(|error| panic!("with nothing wrong: {error}"));
    assert_eq!(report.errors, 0);
    report.calls
}

/// Runs cases, or the one that was asked for, and counts.
struct Sweep {
    runs: u64,
    /// Runs in which an operation of the database failed.
    noticed: u64,
    /// Where something went wrong once, and where for good.
    once: BTreeSet<Site>,
    sticky: BTreeSet<Site>,
    /// Where calls came from in any run, and the case in which they were first seen.
    seen: BTreeMap<Site, Case>,
}

impl Sweep {
    fn new() -> Self {
        let (once, sticky, seen) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        Self { runs: 0, noticed: 0, once, sticky, seen }
    }

    fn run(&mut self, case: &Case) {
        let report = run_or_fail(case);
        self.runs += 1;
        self.noticed += u64::from(report.errors > 0);
        for call in &report.calls {
            self.seen.entry((call.op, call.site)).or_insert_with(|| case.clone());
        }
        for fired in &report.fired {
            let for_good = matches!(case.plan.0[fired.rule].when, When::From(_));
            let sites = if for_good { &mut self.sticky } else { &mut self.once };
            sites.insert((fired.call.op, fired.call.site));
        }
    }

    /// Runs a case with each of some plans.
    fn run_plans(&mut self, case: &Case, plans: impl Iterator<Item = FaultPlan>) {
        for plan in plans {
            self.run(&Case { plan, ..case.clone() });
        }
    }

    /// Fails every place that did not fail yet, also those that are called only after a failure.
    fn reach(&mut self) {
        let effect = Effect::Error(Errno::EIO);
        loop {
            let is_new = |site: &Site| !(self.once.contains(site) && self.sticky.contains(site));
            let new = self.seen.iter().filter(|(site, _)| is_new(site));
            let new: Vec<_> = new.map(|(site, case)| (*site, case.clone())).collect();
            let before = (self.once.len(), self.sticky.len());
            for ((op, site), mut case) in new {
                for when in [When::nth(0), When::From(0)] {
                    // The first rule that fits decides.
                    case.plan.0.insert(0, Rule::new(effect).on(op).at(site).when(when));
                    self.run(&case);
                    case.plan.0.remove(0);
                }
            }
            if (self.once.len(), self.sticky.len()) == before {
                return;
            }
        }
    }

    fn check_coverage(&self) {
        let seen: BTreeSet<_> = self.seen.keys().copied().collect();
        let missed = |failed| seen.difference(failed).copied().collect::<Vec<_>>();
        assert_eq!(missed(&self.once), [], "every place fails once");
        assert_eq!(missed(&self.sticky), [], "every place fails for good");
    }

    /// Prints and keeps what was counted.
    fn tell(&self, name: &str) {
        let count = |sites: &BTreeSet<Site>| sites.len() as u64;
        figures(
            name,
            &[
                ("runs", self.runs),
                ("noticed", self.noticed),
                ("sites-seen", self.seen.len() as u64),
                ("sites-failed-once", count(&self.once)),
                ("sites-failed-for-good", count(&self.sticky)),
            ],
        );
    }
}

/// Replays the case that was asked for, if one was.
pub(crate) fn asked() -> bool {
    let case = Case::asked();
    case.iter().for_each(replay);
    case.is_some()
}

/// Returns a plan in which call `nth` goes wrong.
pub(crate) fn once(effect: Effect, nth: usize) -> FaultPlan {
    Rule::new(effect).when(When::nth(nth as u64)).into()
}

/// Returns a plan in which call `nth` and all later ones that fit go wrong.
pub(crate) fn for_good(
    effect: Effect,
    calls: &[Call],
    nth: usize,
    fits: impl Fn(Op) -> bool,
) -> FaultPlan {
    let before = |op: Op| calls[..nth].iter().filter(|call| call.op == op).count() as u64;
    let rule = |op: Op| Rule::new(effect).on(op).when(When::From(before(op)));
    FaultPlan(Op::ALL.into_iter().filter(|op| fits(*op)).map(rule).collect())
}

/// Returns the first and the last call of each site, as their numbers.
pub(crate) fn of_each_site(calls: &[Call]) -> BTreeSet<usize> {
    let mut ends = BTreeMap::<Site, (usize, usize)>::new();
    for (nth, call) in calls.iter().enumerate() {
        ends.entry((call.op, call.site)).or_insert((nth, nth)).1 = nth;
    }
    ends.into_values().flat_map(|(first, last)| [first, last]).collect()
}

/// Makes each call that fits go wrong once, and from then on; with the second parts, the first
/// and the last of each place.
fn sweep(effect: Effect, fits: impl Fn(Op) -> bool + Copy) -> Sweep {
    let mut sweep = Sweep::new();
    for case in [case(true), case(false), second_parts()] {
        let calls = calls(&case);
        let all = if case.setup.second { of_each_site(&calls) } else { (0..calls.len()).collect() };
        for nth in all.into_iter().filter(|nth| fits(calls[*nth].op)) {
            let plans = [once(effect, nth), for_good(effect, &calls, nth, fits)];
            sweep.run_plans(&case, plans.into_iter());
        }
    }
    sweep
}

#[test]
fn a_call_that_fails_once_or_for_good_loses_nothing_wherever_it_is_made() {
    if asked() {
        return;
    }
    let effect = Effect::Error(Errno::EIO);
    let mut sweep = sweep(effect, |_| true);
    // One place that fails for good, while everything else works.
    for case in [case(true), case(false), second_parts()] {
        let calls = calls(&case);
        for (op, site) in calls.iter().map(|call| (call.op, call.site)).collect::<BTreeSet<_>>() {
            let rule = |first| Rule::new(effect).on(op).at(site).when(When::From(first));
            sweep.run_plans(&case, [0, 1, 4].into_iter().map(|first| rule(first).into()));
        }
    }
    sweep.reach();
    sweep.tell("fault-sweep");
    sweep.check_coverage();
}

#[test]
fn a_call_that_finds_no_room_loses_nothing_wherever_it_is_made() {
    if asked() {
        return;
    }
    let mut sweep = sweep(Effect::Error(Errno::ENOSPC), Op::needs_room);
    sweep.reach();
    sweep.tell("fault-sweep-enospc");
    sweep.check_coverage();
}

#[test]
fn a_call_that_finds_no_file_descriptor_loses_nothing_wherever_it_is_made() {
    if asked() {
        return;
    }
    let sweep = sweep(Effect::Error(Errno::EMFILE), Op::opens);
    sweep.tell("fault-sweep-emfile");
    assert!(sweep.noticed > 0);
}

#[test]
fn a_call_whose_answer_is_lost_loses_nothing_wherever_it_is_made() {
    if asked() {
        return;
    }
    let changes =
        |op: Op| !matches!(op, Op::Open | Op::Read | Op::ReadBatch | Op::ReadDir | Op::Len);
    let mut sweep = Sweep::new();
    for ring in [true, false] {
        let case = case(ring);
        let calls = calls(&case);
        let chosen = (0..calls.len()).filter(|nth| changes(calls[*nth].op));
        sweep.run_plans(&case, chosen.map(|nth| once(Effect::Late(Errno::EIO), nth)));
    }
    sweep.tell("fault-sweep-late");
    assert!(sweep.noticed > 0);
}

#[test]
fn interrupted_and_short_calls_are_masked_wherever_they_are_made() {
    if asked() {
        return;
    }
    let mut sweep = Sweep::new();
    for ring in [true, false] {
        let case = case(ring);
        let calls = calls(&case);
        let before = |nth: usize| {
            let op = calls[nth].op;
            calls[..nth].iter().filter(|call| call.op == op).count() as u64
        };
        let fits = |op: Op| matches!(op, Op::Read | Op::Write);
        for nth in (0..calls.len()).filter(|nth| fits(calls[*nth].op)) {
            let (op, first) = (calls[nth].op, before(nth));
            let rule = |effect, count| {
                let when = When::Times { first, count };
                FaultPlan::from(Rule::new(effect).on(op).when(when))
            };
            let interrupted = rule(Effect::Error(Errno::EINTR), 3);
            sweep.run_plans(&case, [interrupted, rule(Effect::Short(5), 1)].into_iter());
        }
        for (op, most) in [(Op::Read, 4000), (Op::Write, 61)] {
            let rule = Rule::new(Effect::Short(most)).on(op).when(When::From(0));
            sweep.run(&Case { plan: rule.into(), ..case.clone() });
        }
    }
    sweep.tell("fault-sweep-masked");
    assert_eq!(sweep.noticed, 0, "nobody hears of them");
}

#[test]
fn an_interrupted_call_of_another_kind_loses_nothing() {
    if asked() {
        return;
    }
    // A file system repeats these itself; one that does not is answered with an error.
    let fits = |op: Op| !matches!(op, Op::Read | Op::Write);
    let mut sweep = Sweep::new();
    for ring in [true, false] {
        let case = case(ring);
        let calls = calls(&case);
        let chosen = of_each_site(&calls).into_iter().filter(|nth| fits(calls[*nth].op));
        sweep.run_plans(&case, chosen.map(|nth| once(Effect::Error(Errno::EINTR), nth)));
    }
    sweep.tell("fault-sweep-eintr");
    assert!(sweep.noticed > 0);
}

#[test]
fn nothing_goes_wrong_by_itself_and_the_same_case_makes_the_same_calls() {
    for ring in [false, true] {
        let (one, other) = (calls(&case(ring)), calls(&case(ring)));
        assert_eq!(one, other);
        let mut counts = BTreeMap::<Op, usize>::new();
        let mut sites = BTreeSet::new();
        for call in &one {
            *counts.entry(call.op).or_default() += 1;
            sites.insert((call.op, call.site));
        }
        println!("{} calls, {} sites: {counts:?}", one.len(), sites.len());
    }
}
