//! What handles promise beyond the model: scans and snapshots hold what they see.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use lsmer::{
    Db, ErrorKind, KeyspaceOptions, WriteBatch,
    parts::{
        core::FileClass,
        io::{self, Crash, MemVfs, Op},
    },
};

use crate::harness::{Shape, tiny};

const SHAPE: Shape = Shape { parts: 0, seed: 3 };

pub(crate) fn filled(vfs: &MemVfs) -> Db {
    let db = SHAPE.open(vfs).unwrap().db;
    for n in 0..300 {
        db.put(format!("{n:03}"), "old").unwrap();
    }
    db
}

#[test]
fn a_scan_shows_the_moment_it_was_made() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    let mut scan = db.iter().unwrap();
    scan.next().unwrap();
    for n in 0..300 {
        db.put(format!("{n:03}"), "new").unwrap();
        db.put(format!("{n:03}x"), "new").unwrap();
    }
    db.compact(..).unwrap();
    let mut seen = 1;
    while let Some((_, value)) = scan.next().unwrap() {
        assert_eq!(value, b"old");
        seen += 1;
    }
    assert_eq!(seen, 300);
}

#[test]
fn a_scan_begins_anew_whatever_another_one_left() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    db.flush().unwrap();
    (0..300).step_by(3).for_each(|n| db.put(format!("{n:03}"), "new").unwrap());
    let all: Vec<String> = (0..300).map(|n| format!("{n:03}")).collect();
    for round in 0..6 {
        let mut other = db.range("050".."250").unwrap();
        let _shown = (other.next().unwrap().is_some(), other.next_back().unwrap().is_some());
        match round {
            0 => while other.next().unwrap().is_some() {},
            1 => while other.next_back().unwrap().is_some() {},
            2 => other.seek("260").unwrap(),
            3 => other.seek("100").unwrap(),
            _ => {}
        }
        drop(other);
        let key = |entry: Option<(&[u8], &[u8])>| {
            entry.map(|(key, _)| String::from_utf8(key.to_vec()).unwrap())
        };
        let mut scan = db.iter().unwrap();
        let forward: Vec<_> = std::iter::from_fn(|| key(scan.next().unwrap())).collect();
        assert_eq!(forward, all, "forward, round {round}");
        drop(scan);
        let mut scan = db.iter().unwrap();
        let mut backward: Vec<_> = std::iter::from_fn(|| key(scan.next_back().unwrap())).collect();
        backward.reverse();
        assert_eq!(backward, all, "backward, round {round}");
    }
}

/// Three hundred rows in one run of blocks that hold dozens.
fn in_blocks(vfs: &MemVfs) -> (Db, lsmer::Keyspace) {
    let db = SHAPE.open(vfs).unwrap().db;
    let rows = db.keyspace("rows", KeyspaceOptions::default().with_block_bytes(1 << 10)).unwrap();
    for n in 0..300 {
        rows.put(format!("{n:03}"), "value").unwrap();
    }
    db.flush().unwrap();
    (db, rows)
}

#[test]
fn a_seek_behind_the_range_ends_a_scan_in_the_middle_of_a_block() {
    let (_db, rows) = in_blocks(&MemVfs::new());
    let mut scan = rows.range("000".."100").unwrap();
    for n in 0..5 {
        assert_eq!(scan.next().unwrap().unwrap().0, format!("{n:03}").as_bytes());
    }
    scan.seek("200").unwrap();
    assert!(scan.next().unwrap().is_none());
    scan.seek("050").unwrap();
    assert_eq!(scan.next().unwrap().unwrap().0, b"050");
}

#[test]
fn a_scan_that_failed_at_one_end_shows_nothing_more_at_the_other() {
    let vfs = MemVfs::new();
    drop(in_blocks(&vfs));
    let db = SHAPE.open(&vfs).unwrap().db;
    let rows = db.keyspace("rows", KeyspaceOptions::default()).unwrap();
    let mut scan = rows.iter().unwrap();
    for n in (296..300).rev() {
        assert_eq!(scan.next_back().unwrap().unwrap().0, format!("{n:03}").as_bytes());
    }
    vfs.fail_nth(Op::Read, Some(FileClass::Table), 0, std::io::ErrorKind::TimedOut, true);
    scan.next().unwrap_err();
    vfs.clear_faults();
    scan.next_back().unwrap_err();
    scan.next().unwrap_err();
}

#[test]
fn snapshots_and_scans_outlive_the_database() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    db.flush().unwrap();
    let snapshot = db.snapshot();
    let scan = db.iter().unwrap();
    db.close().unwrap();
    assert_eq!(db.get("000").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(db.put("a", "b").unwrap_err().kind(), ErrorKind::InvalidArgument);
    drop(db);
    assert_eq!(snapshot.get("000").unwrap().unwrap(), "old");
    assert_eq!(scan.owned().count(), 300);
    assert!(SHAPE.open(&vfs).is_ok(), "the lock is free");
}

