//! Every operation of the file system fails once, and then for good: no panic, no standstill, and
//! whatever was acknowledged is there, at once, after reopening, and if it was synced after a power
//! loss too.

use std::{io, panic, path::Path, sync::mpsc, thread, time::Duration};

use lsmer::{
    Db, Durability, ErrorKind, WriteBatch, WriteOptions,
    parts::{
        self,
        core::FileClass,
        io::{Crash, MemVfs, Op},
    },
};

use crate::history::{Jobs, TEST_KEY, World, builder};

/// EIO.
const BROKEN: io::ErrorKind = io::ErrorKind::Other;
/// Longer than any of these tests takes.
const HANG: Duration = Duration::from_secs(120);

/// What is to fail.
#[derive(Clone, Copy, Debug)]
struct Plan {
    op: Op,
    class: Option<FileClass>,
    nth: u64,
    error: io::ErrorKind,
    sticky: bool,
}

/// Returns how many operations the workload does when nothing fails.
fn operations() -> u64 {
    let mut world = World::new(MemVfs::new(), Jobs::InTurn);
    world.run();
    assert!(world.errors.is_empty(), "{:?}", world.errors);
    world.vfs.op_count()
}

/// Runs the workload on a disk that fails as planned; returns whether that was noticed.
fn run(plan: Plan, jobs: Jobs) -> bool {
    let Plan { op, class, nth, error, sticky } = plan;
    let vfs = MemVfs::new();
    vfs.fail_nth(op, class, nth, error, sticky);
    let mut world = World::new(vfs.clone(), jobs);
    world.run();
    if let Some(db) = &world.db {
        world.history.check_what_can_be_read(db);
    }
    let power_loss = vfs.crash_clone(Crash::Min);
    let kill = vfs.crash_clone(Crash::Kill);
    vfs.clear_faults();
    if let Some(db) = &world.db {
        world.history.check(db);
    }
    let history = world.history.clone();
    world.close();
    let World { errors, .. } = world;

    let opened = builder(&power_loss, jobs).open().expect("a power loss leaves a database");
    history.check_after_power_loss(&opened);
    for vfs in [kill, vfs] {
        let db = builder(&vfs, jobs).open().unwrap_or_else(|error| panic!("{error:?}: {errors:?}"));
        history.check(&db);
        db.put(TEST_KEY, "it").expect("it can be written again");
        db.compact(..).expect("and compacted");
        history.check(&db);
        let faults = db.verify().faults;
        assert!(faults.is_empty(), "{faults:?}");
    }
    !errors.is_empty()
}

/// Runs all plans; returns how many were noticed.
fn run_all(plans: impl Iterator<Item = Plan>, jobs: Jobs) -> usize {
    let noticed = |plan: &Plan| {
        let outcome = panic::catch_unwind(|| run(*plan, jobs));
        outcome.unwrap_or_else(|_| panic!("this is about {plan:?}"))
    };
    plans.filter(noticed).count()
}

fn any(nth: u64, sticky: bool) -> Plan {
    Plan { op: Op::Any, class: None, nth, error: BROKEN, sticky }
}

#[test]
fn an_operation_that_fails_once_loses_nothing() {
    let all = operations();
    let noticed = run_all((0..all).map(|nth| any(nth, false)), Jobs::InTurn);
    assert!(noticed > 100, "{noticed} of {all} failures were noticed");
}

#[test]
fn an_operation_that_finds_no_room_once_loses_nothing() {
    let all = operations();
    let full = |nth| Plan { error: io::ErrorKind::StorageFull, ..any(nth, false) };
    let noticed = run_all((0..all).map(full), Jobs::InTurn);
    assert!(noticed > 100, "{noticed} of {all} failures were noticed");
}

#[test]
fn a_disk_that_fails_for_good_loses_nothing() {
    let all = operations();
    let noticed = run_all((0..all).map(|nth| any(nth, true)), Jobs::InTurn);
    assert!(noticed > 100, "{noticed} of {all} failures were noticed");
}

