//! The log against a power loss at the moment of each acknowledgement. Files are in memory.

use std::time::Duration;

use lsmer_core::{
    Event, Exec, Job, LogEnd, LogSource, LogSpec, Next, Vfs, Waited, WalFormat, models::Model,
};
use lsmer_io::{Crash, ManualClock, MemVfs, Op, SeededRng};
use lsmer_sync::thread;

use super::*;
use crate::SegmentedWal;

const DIR: &str = "/wal";

/// A record of this many bytes fills half of a segment.
const HALF: usize = 400;

#[derive(Debug)]
struct Parks;

impl Exec for Parks {
    fn spawn(&self, _class: WorkClass, mut job: Box<dyn Job>) {
        while !matches!(job.step(), Next::Done) {}
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        event.park(seen, timeout)
    }
}

/// A log, and the lock under which its records are written.
struct World {
    vfs: MemVfs,
    wal: Arc<dyn Wal>,
    commit: Mutex<u64>,
}

impl World {
    fn new() -> Arc<Self> {
        let vfs = MemVfs::new();
        vfs.set_fast_ring(false);
        let env = Env {
            vfs: Arc::new(vfs.clone()),
            clock: Arc::new(ManualClock::new()),
            rng: Arc::new(SeededRng::new(1)),
            exec: Arc::new(Parks),
        };
        let sizes = (1 << 10, 1 << 10);
        let (min_segment_bytes, max_segment_bytes) = sizes;
        let dir = DIR.into();
        let spec = LogSpec { dir, env, epoch: 1, min_segment_bytes, max_segment_bytes };
        let wal = SegmentedWal.open(spec, &LogEnd::default()).unwrap();
        Arc::new(Self { vfs, wal, commit: Mutex::new(0) })
    }

    /// Writes a record; returns its number and its end.
    fn write(&self) -> Result<(u64, Lsn)> {
        let mut last = self.commit.lock();
        let slot = self.wal.reserve(HALF)?;
        let number = *last + 1;
        self.wal.write(slot, SeqNo(number), 1, &[IoSlice::new(&[7; HALF])])?;
        *last = number;
        Ok((number, slot.end))
    }

    /// Returns the last record that a power loss now leaves.
    fn durable(&self) -> u64 {
        let disk = self.vfs.crash_clone(Crash::Min);
        let (vfs, first) = (Arc::new(disk) as Arc<dyn Vfs>, SegmentId(1));
        let source = LogSource { dir: DIR.into(), vfs, first, synced: Lsn(0), end: None };
        SegmentedWal.scan(&source, &mut |_| Ok(())).unwrap().last_seqno.0
    }

    /// Writes a record and syncs it; returns whether that was acknowledged.
    fn commit(&self) -> bool {
        let Ok((number, end)) = self.write() else { return false };
        let synced = self.wal.sync_to(end).is_ok();
        assert!(!synced || self.durable() >= number, "acknowledged, and not durable");
        synced
    }
}

#[test]
fn what_was_acknowledged_as_synced_survives_a_power_loss() {
    Model::bounded("log-sync", 3).twin("log-target-read-late").check(|| {
        let world = World::new();
        let other = Arc::clone(&world);
        let writer = thread::spawn(move || other.commit());
        assert!(world.commit() && writer.join().unwrap());
    });
}

#[test]
fn a_log_that_rolls_during_a_sync_loses_nothing() {
    Model::exhaustive("log-roll").twin("log-closed-since-is-synced").check(|| {
        let world = World::new();
        world.write().unwrap();
        let other = Arc::clone(&world);
        let syncer = thread::spawn(move || other.wal.sync_to(Lsn(1)).unwrap());
        world.write().unwrap();
        world.write().unwrap();
        syncer.join().unwrap();
        world.wal.sync_to(world.wal.stats().tail).unwrap();
        assert_eq!(world.durable(), 3);
    });
}

#[test]
fn a_segment_that_the_manifest_will_name_has_a_durable_name() {
    Model::bounded("log-oldest", 3).twin("log-rolled-since-is-settled").check(|| {
        let world = World::new();
        world.write().unwrap();
        let other = Arc::clone(&world);
        let syncer = thread::spawn(move || other.wal.sync_to(Lsn(1)).unwrap());
        world.write().unwrap();
        let (last, _) = world.write().unwrap();
        let oldest = world.wal.oldest(SeqNo(last));
        assert_eq!(oldest, SegmentId(2));
        let disk = world.vfs.crash_clone(Crash::Min);
        let files = disk.read_dir(DIR.as_ref()).unwrap();
        assert!(files.iter().any(|file| file.name == "00000002.wal"), "{files:?}");
        syncer.join().unwrap();
    });
}

#[test]
fn after_a_failed_sync_nothing_is_acknowledged() {
    Model::bounded("log-failure", 3).twin("group-failure-kept-late").check(|| {
        let world = World::new();
        let ends = [world.write().unwrap().1, world.write().unwrap().1];
        world.vfs.fail_nth(Op::Sync, None, 0, std::io::ErrorKind::Other, false);
        let other = Arc::clone(&world);
        let syncer = thread::spawn(move || other.wal.sync_to(ends[0]).is_ok());
        let acknowledged = [world.wal.sync_to(ends[1]).is_ok(), syncer.join().unwrap()];
        assert_eq!(acknowledged, [false; 2]);
        assert!(world.wal.reserve(1).is_err());
    });
}
