//! What redb promises, and what was found.

use std::{panic::catch_unwind, path::Path, sync::atomic::Ordering};

use lsmer_core::Env;
use lsmer_testkit::{
    Budget, Crash, FailedSync, SimVfs,
    engine::{
        Config, Edit, Effort, Safety, Space, Store, Subject, SyncSite,
        engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
        engine_03_every_subset_of_what_was_pending_is_survived,
        engine_04_a_fault_loses_nothing_that_was_acknowledged, syncs_that_lie, world,
    },
    figures,
};

use super::Redb;
use crate::kill::kill;

/// The [`Config::parts`] that commit in two phases, without quick repair.
const TWO_PHASES: u64 = 1;
const EFFORT: Effort = Effort { runs: 200, states: 10_000, ..Effort::SMOKE };

#[test]
fn redb_reads_are_those_of_an_ordered_map() {
    let redb = Redb::new("redb");
    let counts = engine_01_reads_are_those_of_an_ordered_map(&redb, EFFORT.or_as_asked());
    counts.report("redb-model");
}

#[test]
fn redb_survives_crashes() {
    let redb = Redb::new("redb");
    let effort = EFFORT.or_as_asked();
    let mut counts =
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&redb, effort);
    counts.add(&engine_03_every_subset_of_what_was_pending_is_survived(&redb, effort));
    counts.report("redb");
    let repairs = redb.repairs.load(Ordering::Relaxed);
    assert!(repairs > 1_000, "only {repairs} repairs");
    figures("redb-repairs", &[("repairs", repairs)]);
}

#[test]
fn redb_survives_kills() {
    kill(&Redb::new("redb"), 20).unwrap().report("redb-kills");
}

/// Found, and to be looked at again when it is no longer so: `Database::create` in a process that
/// dies leaves a file that nobody opens.
#[test]
fn redb_refuses_a_file_whose_creation_was_interrupted() {
    let redb = Redb { installs: false, ..Redb::new("redb-in-place") };
    let crash =
        || engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&redb, Effort::SMOKE);
    let failure = *catch_unwind(crash).unwrap_err().downcast::<String>().unwrap();
    assert!(failure.contains("magic number mismatch"), "{failure}");
    assert!(failure.contains("0..=0 operations are expected"), "{failure}");
    assert!(failure.contains("crash=kill"), "{failure}");
}

/// The suite is not blind here: without the sync of the file it notices.
#[test]
fn redb_needs_its_sync() {
    let effort = Effort { runs: 2, ..Effort::SMOKE };
    let (sites, unnoticed) = syncs_that_lie(&Redb::new("redb-lies"), effort);
    let of_files = |sites: &[SyncSite]| sites.iter().filter(|(_, is_folder)| !is_folder).count();
    assert_eq!((of_files(&sites), of_files(&unnoticed)), (1, 0), "{sites:?}: {unnoticed:?}");
}

/// In two phases, for the reason that the next test shows.
#[test]
fn redb_loses_nothing_where_calls_fail() {
    let redb = Redb { two_phases: true, ..Redb::new("redb-two-phases") };
    let effort = Effort { runs: 100, states: 4_000, ..Effort::SMOKE }.or_as_asked();
    engine_04_a_fault_loses_nothing_that_was_acknowledged(&redb, effort).report("redb-faults");
}

/// Found, and to be looked at again when it is no longer so: after a sync that failed a later one
/// proves nothing if the system forgets what it could not write, as Linux does. redb reads those
/// bytes, finds them right, and builds on them; unless it commits in two phases, of which the first
/// is the one that failed here.
#[test]
fn redb_builds_on_bytes_whose_sync_failed() {
    let harmful = |parts| FailedSync::ALL.map(|left| (left, harm(left, parts) > 0));
    let expected = FailedSync::ALL.map(|left| (left, left == FailedSync::MarkedClean));
    assert_eq!(harmful(0), expected);
    assert_eq!(harmful(TWO_PHASES), FailedSync::ALL.map(|left| (left, false)));
}

/// Lets a commit fail in its sync, opens the database again, and makes another; returns how many of
/// the disks that a power loss may leave on the way do not hold what was committed before all that.
fn harm(left: FailedSync, parts: u64) -> usize {
    let sim = SimVfs::new();
    sim.record();
    let (env, _exec) = world(sim.clone(), 1);
    let redb = Redb::new("redb-failed-sync");
    let open = |env: &Env| redb.open(env, Path::new("db"), Config { parts, sizes: 0 });
    let put = |store: &dyn Store, space| {
        let (key, value) = (b"key".to_vec(), Some(b"value".to_vec()));
        store.write(&[Edit { space: Space(space), key, value }], Safety::Sync)
    };
    let store = open(&env).unwrap();
    // So often that the file need not grow later on.
    for space in [0, 1, 2, 0] {
        put(&*store, space).unwrap();
    }
    let begin = sim.recorded();
    sim.fail_next_sync(left);
    put(&*store, 1).unwrap_err();
    store.close().unwrap_err();
    let store = open(&env).unwrap();
    put(&*store, 2).unwrap();
    let recording = sim.recording();
    let mut cursor = recording.cursor();
    let mut harmful = 0;
    for point in begin..=recording.events().len() {
        cursor.advance_to(point);
        let lost = |crash: &Crash| {
            let (env, _exec) = world(cursor.materialise(crash).vfs(), 1);
            let value = open(&env).and_then(|store| store.get(Space(0), b"key"));
            value.ok().flatten().is_none()
        };
        harmful += cursor.states(&Budget::SMALL, 1).filter(lost).count();
    }
    harmful
}
