//! Every sync fails, in each way that file systems are known for, and then there is a crash: of
//! what was acknowledged as safe, nothing is lost, whatever the failed sync has left.

use std::collections::BTreeSet;

use lsmer_testkit::{
    Budget, Crash, FailedSync,
    fault::{Effect, Op},
    figures,
};

use crate::{
    case::Case,
    run::{caught, check_disk},
    sweep::{asked, calls, case, of_each_site, once},
    world::{World, Wrap},
};

/// Crashes at one point.
const BUDGET: Budget = Budget { all_upto: 1, pairs_upto: 0, family: 1, samples: 1, flights: 0 };

/// Points to crash at after the failure, at most.
const POINTS: usize = 6;

#[derive(Default)]
struct Totals {
    runs: u64,
    disks: u64,
}

/// Runs a case and crashes it at points from the failure on; returns how many disks there were.
pub(crate) fn run_and_crash(case: &Case, wrap: Wrap<'_>) -> Result<u64, String> {
    caught(|| {
        let mut world = World::new(case, wrap);
        world.run()?;
        let failed = world.failed_at.unwrap_or(0);
        let ends = world.model.ends(failed);
        let mut points: BTreeSet<usize> =
            ends.iter().copied().step_by(ends.len().div_ceil(POINTS).max(1)).collect();
        points.extend(ends.last());
        let recording = world.sim.recording();
        let mut cursor = recording.cursor();
        let (mut seen, mut disks) = (BTreeSet::new(), 0);
        for point in points {
            cursor.advance_to(point);
            for crash in cursor.states(&BUDGET, case.setup.seed) {
                let state = cursor.materialise(&crash);
                if !seen.insert(state.hash()) {
                    continue;
                }
                // What is taken back, the death of the process does not keep.
                let loses = crash.power.is_some() || world.took_back();
                let possible = world.model.after_crash(point, loses);
                let check = |crash: &Crash| {
                    let disk = cursor.materialise(crash).vfs();
                    caught(|| check_disk(&disk, case.setup, &possible, &[]))
                };
                check(&crash).map_err(|error| {
                    let least = cursor.shrink(&crash, |crash| check(crash).is_err());
                    let causes = cursor.blame(&least, |crash| check(crash).is_err()).join("\n");
                    format!("a crash at event {point}, {least}: {error}\n{causes}")
                })?;
                disks += 1;
            }
        }
        Ok(disks)
    })
}

fn fail_syncs(left: FailedSync) -> Totals {
    let mut totals = Totals::default();
    for ring in [true, false] {
        let case = case(ring);
        let calls = calls(&case);
        let all: BTreeSet<usize> =
            if ring { (0..calls.len()).collect() } else { of_each_site(&calls) };
        let syncs = all.into_iter().filter(|nth| matches!(calls[*nth].op, Op::Sync | Op::SyncDir));
        for nth in syncs {
            let case = Case { plan: once(Effect::Sync(left), nth), ..case.clone() };
            let disks = run_and_crash(&case, &crate::run::bare).unwrap_or_else(|error| {
                panic!("{error}\nreplay with LSMER_FAULT='{case}'");
            });
            totals.runs += 1;
            totals.disks += disks;
        }
    }
    totals
}

fn sweep(name: &str, left: FailedSync) {
    if let Some(case) = Case::asked() {
        let disks = run_and_crash(&case, &crate::run::bare);
        assert!(disks.as_ref().is_ok_and(|disks| *disks > 0), "{disks:?}");
    }
    if asked() {
        return;
    }
    let Totals { runs, disks } = fail_syncs(left);
    figures(name, &[("runs", runs), ("disks", disks)]);
    assert!(disks > runs);
}

#[test]
fn a_failed_sync_that_leaves_all_dirty_loses_nothing_that_was_safe() {
    sweep("fault-syncs-dirty", FailedSync::StillDirty);
}

#[test]
fn a_failed_sync_that_marks_all_clean_loses_nothing_that_was_safe() {
    sweep("fault-syncs-clean", FailedSync::MarkedClean);
}

#[test]
fn a_failed_sync_that_takes_all_back_loses_nothing_that_was_safe() {
    sweep("fault-syncs-reverted", FailedSync::Reverted);
}

#[test]
fn a_failed_sync_that_did_its_work_loses_nothing_that_was_safe() {
    sweep("fault-syncs-durable", FailedSync::ActuallyDurable);
}
