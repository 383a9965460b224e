//! WAL-06 and WAL-07: what is refused, and what happens afterwards.

use std::{
    io::{self, IoSlice},
    sync::Arc,
    time::Duration,
};

use lsmer_core::{
    Env, ErrorKind, Event, Exec, FileClass, Job, LogEnd, LogSpec, Lsn, MAX_BATCH_BYTES, Result,
    SeqNo, Slot, Waited, Wal, WalFormat, WorkClass,
};
use lsmer_io::{Crash, MemVfs, Op, memory};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
    thread,
};
use lsmer_wal::SegmentedWal;

use crate::life::{Act, Life};

/// Threads, and how many of them wait.
#[derive(Debug)]
struct Counted {
    exec: Arc<dyn Exec>,
    waits: AtomicU64,
}

impl Exec for Counted {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        self.exec.spawn(class, job);
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        self.waits.fetch_add(1, Ordering::SeqCst);
        self.exec.wait(event, seen, timeout)
    }
}

/// Writes a record in each of four threads and syncs it; the first sync lasts until all others
/// wait for it. Returns what they got.
#[expect(clippy::disallowed_methods, reason = "these threads are the clients of the log")]
fn four_threads(vfs: &MemVfs, fail: bool) -> (Arc<dyn Wal>, Vec<Result<()>>) {
    let env = memory(vfs.clone(), 1);
    let exec = Arc::new(Counted { exec: env.exec, waits: AtomicU64::new(0) });
    let env = Env { exec: Arc::clone(&exec) as Arc<dyn Exec>, ..env };
    let (min_segment_bytes, max_segment_bytes) = (256 << 10, 256 << 10);
    let spec = LogSpec { dir: "/wal".into(), env, epoch: 1, min_segment_bytes, max_segment_bytes };
    let wal = SegmentedWal.open(spec, &LogEnd::default()).unwrap();
    vfs.on_sync(Arc::new(move |_| {
        while exec.waits.load(Ordering::SeqCst) < 3 {
            lsmer_sync::spin_loop();
        }
    }));
    if fail {
        vfs.fail_nth(Op::Sync, Some(FileClass::Wal), 0, io::ErrorKind::Other, false);
    }
    let commit = Arc::new(Mutex::new(0));
    let threads = [(); 4].map(|()| {
        let (wal, commit) = (Arc::clone(&wal), Arc::clone(&commit));
        thread::spawn(move || {
            let mut seqno = commit.lock();
            *seqno += 1;
            let end = write(&*wal, *seqno, b"one record").unwrap().end;
            drop(seqno);
            wal.sync_to(end)
        })
    });
    (wal, threads.into_iter().map(|thread| thread.join().unwrap()).collect())
}

fn write(wal: &dyn Wal, seqno: u64, payload: &[u8]) -> Result<Slot> {
    let slot = wal.reserve(payload.len())?;
    wal.write(slot, SeqNo(seqno), 1, &[IoSlice::new(payload)])?;
    Ok(slot)
}

#[test]
fn one_sync_serves_all_who_wait() {
    let (wal, results) = four_threads(&MemVfs::new(), false);
    assert!(results.iter().all(Result::is_ok));
    let stats = wal.stats();
    assert_eq!((stats.synced, stats.tail), (Lsn(4 * 56), Lsn(4 * 56)));
    assert!(stats.syncs <= 2, "{} syncs for four acknowledgements", stats.syncs);
}

#[test]
fn a_failed_sync_is_told_to_all_who_wait_and_latches() {
    let vfs = MemVfs::new();
    let (wal, results) = four_threads(&vfs, true);
    let kinds: Vec<_> = results.iter().map(|result| result.as_ref().unwrap_err().kind()).collect();
    assert_eq!(kinds, [ErrorKind::Io; 4]);
    // The disk would work again; nobody asks it.
    let syncs = vfs.sync_points();
    let refused = [
        wal.reserve(1).unwrap_err(),
        wal.write(Slot { start: Lsn(0), end: Lsn(48) }, SeqNo(1), 1, &[]).unwrap_err(),
        wal.sync_to(Lsn(8)).unwrap_err(),
        wal.sync_to(Lsn(0)).unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::ReadOnly);
        assert!(error.to_string().contains("sync the log"), "{error}");
    }
    assert_eq!((vfs.sync_points(), wal.stats().synced), (syncs, Lsn(0)));
}

#[test]
fn a_failed_write_latches() {
    for class in [FileClass::Ring, FileClass::Wal] {
        let mut life = Life::new((256 << 10, 256 << 10));
        let open = life.open().unwrap();
        life.write(&*open.wal, 100).unwrap();
        life.vfs.fail_nth(Op::Write, Some(class), 0, io::ErrorKind::StorageFull, false);
        let error = match class {
            FileClass::Ring => life.write(&*open.wal, 100).unwrap_err(),
            _ => open.wal.sync_to(Lsn(1)).unwrap_err(),
        };
        assert_eq!(error.kind(), ErrorKind::Io, "not Full: it is no use to try again");
        assert_eq!(life.write(&*open.wal, 100).unwrap_err().kind(), ErrorKind::ReadOnly);
        assert_eq!(open.wal.sync_to(Lsn(1)).unwrap_err().kind(), ErrorKind::ReadOnly);
        let life = life.crashed(Crash::Kill);
        life.check(&life.scan().unwrap().0, 1);
    }
}

