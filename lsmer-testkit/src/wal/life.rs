//! A log through its lives: what its owner does, and what it knows after each step.

use std::{fmt, io::IoSlice, path::Path, sync::Arc};

use lsmer_core::{
    Clock, Env, Error, FileClass, LogSpec, OpenOptions, Result, SeqNo, SyncKind, Vfs, Wal,
    WalFormat,
};
use lsmer_io::{ManualClock, ManualExec, SeededRng};

use super::memory::{DIR, Memory, Rec};
use crate::{Recording, SimVfs, seed::Seeded};

/// A file of somebody else in the folder of the log.
pub(super) const FOREIGN: &str = "/log/000001-000001.tbl";

/// What happens to a log.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    /// A record with a payload of so many bytes.
    Write(usize),
    /// Everything written is synced.
    Sync,
    /// Everything written gets into tables, and the log is released.
    Flush,
    /// Room for a record of so many bytes is set aside, and forgotten.
    Forget(usize),
    /// Background work gets its turn.
    Work,
    /// The process ends, and the log is opened again.
    Reopen,
}

/// Sizes of the smallest and of the largest segment, in bytes.
pub(super) type Sizes = (u64, u64);

/// A log, its disk, and its owner.
pub(super) struct Life<'a> {
    pub(super) format: &'a dyn WalFormat,
    pub(super) sim: SimVfs,
    pub(super) vfs: Arc<dyn Vfs>,
    pub(super) memory: Memory,
    pub(super) sizes: Sizes,
    /// What was known after so many events of the recording.
    pub(super) notes: Vec<(usize, Memory)>,
    open: Option<(Arc<dyn Wal>, Arc<ManualExec>)>,
}

/// Something was not as promised; begins with the id of the obligation.
#[derive(Debug)]
pub(super) struct Broken(pub(super) String);

impl From<String> for Broken {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self(format!("WAL-01: on a disk without faults: {error:?}"))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Life<'a> {
    /// Begins with an empty disk, on which only a file of somebody else is.
    pub(super) fn new(format: &'a dyn WalFormat, sizes: Sizes) -> Self {
        let sim = SimVfs::new();
        put_foreign(&sim).expect("files in memory do not fail");
        Self::on(format, sim, Memory::default(), sizes)
    }

    /// Goes on with a disk and what is known of it.
    pub(super) fn on(format: &'a dyn WalFormat, sim: SimVfs, memory: Memory, sizes: Sizes) -> Self {
        let vfs = Arc::new(sim.clone());
        Self { format, sim, vfs, memory, sizes, notes: Vec::new(), open: None }
    }

    /// Returns the open log.
    pub(super) fn wal(&self) -> &dyn Wal {
        &*self.open.as_ref().expect("it was opened").0
    }

    /// Does what a database does when it is opened; `power` is whether power was lost before.
    pub(super) fn open(&mut self, power: bool) -> Result<(), Broken> {
        self.open = None;
        let scanned = self.memory.scan(self.format, &self.vfs).map_err(|error| {
            let id = if power { "WAL-06" } else { "WAL-05" };
            Broken(format!("{id}: what is left cannot be read: {error:?}"))
        })?;
        self.memory.check(&scanned, power)?;
        self.format.sync_scanned(&self.memory.source(&self.vfs), &scanned.1)?;
        self.memory.recover(&scanned);
        self.note();
        let exec = Arc::new(ManualExec::new());
        let (min_segment_bytes, max_segment_bytes) = self.sizes;
        let env = env(&self.vfs, &exec);
        let epoch = self.memory.epoch;
        let spec = LogSpec { dir: DIR.into(), env, epoch, min_segment_bytes, max_segment_bytes };
        let wal = self.format.open(spec, &scanned.1)?;
        self.open = Some((wal, exec));
        let synced = self.wal().stats().synced.max(self.memory.synced_to);
        let records = &self.memory.attempted;
        self.memory.synced = records.iter().filter(|rec| rec.slot.end <= synced).count();
        self.note();
        Ok(())
    }

