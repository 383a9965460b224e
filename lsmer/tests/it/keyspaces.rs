//! Several keyspaces of one database, made to meet at bad moments.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use lsmer::{
    Builder, Db, ErrorKind, KeyspaceOptions, WriteBatch,
    parts::{
        self,
        io::{ManualExec, MemVfs},
    },
};

const MEMTABLE: usize = 64 << 10;

/// One thread in all; jobs run when somebody waits.
fn alone(vfs: &MemVfs) -> Builder {
    let (env, _, _): (_, Arc<ManualExec>, _) = parts::io::manual(vfs.clone(), 0);
    Db::builder("db").env(env).memory_budget(1 << 20).memtable_bytes(MEMTABLE)
}

/// Two threads for background work.
fn threads(vfs: &MemVfs) -> Builder {
    let env = parts::io::memory(vfs.clone(), 2);
    Db::builder("db").env(env).memory_budget(1 << 20).memtable_bytes(MEMTABLE)
}

/// Makes whatever a thread of that name syncs wait until the sender is dropped; the receiver says
/// that it waits.
fn hold_syncs_of(vfs: &MemVfs, name: &'static str) -> (mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (go, may_go) = mpsc::channel::<()>();
    let (waits, is_waiting) = mpsc::channel();
    let held = AtomicBool::new(false);
    let (may_go, waits) = (Mutex::new(may_go), Mutex::new(waits));
    vfs.on_sync(Arc::new(move |_: &MemVfs| {
        if thread::current().name() == Some(name) && !held.swap(true, Ordering::SeqCst) {
            waits.lock().unwrap().send(()).unwrap();
            assert!(may_go.lock().unwrap().recv().is_err(), "nothing is sent");
        }
    }));
    (go, is_waiting)
}

/// Lets other threads come as far as they can.
fn give_way() {
    for _ in 0..10_000 {
        thread::yield_now();
    }
}

#[test]
fn an_empty_memtable_is_not_sealed_for_the_room_another_keyspace_takes() {
    let db = alone(&MemVfs::without_crashes()).open().unwrap();
    let large = db.keyspace("large", KeyspaceOptions::default()).unwrap();
    let small = db.keyspace("small", KeyspaceOptions::default()).unwrap();
    small.put("k", "1").unwrap();
    db.flush().unwrap();
    // Three sealed memtables, and an active one that is over the share of all together.
    for n in 0..4_u8 {
        let mut batch = WriteBatch::new();
        batch.put_in(&large, [n], vec![n; 200 << 10]);
        db.write(&batch).unwrap();
    }
    small.put("k", "2").unwrap();
    db.flush().unwrap();
    assert_eq!(small.get("k").unwrap().unwrap(), b"2");
}

#[test]
fn a_keyspace_that_two_threads_drop_at_once_stays_dropped() {
    let vfs = MemVfs::without_crashes();
    let db = threads(&vfs).open().unwrap();
    let space = db.keyspace("space", KeyspaceOptions::default()).unwrap();
    space.put("k", "v").unwrap();
    let (go, is_waiting) = hold_syncs_of(&vfs, "first");
    thread::scope(|scope| {
        let first = thread::Builder::new().name("first".into());
        let first = first.spawn_scoped(scope, || db.drop_keyspace(&space)).unwrap();
        is_waiting.recv().unwrap();
        let second = scope.spawn(|| db.drop_keyspace(&space));
        give_way();
        drop(go);
        let dropped = [first.join().unwrap().is_ok(), second.join().unwrap().is_ok()];
        assert!(dropped[0] != dropped[1], "one of them drops it");
    });
    assert_eq!(space.put("k", "v").unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn a_writer_that_waits_for_room_hears_that_its_keyspace_was_dropped() {
    let vfs = MemVfs::without_crashes();
    let db = threads(&vfs).open().unwrap();
    let space = db.keyspace("space", KeyspaceOptions::default()).unwrap();
    let (go, is_waiting) = hold_syncs_of(&vfs, "checkpoint");
    thread::scope(|scope| {
        let checkpoint = thread::Builder::new().name("checkpoint".into());
        let checkpoint = checkpoint.spawn_scoped(scope, || db.checkpoint("copy")).unwrap();
        is_waiting.recv().unwrap();
        // Nothing is flushed now, so writes come to wait.
        let writer = scope.spawn(|| {
            let value = vec![7; 20 << 10];
            (0..u64::MAX).find_map(|n| space.put(n.to_be_bytes(), &value).err()).unwrap()
        });
        let sealed = || db.stats().keyspaces.iter().map(|space| space.sealed).sum::<u64>();
        while sealed() < 3 {
            thread::yield_now();
        }
        give_way();
        db.drop_keyspace(&space).unwrap();
        drop(go);
        checkpoint.join().unwrap().unwrap();
        assert_eq!(writer.join().unwrap().kind(), ErrorKind::InvalidArgument);
    });
}

#[test]
fn a_checkpoint_beside_a_drop_has_all_of_the_keyspace_or_nothing() {
    let vfs = MemVfs::without_crashes();
    let db = threads(&vfs).open().unwrap();
    let space = db.keyspace("space", KeyspaceOptions::default()).unwrap();
    space.put("k", "v").unwrap();
    let (go, is_waiting) = hold_syncs_of(&vfs, "drop");
    thread::scope(|scope| {
        let dropping = thread::Builder::new().name("drop".into());
        let dropping = dropping.spawn_scoped(scope, || db.drop_keyspace(&space)).unwrap();
        is_waiting.recv().unwrap();
        let checkpoint = scope.spawn(|| db.checkpoint("copy"));
        give_way();
        drop(go);
        dropping.join().unwrap().unwrap();
        checkpoint.join().unwrap().unwrap();
    });
    let (env, _, _) = parts::io::manual(vfs, 0);
    let copy = Db::builder("copy").env(env).open().unwrap();
    for space in copy.keyspaces().iter().filter(|space| space.name() == "space") {
        assert!(space.contains_key("k").unwrap(), "it was acknowledged before");
    }
}

#[test]
fn a_batch_with_a_keyspace_of_another_database_is_refused() {
    let open = || alone(&MemVfs::without_crashes()).open().unwrap();
    let (one, other) = (open(), open());
    let spaces = [&one, &other].map(|db| db.keyspace("space", KeyspaceOptions::default()).unwrap());
    let mut batch = WriteBatch::new();
    batch.put("default", "anywhere");
    one.write(&batch).unwrap();
    other.write(&batch).unwrap();
    batch.put_in(&spaces[0], "k", "v");
    assert_eq!(other.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(!spaces[1].contains_key("k").unwrap());
    one.write(&batch).unwrap();
    batch.put_in(&spaces[1], "k", "v");
    assert_eq!(one.write(&batch).unwrap_err().kind(), ErrorKind::InvalidArgument);
    batch.clear();
    batch.put_in(&spaces[1], "k", "v");
    other.write(&batch).unwrap();
}
