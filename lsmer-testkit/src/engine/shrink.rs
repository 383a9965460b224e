//! Makes a failure small: fewer operations, default parts. The crash is made small where it is
//! found.

use std::time::Duration;

use lsmer_core::Clock;
use lsmer_io::SystemClock;

use super::{
    counts::Counts,
    crashes::{Broken, Crashes, Limits},
    plan::Plan,
    run::Run,
    subject::{Config, Subject},
};
use crate::sim::Budget;

/// Runs to try at most.
const TRIES: usize = 300;

/// How long to try, in real time.
const TIME: Duration = Duration::from_secs(45);

/// Disks to check in one of them.
const STATES: u64 = 3_000;

/// Crashes to try at one event.
const BUDGET: Budget = Budget { all_upto: 2, pairs_upto: 0, family: 3, samples: 2, flights: 2 };

/// Leaves operations out of a run that fails by itself, as long as it fails.
pub(super) fn shrink_plan(subject: &dyn Subject, plan: Plan, error: String) -> (Plan, String) {
    least(plan, error, |plan| Run::new(subject, plan.clone()).err())
}

/// Leaves operations out of a run with a crash that does harm, as long as one does.
pub(super) fn shrink(subject: &dyn Subject, run: Run, broken: Broken) -> (Run, Broken) {
    if broken.crashes.len() > 1 {
        return (run, broken);
    }
    let limits = Limits { budget: BUDGET, states: STATES, point_every: 1, twice_every: 0 };
    let plan = run.plan.clone();
    let (_, found) = least(plan, (run, broken), |plan| {
        let run = Run::new(subject, plan.clone()).ok()?;
        let broken =
            Crashes { subject, run: &run }.explore(&limits, &mut Counts::default()).err()?;
        Some((run, broken))
    });
    found
}

/// Leaves operations out, half of them at first, as long as `fails` says how it fails (ddmin).
fn least<T>(mut plan: Plan, mut found: T, fails: impl Fn(&Plan) -> Option<T>) -> (Plan, T) {
    let mut size = plan.ids.len().div_ceil(2);
    let mut tries = 0;
    let begin = SystemClock.now();
    let in_time = || SystemClock.now().saturating_sub(begin) < TIME;
    while size > 0 {
        let mut from = 0;
        while from < plan.ids.len() && tries < TRIES && in_time() {
            tries += 1;
            let mut fewer = plan.clone();
            fewer.ids.drain(from..plan.ids.len().min(from + size));
            match fails(&fewer) {
                Some(failure) => (plan, found) = (fewer, failure),
                None => from += size,
            }
        }
        size = if size == 1 { 0 } else { size.div_ceil(2) };
    }
    let plain = Plan { config: Config::default(), ..plan.clone() };
    if let Some(failure) = fails(&plain) {
        (plan, found) = (plain, failure);
    }
    (plan, found)
}