    /// Acts, and notes what is known then.
    pub(super) fn act(&mut self, act: Act) -> Result<(), Broken> {
        match act {
            Act::Write(bytes) => self.write(bytes)?,
            Act::Sync => self.sync()?,
            Act::Flush => {
                self.memory.flushed = self.memory.next_seqno() - 1;
                let first = self.wal().oldest(SeqNo(self.memory.flushed + 1));
                self.memory.first = first;
                self.memory.synced_to = self.memory.synced_to.max(self.wal().stats().synced);
                self.note();
                self.wal().release(first)?;
            }
            Act::Forget(bytes) => {
                self.wal().reserve(bytes)?;
            }
            Act::Work => {
                self.open.as_ref().expect("it was opened").1.run_until_idle();
            }
            Act::Reopen => self.open(false)?,
        }
        self.note();
        Ok(())
    }

    /// Writes a record in two pieces.
    pub(super) fn write(&mut self, bytes: usize) -> Result<()> {
        let slot = self.wal().reserve(bytes)?;
        let seqno = self.memory.next_seqno();
        let count = 1 + u32::try_from(bytes % 3).expect("below 3");
        let payload = payload(seqno, bytes);
        self.memory.attempted.push(Rec { slot, seqno, count, payload: payload.clone() });
        self.note();
        let (front, back) = payload.split_at(bytes / 3);
        let slices = [IoSlice::new(front), IoSlice::new(back)];
        self.wal().write(slot, SeqNo(seqno), count, &slices)?;
        self.memory.written = self.memory.attempted.len();
        Ok(())
    }

    /// Syncs all that was written.
    pub(super) fn sync(&mut self) -> Result<()> {
        let end = self.memory.attempted.last().map_or(self.wal().stats().tail, |rec| rec.slot.end);
        self.wal().sync_to(end)?;
        self.memory.synced = self.memory.written;
        Ok(())
    }

    fn note(&mut self) {
        self.notes.push((self.sim.recorded(), self.memory.clone()));
    }

    /// Checks that the file of somebody else is as it was.
    pub(super) fn foreign_is_whole(&self) -> Result<(), Broken> {
        let read = self.vfs.read_file(Path::new(FOREIGN), FileClass::Table, 100);
        match read.as_deref() {
            Ok(b"not of the log") => Ok(()),
            other => Err(format!("WAL-01: a file of somebody else is {other:?} now").into()),
        }
    }
}

/// Lives from an empty disk through some acts, and returns the recording, and what was known
/// after how many events.
///
/// # Panics
///
/// If it fails: the disk has no faults.
pub(super) fn recorded(
    format: &dyn WalFormat,
    (sizes, fast_ring): (Sizes, bool),
    acts: &[Act],
    random: &Seeded,
) -> (Recording, Vec<(usize, Memory)>) {
    let mut life = Life::new(format, sizes);
    life.sim = life.sim.with_fast_ring(fast_ring);
    life.sim.record();
    let lived = life.open(false).and_then(|()| acts.iter().try_for_each(|act| life.act(*act)));
    lived.unwrap_or_else(|broken| panic!("{broken}; no crash; {acts:?}; {random}"));
    (life.sim.recording(), life.notes)
}

/// A life in which all may happen, to records of all sizes.
pub(super) fn random_acts(random: &mut Seeded, count: usize) -> Vec<Act> {
    let sizes = [0, 1, 30, 200, 700, 1_500, 6_000];
    let act = |random: &mut Seeded| match random.below(20) {
        0..11 => Act::Write(sizes[random.below(sizes.len())] + random.below(9)),
        11..15 => Act::Sync,
        15 | 16 => Act::Flush,
        17 => Act::Work,
        18 => Act::Forget(sizes[random.below(sizes.len())]),
        _ => Act::Reopen,
    };
    (0..count).map(|_| act(random)).collect()
}

fn env(vfs: &Arc<dyn Vfs>, exec: &Arc<ManualExec>) -> Env {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let (vfs, rng) = (Arc::clone(vfs), Arc::new(SeededRng::new(1)));
    Env { vfs, clock, rng, exec: Arc::<ManualExec>::clone(exec) }
}

fn put_foreign(sim: &SimVfs) -> std::io::Result<()> {
    sim.create_dir(Path::new(DIR))?;
    let file = sim.open(Path::new(FOREIGN), OpenOptions::create(FileClass::Table))?;
    file.write_all_at(b"not of the log", 0)?;
    file.sync(SyncKind::All)
}

/// Bytes that no other record has.
fn payload(seqno: u64, bytes: usize) -> Vec<u8> {
    let mut random = Seeded::of(seqno);
    (0..bytes).map(|_| random.next().to_le_bytes()[0]).collect()
}
