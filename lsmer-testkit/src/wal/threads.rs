//! `WAL-06` for threads: one writes, the others sync and ask.

use std::{io::IoSlice, path::PathBuf, sync::Arc};

use lsmer_core::{Env, LogEnd, LogSource, LogSpec, Lsn, SegmentId, SeqNo, Vfs, Wal, WalFormat};
use lsmer_io::{ManualClock, SeededRng, ThreadExec};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
    thread,
};

use crate::{
    Crash, Filler, SimVfs,
    conformance::joined,
    fault::{Effect, Errno, FaultVfs, Op, Rule},
};

const RECORDS: u64 = 400;
/// A number of syncs that says that no more are needed.
const DONE: u64 = u64::MAX / 2;

/// `WAL-06`: while one thread writes, three others sync and one asks for statistics. What a sync
/// acknowledged, after so many events, survives a power loss that takes all that may be lost.
///
/// # Panics
///
/// If it does not.
pub fn wal_06_threads_sync_while_one_writes(format: &dyn WalFormat) {
    let sim = SimVfs::new();
    sim.record();
    let wal = open(format, Arc::new(sim.clone()));
    let written = Arc::new(Mutex::new(Lsn(0)));
    let syncs = Arc::new(AtomicU64::new(0));
    let alive = Arc::new(()); // held by whoever still syncs
    let syncers = [(); 3].map(|()| {
        let (wal, sim) = (Arc::clone(&wal), sim.clone());
        let (written, syncs) = (Arc::clone(&written), Arc::clone(&syncs));
        let alive = Arc::clone(&alive);
        thread::Builder::new().spawn(move || {
            let mut acknowledged = Vec::new();
            while syncs.load(Ordering::Acquire) < DONE {
                let lsn = *written.lock();
                if wal.sync_to(lsn).is_err() {
                    break;
                }
                acknowledged.push((sim.recorded(), lsn));
                syncs.fetch_add(1, Ordering::AcqRel);
                let stats = wal.stats();
                assert!(stats.synced >= lsn && stats.tail >= stats.synced, "{stats:?}");
            }
            drop(alive);
            acknowledged
        })
    });
    for seqno in 1..=RECORDS {
        let end = write(&*wal, seqno).unwrap_or_else(|error| panic!("WAL-06: {error:?}"));
        *written.lock() = end;
        let seen = syncs.load(Ordering::Acquire);
        let waits = || syncs.load(Ordering::Acquire) == seen && Arc::strong_count(&alive) > 1;
        while seqno % 8 == 0 && waits() {
            thread::yield_now(); // so that both make progress
        }
    }
    syncs.store(DONE, Ordering::Release);
    let mut acknowledged = Vec::new();
    for syncer in syncers {
        acknowledged.extend(joined("WAL-06", syncer));
    }
    drop(wal);
    let recording = sim.recording();
    assert!(!acknowledged.is_empty(), "WAL-06: no sync was acknowledged");
    acknowledged.sort_unstable();
    let step = acknowledged.len().div_ceil(60).max(1);
    let mut cursor = recording.cursor();
    for (events, lsn) in acknowledged.into_iter().step_by(step) {
        cursor.advance_to(events);
        let all = (0..cursor.atom_count()).collect();
        let vfs = cursor.materialise(&Crash::power(all, Filler::Stale)).vfs();
        let end = scan(format, Arc::new(vfs));
        let end = end.unwrap_or_else(|error| panic!("WAL-06: after event {events}: {error:?}"));
        assert!(end >= lsn, "WAL-06: synced to {lsn:?}, found {end:?}; after event {events}");
    }
}

/// `WAL-06`: four threads wait for a sync, the first of which fails: each of them is told, though
/// every later one would succeed.
///
/// # Panics
///
/// If one gets an acknowledgement.
pub fn wal_06_every_waiter_of_a_failed_sync_is_told(format: &dyn WalFormat) {
    for _ in 0..20 {
        let vfs = FaultVfs::on(SimVfs::new());
        let wal = open(format, Arc::new(vfs.clone()));
        let ends: Vec<_> = (1..=4).map(|seqno| write(&*wal, seqno)).collect();
        vfs.begin(Rule::new(Effect::Error(Errno::EIO)).on(Op::Sync));
        let waiters: Vec<_> = ends
            .into_iter()
            .map(|end| {
                let end = end.unwrap_or_else(|error| panic!("WAL-06: {error:?}"));
                let wal = Arc::clone(&wal);
                thread::Builder::new().spawn(move || wal.sync_to(end))
            })
            .collect();
        for waiter in waiters {
            let told = joined("WAL-06", waiter);
            assert!(told.is_err(), "WAL-06: a waiter of a failed sync was acknowledged");
        }
    }
}

fn open(format: &dyn WalFormat, vfs: Arc<dyn Vfs>) -> Arc<dyn Wal> {
    let (clock, rng) = (Arc::new(ManualClock::new()), Arc::new(SeededRng::new(1)));
    let env = Env { vfs, clock, rng, exec: Arc::new(ThreadExec::new(1)) };
    let (min_segment_bytes, max_segment_bytes) = (1 << 10, 8 << 10);
    let dir = PathBuf::from("/log");
    let spec = LogSpec { dir, env, epoch: 1, min_segment_bytes, max_segment_bytes };
    let wal = format.open(spec, &LogEnd::default());
    wal.unwrap_or_else(|error| panic!("WAL-06: a new log does not open: {error:?}"))
}

fn write(wal: &dyn Wal, seqno: u64) -> lsmer_core::Result<Lsn> {
    let payload = vec![seqno.to_le_bytes()[0]; usize::try_from(seqno % 200).expect("below 200")];
    let slot = wal.reserve(payload.len())?;
    wal.write(slot, SeqNo(seqno), 1, &[IoSlice::new(&payload)])?;
    Ok(slot.end)
}

fn scan(format: &dyn WalFormat, vfs: Arc<dyn Vfs>) -> lsmer_core::Result<Lsn> {
    let (first, synced, end) = (SegmentId(0), Lsn(0), None);
    let source = LogSource { dir: PathBuf::from("/log"), vfs, first, synced, end };
    Ok(format.scan(&source, &mut |_| Ok(()))?.next)
}