#[test]
fn a_failure_to_settle_a_segment_latches_and_names_an_older_one() {
    let mut life = Life::new((1 << 10, 1 << 10));
    let open = life.open().unwrap();
    life.write(&*open.wal, 900).unwrap();
    life.write(&*open.wal, 900).unwrap();
    life.vfs.fail_nth(Op::SyncDir, None, 0, io::ErrorKind::Other, false);
    assert_eq!(open.wal.oldest(SeqNo(u64::MAX)).0, 1, "the second may not survive");
    assert_eq!(open.wal.sync_to(Lsn(8)).unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_full_disk_fails_only_the_write_that_needs_more() {
    let mut life = Life::new((4 << 10, 16 << 10));
    let open = life.open().unwrap();
    life.write(&*open.wal, 2_000).unwrap();
    let tail = open.wal.stats().tail;
    life.vfs.set_disk_limit(Some(0));
    for _ in 0..3 {
        assert_eq!(open.wal.reserve(10_000).unwrap_err().kind(), ErrorKind::Full);
    }
    assert_eq!(open.wal.stats().tail, tail);
    life.act(&open, Act::Write(500)).unwrap();
    life.act(&open, Act::Sync).unwrap();
    life.vfs.set_disk_limit(None);
    life.act(&open, Act::Write(10_000)).unwrap();
    let life = life.crashed(Crash::Kill);
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn a_disk_without_room_for_a_large_segment_gets_a_small_one() {
    let mut life = Life::new((4 << 10, 64 << 10));
    life.vfs.set_fast_ring(false);
    let open = life.open().unwrap();
    for _ in 0..8 {
        life.write(&*open.wal, 3_000).unwrap();
    }
    let used: u64 = life.vfs.list().iter().map(|(_, bytes)| bytes).sum();
    let room = 10 << 10;
    life.vfs.set_disk_limit(Some(used + room));
    let mut more = 0;
    while life.write(&*open.wal, 3_000).is_ok() {
        more += 1;
    }
    assert!(more >= 2, "{more} records in the last {room} bytes");
    life.vfs.set_disk_limit(None);
    let life = life.crashed(Crash::Kill);
    assert!(life.scan().unwrap().0 == life.attempted, "every record that had room");
}

#[test]
fn what_has_a_slot_needs_no_more_room() {
    for fast_ring in [true, false] {
        let mut life = Life::new((1 << 10, 64 << 10));
        life.vfs.set_fast_ring(fast_ring);
        let open = life.open().unwrap();
        for (nth, bytes) in [10, 5_000, 100_000, 200_000, 3, 70_000].into_iter().enumerate() {
            let payload = vec![7; bytes];
            let slot = open.wal.reserve(bytes).unwrap();
            life.vfs.set_disk_limit(Some(0));
            let seqno = SeqNo(nth as u64 + 1);
            open.wal.write(slot, seqno, 1, &[IoSlice::new(&payload)]).unwrap();
            open.wal.sync_to(slot.end).unwrap();
            life.vfs.set_disk_limit(None);
        }
        assert_eq!(life.crashed(Crash::Min).scan().unwrap().1.last_seqno, SeqNo(6));
    }
}

#[test]
fn a_slot_that_was_not_reserved_is_refused_and_changes_nothing() {
    let mut life = Life::new((4 << 10, 4 << 10));
    let open = life.open().unwrap();
    let wal = &*open.wal;
    let (slot, bytes) = (wal.reserve(10).unwrap(), [0; 10]);
    let wrong = [
        (slot, &bytes[..1]),
        (Slot { start: Lsn(8), end: Lsn(64) }, &bytes[..]),
        (Slot { start: Lsn(u64::MAX), end: Lsn(0) }, &bytes[..]),
    ];
    for (slot, bytes) in wrong {
        let error = wal.write(slot, SeqNo(1), 1, &[IoSlice::new(bytes)]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    let error = wal.reserve(MAX_BATCH_BYTES + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    wal.reserve(20).unwrap();
    life.write(wal, 10).unwrap();
    assert_eq!(life.scan().unwrap().0, life.attempted);
}

#[test]
fn the_largest_batch_fits() {
    let mut life = Life::new((4 << 10, 64 << 10));
    let open = life.open().unwrap();
    life.write(&*open.wal, MAX_BATCH_BYTES).unwrap();
    life.write(&*open.wal, 1).unwrap();
    assert_eq!(life.scan().unwrap().0, life.attempted);
}