#[test]
fn a_kind_of_operation_that_fails_for_good_loses_nothing() {
    let ops = [
        Op::Read,
        Op::Write,
        Op::Sync,
        Op::SyncDir,
        Op::Rename,
        Op::Remove,
        Op::Open,
        Op::Allocate,
    ];
    let classes = [
        None,
        Some(FileClass::Wal),
        Some(FileClass::Ring),
        Some(FileClass::Manifest),
        Some(FileClass::Current),
        Some(FileClass::Table),
    ];
    let kinds = ops.into_iter().flat_map(|op| classes.into_iter().map(move |class| (op, class)));
    let plans = kinds.flat_map(|(op, class)| {
        [0, 1, 2, 3, 5, 8, 13, 21, 34, 55].map(|nth| Plan {
            op,
            class,
            nth,
            error: BROKEN,
            sticky: true,
        })
    });
    run_all(plans, Jobs::InTurn);
}

#[test]
fn a_failing_disk_makes_no_thread_wait_for_ever() {
    let (done, wait) = mpsc::channel();
    let work = thread::Builder::new().name("work".into()).spawn(move || {
        let all = operations();
        for sticky in [false, true] {
            run_all((0..all).step_by(23).map(|nth| any(nth, sticky)), Jobs::OnThreads);
        }
        done.send(()).expect("the test waits");
    });
    match wait.recv_timeout(HANG) {
        Ok(()) => work.unwrap().join().unwrap(),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            panic::resume_unwind(work.unwrap().join().unwrap_err());
        }
    }
}