#[test]
fn the_files_of_replaced_tables_go_with_their_last_holder() {
    let vfs = MemVfs::new();
    let opened = SHAPE.open(&vfs).unwrap();
    let db = &opened.db;
    let tables = || vfs.list().iter().filter(|(path, _)| is_table(path)).count();
    for n in 0..50 {
        db.put(format!("{n:03}"), "old").unwrap();
    }
    db.flush().unwrap();
    let scan = db.iter().unwrap();
    db.put("x", "y").unwrap();
    db.compact(..).unwrap();
    opened.exec.run_until_idle();
    assert_eq!(tables(), 2, "the scan holds the old table");
    assert_eq!(scan.owned().count(), 50);
    opened.exec.run_until_idle();
    assert_eq!(tables(), 1);
}

fn is_table(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension == "tbl")
}

#[test]
fn a_dropped_keyspace_stays_readable_and_refuses_writes() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    let space = db.keyspace("gone", tiny()).unwrap();
    space.put("k", "v").unwrap();
    db.flush().unwrap();
    let mut batch = WriteBatch::new();
    batch.put_in(&space, "k", "w");
    batch.put("000", "w");
    db.drop_keyspace(&space).unwrap();
    assert_eq!(space.get("k").unwrap().unwrap(), "v");
    assert_eq!(space.put("k", "w").unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(db.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(db.get("000").unwrap().unwrap(), "old", "nothing of the batch happened");
    let again = db.keyspace("gone", tiny()).unwrap();
    assert!(again.get("k").unwrap().is_none(), "a new keyspace of the same name is empty");
    assert_ne!(again.id(), space.id());
    let default = db.keyspaces().remove(0);
    assert!(db.drop_keyspace(&default).is_err());
}

#[test]
fn what_is_over_the_limits_is_refused_and_changes_nothing() {
    let vfs = MemVfs::new();
    let db = SHAPE.open(&vfs).unwrap().db;
    let long = vec![0; 65_536];
    let huge = vec![0; (64 << 20) + 1];
    let refused = [
        db.put(&long, "").unwrap_err(),
        db.put("k", &huge).unwrap_err(),
        db.delete(&long).unwrap_err(),
        db.get(&long).unwrap_err(),
        db.keyspace("", KeyspaceOptions::default()).unwrap_err(),
        db.keyspace("k", KeyspaceOptions::default().with_block_bytes(1)).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    let before = db.snapshot().seqno();
    let mut batch = WriteBatch::new();
    batch.put("fine", "");
    batch.put(&long, "");
    assert_eq!(db.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(db.snapshot().seqno(), before);
    assert_eq!(db.iter().unwrap().owned().count(), 0);
    db.put(&long[1..], vec![1; 1 << 20]).unwrap();
    db.put("", "the empty key is a key").unwrap();
    db.flush().unwrap();
    assert_eq!(db.get(&long[1..]).unwrap().unwrap().len(), 1 << 20);
    assert_eq!(db.iter().unwrap().next().unwrap().unwrap().0, b"");
}

#[test]
fn a_value_of_the_largest_size_survives_a_flush_and_a_reopening() {
    let vfs = MemVfs::without_crashes();
    let db = SHAPE.open(&vfs).unwrap().db;
    let value: Vec<u8> = (0..64_u32 << 20).map(|n| n.to_le_bytes()[1]).collect();
    db.put("big", &value).unwrap();
    assert!(*db.get("big").unwrap().unwrap() == *value);
    db.close().unwrap();
    drop(db);
    let db = SHAPE.open(&vfs).unwrap().db;
    assert!(*db.get("big").unwrap().unwrap() == *value, "replayed");
    db.flush().unwrap();
    assert!(*db.get("big").unwrap().unwrap() == *value, "from a table");
}

#[test]
fn a_read_only_database_reads_the_log_and_writes_nothing() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    db.flush().unwrap();
    db.put("in the log", "v").unwrap();
    // As after the death of the process: nothing was closed.
    let left = vfs.crash_clone(Crash::Kill);
    let before = left.list();
    let contents: Vec<_> = before.iter().map(|(path, _)| left.read_all(path).unwrap()).collect();
    {
        let (builder, _exec) = SHAPE.builder(&left);
        let db = builder.read_only().open().unwrap();
        assert_eq!(db.get("in the log").unwrap().unwrap(), "v");
        assert_eq!(db.iter().unwrap().owned().count(), 301);
        assert_eq!(db.put("a", "b").unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(db.flush().unwrap_err().kind(), ErrorKind::ReadOnly);
        assert!(db.verify().faults.is_empty());
        db.close().unwrap();
    }
    assert_eq!(left.list(), before);
    let after: Vec<_> = before.iter().map(|(path, _)| left.read_all(path).unwrap()).collect();
    assert!(after == contents, "not one byte changed");
    let (builder, _exec) = SHAPE.builder(&MemVfs::new());
    assert_eq!(builder.read_only().open().unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_keyspace_that_could_not_be_dropped_keeps_its_synced_entries() {
    let vfs = MemVfs::new();
    {
        let opened = SHAPE.open(&vfs).unwrap();
        let db = &opened.db;
        let space = db.keyspace("stays", tiny()).unwrap();
        space.put("k", "v").unwrap();
        db.sync().unwrap();
        let class = Some(FileClass::Manifest);
        vfs.fail_nth(Op::Any, class, 0, std::io::ErrorKind::StorageFull, true);
        db.drop_keyspace(&space).unwrap_err();
        vfs.clear_faults();
        // Everything else is flushed: the log would go if the entry were not needed any more.
        for n in 0..300 {
            if db.put(format!("{n:03}"), vec![0; 100]).is_err() {
                break;
            }
        }
        drop(db.flush());
    }
    let left = vfs.crash_clone(Crash::Kill);
    let db = SHAPE.open(&left).unwrap().db;
    let space = db.keyspace("stays", tiny()).unwrap();
    assert_eq!(space.get("k").unwrap().unwrap(), "v");
}

#[test]
fn an_idle_keyspace_does_not_hold_the_log_back_forever() {
    let vfs = MemVfs::without_crashes();
    let opened = SHAPE.open(&vfs).unwrap();
    let db = &opened.db;
    let idle = db.keyspace("idle", tiny()).unwrap();
    idle.put("k", "v").unwrap();
    let budget = 1_u64 << 20;
    for n in 0..6 * budget / 1000 {
        db.put(format!("{n:06}"), vec![0; 1000]).unwrap();
        opened.exec.run_until_idle();
    }
    let log: u64 =
        vfs.list().iter().filter(|(path, _)| is_log(path)).map(|(_, bytes)| *bytes).sum();
    assert!(log < 2 * budget, "{log} bytes of log");
    assert_eq!(idle.get("k").unwrap().unwrap(), "v");
}

fn is_log(path: &std::path::Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wal")
}

#[test]
fn whoever_closes_second_finds_the_lock_free() {
    let vfs = MemVfs::without_crashes();
    let open = || Db::builder("db").env(io::memory(vfs.clone(), 2)).open();
    let db = open().unwrap();
    db.put("k", "v").unwrap();
    // A slow disk: the first is still syncing when the second comes.
    let syncing = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&syncing);
    vfs.on_sync(Arc::new(move |_| {
        seen.store(true, Ordering::SeqCst);
        (0..2_000).for_each(|_| thread::yield_now());
    }));
    thread::scope(|scope| {
        scope.spawn(|| db.close().unwrap());
        while !syncing.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        db.close().unwrap();
        assert!(open().is_ok());
    });
}

#[test]
fn two_callers_may_compact_at_the_same_time() {
    let vfs = MemVfs::without_crashes();
    let db = Db::builder("db").env(io::memory(vfs, 2)).memory_budget(1 << 20).open().unwrap();
    thread::scope(|scope| {
        for caller in 0..4 {
            let db = &db;
            scope.spawn(move || {
                for n in 0..20 {
                    db.put(format!("{caller}-{n}"), "v").unwrap();
                    db.compact(..).unwrap();
                }
            });
        }
    });
    assert_eq!(db.iter().unwrap().owned().count(), 80);
    assert!(db.verify().faults.is_empty());
}

#[test]
fn the_back_of_a_scan_does_not_go_past_a_seek_of_the_front() {
    let (env, ..) = io::manual(MemVfs::new(), 0);
    let db = Db::builder("db").env(env).open().unwrap();
    for key in ["a", "b", "d", "e"] {
        db.put(key, "").unwrap();
    }
    let mut scan = db.iter().unwrap();
    let keys = |scan: &mut lsmer::Scan| {
        let mut keys = String::new();
        while let Some((key, _)) = scan.next_back().unwrap() {
            keys.push_str(std::str::from_utf8(key).unwrap());
        }
        keys
    };
    scan.seek("c").unwrap();
    assert_eq!(keys(&mut scan), "ed");
    assert_eq!(scan.next().unwrap(), None, "they met");
    scan.seek("b").unwrap();
    assert_eq!(scan.next().unwrap().unwrap().0, b"b");
    scan.seek("a").unwrap();
    assert_eq!(keys(&mut scan), "ba", "the front went back, and makes room");
}