#[test]
fn after_a_failed_sync_of_the_log_nothing_is_written_until_it_is_reopened() {
    let vfs = MemVfs::new();
    let open = || {
        let (env, ..) = parts::io::manual(vfs.clone(), 0);
        Db::builder(Path::new("db")).env(env).durability(Durability::Sync).open().unwrap()
    };
    let db = open();
    db.put("before", "1").unwrap();
    vfs.fail_nth(Op::Sync, Some(FileClass::Wal), 0, BROKEN, false);
    assert_eq!(db.put("maybe", "2").unwrap_err().kind(), ErrorKind::Io, "the first to know");
    for _ in 0..3 {
        assert_eq!(db.put("after", "3").unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(db.sync().unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(db.flush().unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    assert_eq!(db.get("before").unwrap().unwrap(), "1", "reading goes on");
    let failed = db.close().unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Io, "closing tells what happened: {failed}");
    drop(db);

    let power_loss = vfs.crash_clone(Crash::Min);
    let (env, ..) = parts::io::manual(power_loss, 0);
    let db = Db::builder(Path::new("db")).env(env).open().unwrap();
    assert_eq!(db.get("before").unwrap().unwrap(), "1");
    let db = open();
    assert_eq!(db.get("before").unwrap().unwrap(), "1");
    let settled = db.get("maybe").unwrap();
    assert_eq!(db.get("after").unwrap(), None, "a refused write is never there");
    db.put("after", "4").unwrap();
    drop(db);
    let power_loss = vfs.crash_clone(Crash::Min);
    let (env, ..) = parts::io::manual(power_loss, 0);
    let db = Db::builder(Path::new("db")).env(env).open().unwrap();
    assert_eq!(db.get("maybe").unwrap(), settled, "the first opening settled it for good");
    assert_eq!(db.get("after").unwrap().unwrap(), "4");
}

/// Opens the database of a test that is about one failure.
fn open(vfs: &MemVfs) -> lsmer::Result<Db> {
    builder(vfs, Jobs::InTurn).open()
}

#[test]
fn a_manifest_that_could_not_be_synced_keeps_the_tables_that_it_may_name() {
    for compact in [false, true] {
        let vfs = MemVfs::new();
        let db = open(&vfs).unwrap();
        for n in 0..3 {
            db.put("key", format!("value {n}")).unwrap();
            db.flush().unwrap();
        }
        db.put("key", "the last").unwrap();
        // The edit of the flush, or the one of the compaction behind it.
        vfs.fail_nth(Op::Sync, Some(FileClass::Manifest), u64::from(compact), BROKEN, false);
        db.compact(..).unwrap_err();
        assert_eq!(db.put("key", "refused").unwrap_err().kind(), ErrorKind::ReadOnly);
        drop(db);
        let db = open(&vfs).expect("the manifest and the tables fit");
        assert_eq!(db.get("key").unwrap().unwrap(), "the last");
        assert!(db.verify().faults.is_empty());
    }
}

#[test]
fn a_segment_that_cannot_be_let_go_costs_no_table() {
    let vfs = MemVfs::new();
    let db = open(&vfs).unwrap();
    for op in [Op::Remove, Op::Rename] {
        vfs.fail_nth(op, Some(FileClass::Wal), 0, BROKEN, true);
    }
    let values = 0..200_u32;
    let refused = values.clone().filter(|n| db.put(n.to_be_bytes(), [1; 100]).is_err()).count();
    assert!(refused > 0, "segments were to be let go");
    vfs.clear_faults();
    drop(db);
    let db = open(&vfs).expect("no table is missing");
    let there = values.filter(|n| db.contains_key(n.to_be_bytes()).unwrap()).count();
    assert_eq!(there, 200 - refused);
}

#[test]
fn a_folder_whose_name_could_not_be_synced_is_not_taken_for_safe() {
    let vfs = MemVfs::new();
    vfs.fail_nth(Op::SyncDir, None, 0, BROKEN, false);
    assert_eq!(open(&vfs).unwrap_err().kind(), ErrorKind::Io);
    let db = open(&vfs).unwrap();
    db.put("key", "value").unwrap();
    db.sync().unwrap();
    let db = open(&vfs.crash_clone(Crash::Min)).unwrap();
    assert_eq!(db.get("key").unwrap().unwrap(), "value");
}

#[test]
fn an_opening_that_failed_can_be_repeated_at_once() {
    let vfs = MemVfs::new();
    let db = builder(&vfs, Jobs::InTurn).memtable_bytes(64 << 10).open().unwrap();
    (0..200_u32).for_each(|n| db.put(n.to_be_bytes(), [1; 100]).unwrap());
    drop(db);
    for jobs in [Jobs::InTurn, Jobs::OnThreads] {
        for nth in 0..12 {
            // Flushes of the replay are under way when the log cannot be read on.
            let vfs = vfs.crash_clone(Crash::Kill);
            vfs.fail_nth(Op::Read, Some(FileClass::Wal), 3 * nth, BROKEN, true);
            let error = builder(&vfs, jobs).open().map(|_| ()).err();
            vfs.clear_faults();
            let db = builder(&vfs, jobs).open().unwrap_or_else(|e| panic!("{error:?}, then {e:?}"));
            assert!((0..200_u32).all(|n| db.contains_key(n.to_be_bytes()).unwrap()));
        }
    }
}

#[test]
fn a_manifest_without_room_refuses_one_flush_and_takes_the_next() {
    let vfs = MemVfs::new();
    let db = open(&vfs).unwrap();
    db.put("key", "value").unwrap();
    vfs.fail_nth(Op::Allocate, Some(FileClass::Manifest), 0, io::ErrorKind::StorageFull, false);
    assert_eq!(db.flush().unwrap_err().kind(), ErrorKind::Full);
    db.put("another key", "value").expect("nothing was changed");
    db.flush().expect("there is room again");
    assert_eq!(db.stats().flushes, 2);
    assert_eq!(db.get("key").unwrap().unwrap(), "value");
}

#[test]
fn a_log_that_finds_no_room_while_it_syncs_does_not_promise_that_nothing_changed() {
    let vfs = MemVfs::new();
    let db = open(&vfs).unwrap();
    vfs.fail_nth(Op::Sync, Some(FileClass::Wal), 0, io::ErrorKind::StorageFull, false);
    let error = db.write_with(&one("key", "maybe"), WriteOptions::sync()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "not `Full`, for the write is there: {error:?}");
    assert_eq!(db.get("key").unwrap().unwrap(), "maybe");
    assert_eq!(db.put("key", "refused").unwrap_err().kind(), ErrorKind::ReadOnly);
}

fn one(key: &str, value: &str) -> WriteBatch {
    let mut batch = WriteBatch::new();
    batch.put(key, value);
    batch
}
