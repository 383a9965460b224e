//! A log and all that a database would know of it, through several lives.

use std::{io::IoSlice, path::Path, sync::Arc};

use lsmer_core::{
    Error, ErrorKind, LogCut, LogEnd, LogSource, LogSpec, Lsn, Result, SegmentId, SeqNo, Vfs, Wal,
    WalFormat,
};
use lsmer_io::{Crash, ManualExec, MemVfs, Op, manual};
use lsmer_wal::SegmentedWal;

/// Where the logs of these tests are.
pub(crate) const DIR: &str = "/wal";

/// A record, as written or read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rec {
    pub(crate) seqno: u64,
    pub(crate) count: u32,
    pub(crate) payload: Vec<u8>,
    pub(crate) end: Lsn,
}

/// What the manifest of the database holds; it never loses anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manifest {
    pub(crate) epoch: u64,
    pub(crate) first: SegmentId,
    pub(crate) synced: Lsn,
    pub(crate) cut: Option<LogCut>,
    /// Entries up to here are in tables.
    pub(crate) flushed: u64,
}

/// What happens to a log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// A record with a payload of so many bytes.
    Write(usize),
    Sync,
    /// Everything written is flushed, and the log released.
    Flush,
    /// Background work gets its turn.
    Work,
}

/// A log through its lives.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) vfs: MemVfs,
    pub(crate) manifest: Manifest,
    /// The records that may be there, in order.
    pub(crate) attempted: Vec<Rec>,
    /// How many of them must be there.
    pub(crate) written: usize,
    /// How many of them were acknowledged as synced.
    pub(crate) synced: usize,
    pub(crate) sizes: (u64, u64),
}

/// A log that is open.
#[derive(Debug)]
pub(crate) struct Open {
    pub(crate) wal: Arc<dyn Wal>,
    pub(crate) exec: Arc<ManualExec>,
}

impl Life {
    /// Starts with an empty disk; `sizes` are those of the smallest and the largest segment.
    pub(crate) fn new(sizes: (u64, u64)) -> Self {
        let (manifest, attempted) = (Manifest::default(), Vec::new());
        Self { vfs: MemVfs::new(), manifest, attempted, written: 0, synced: 0, sizes }
    }

    pub(crate) fn source(&self) -> LogSource {
        LogSource {
            dir: DIR.into(),
            vfs: Arc::new(self.vfs.clone()),
            first: self.manifest.first,
            synced: self.manifest.synced,
            end: self.manifest.cut,
        }
    }

    /// Reads the log.
    pub(crate) fn scan(&self) -> Result<(Vec<Rec>, LogEnd)> {
        read(&self.source())
    }

    /// Does what a database does when it is opened.
    pub(crate) fn open(&mut self) -> Result<Open> {
        let (found, end) = self.scan()?;
        self.check(&found, self.written);
        // Those in front are released. What was not found is gone for good.
        let known = self.attempted.first().map_or(0, |first| first.seqno);
        let mut kept: Vec<_> = self.attempted.clone();
        kept.truncate(
            found
                .last()
                .map_or(0, |last| self.attempted.iter().position(|rec| rec == last).unwrap() + 1),
        );
        assert!(kept.is_empty() || kept[0].seqno == known);
        SegmentedWal.sync_scanned(&self.source(), &end)?;
        let in_files = Lsn(end.next.0 - end.in_ring);
        self.synced = kept.iter().filter(|rec| rec.end <= in_files).count();
        self.written = kept.len();
        self.attempted = kept;
        self.manifest.epoch += 1;
        self.manifest.synced = self.manifest.synced.max(in_files);
        let segment = end.segments.last().map_or(SegmentId(0), |segment| segment.id);
        self.manifest.cut = Some(LogCut { segment, end: end.next });
        let (wal, exec) = self.start(&end)?;
        self.synced = self.attempted.len();
        Ok(Open { wal, exec })
    }

    /// Opens for writing behind `end`.
    pub(crate) fn start(&self, end: &LogEnd) -> Result<(Arc<dyn Wal>, Arc<ManualExec>)> {
        let (env, exec, _) = manual(self.vfs.clone(), 0);
        let spec = LogSpec {
            dir: DIR.into(),
            env,
            epoch: self.manifest.epoch,
            min_segment_bytes: self.sizes.0,
            max_segment_bytes: self.sizes.1,
        };
        Ok((SegmentedWal.open(spec, end)?, exec))
    }

    /// Checks that the records found are those that may be there, with at least the first `least`.
    pub(crate) fn check(&self, found: &[Rec], least: usize) {
        let flushed = |rec: &Rec| last(rec) <= self.manifest.flushed;
        let Some(first) = found.first() else {
            assert!(self.attempted[..least].iter().all(flushed), "all are gone");
            return;
        };
        let begin = self.attempted.iter().position(|rec| rec == first).expect("an odd record");
        assert!(self.attempted[..begin].iter().all(flushed), "a needed one is gone");
        let end = begin + found.len();
        assert!(end >= least, "{least} of {} promised, {end} found", self.attempted.len());
        assert_eq!(found, &self.attempted[begin..end]);
    }

    /// Writes one record.
    pub(crate) fn write(&mut self, wal: &dyn Wal, bytes: usize) -> Result<()> {
        let before = self.attempted.last().map_or(0, last).max(self.manifest.flushed);
        let (seqno, count) = (before + 1, 1 + u32::try_from(bytes % 3).unwrap());
        let payload = payload(seqno, bytes);
        let slot = wal.reserve(bytes)?;
        let end = slot.end;
        self.attempted.push(Rec { seqno, count, payload: payload.clone(), end });
        let (front, back) = payload.split_at(bytes / 3);
        let slices = [IoSlice::new(front), IoSlice::new(back)];
        wal.write(slot, SeqNo(seqno), count, &slices)?;
        self.written = self.attempted.len();
        Ok(())
    }

    pub(crate) fn act(&mut self, open: &Open, act: Act) -> Result<()> {
        let wal = &*open.wal;
        match act {
            Act::Write(bytes) => self.write(wal, bytes)?,
            Act::Sync => {
                wal.sync_to(wal.stats().tail)?;
                self.synced = self.attempted.len();
            }
            Act::Flush => {
                let flushed = self.attempted.last().map_or(0, last);
                self.manifest.flushed = self.manifest.flushed.max(flushed);
                let first = wal.oldest(SeqNo(self.manifest.flushed + 1));
                self.manifest.first = first;
                self.manifest.synced = self.manifest.synced.max(wal.stats().synced);
                wal.release(first)?;
            }
            Act::Work => _ = open.exec.run_until_idle(),
        }
        Ok(())
    }

    /// Acts until something fails, or to the end; returns whether nothing failed.
    pub(crate) fn live(&mut self, acts: &[Act]) -> bool {
        let Some(open) = self.survive(Self::open) else { return false };
        acts.iter().all(|act| self.survive(|life| life.act(&open, *act)).is_some())
    }

    /// Makes every operation from the `nth` on fail.
    pub(crate) fn stop_after(&self, nth: u64) {
        let error = std::io::ErrorKind::BrokenPipe;
        self.vfs.fail_nth(Op::Any, None, nth, error, true);
    }

    /// Returns what a crash leaves.
    pub(crate) fn crashed(&self, how: Crash) -> Self {
        // What was written is promised to survive the process only.
        let written = if how == Crash::Kill { self.written } else { self.synced };
        Self { vfs: self.vfs.crash_clone(how), written, ..self.clone() }
    }

    fn survive<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T>) -> Option<T> {
        match act(self) {
            Ok(value) => Some(value),
            Err(error) => {
                let kinds = [ErrorKind::Io, ErrorKind::ReadOnly];
                assert!(kinds.contains(&error.kind()), "{error:?}");
                None
            }
        }
    }
}

/// Reads a log.
pub(crate) fn read(source: &LogSource) -> Result<(Vec<Rec>, LogEnd)> {
    let mut found = Vec::new();
    let mut next = None;
    let end = SegmentedWal.scan(source, &mut |record| {
        if let Some(next) = next.replace(record.slot.end) {
            assert_eq!(next, record.slot.start);
        }
        found.push(Rec {
            seqno: record.seqno.0,
            count: record.count,
            payload: record.payload.to_vec(),
            end: record.slot.end,
        });
        Ok::<(), Error>(())
    })?;
    assert!(next.is_none_or(|next| next == end.next));
    assert_eq!(end.last_seqno.0, found.last().map_or(0, last));
    Ok((found, end))
}

/// Returns the path of a segment.
pub(crate) fn segment(id: u64) -> String {
    format!("{DIR}/{id:08}.wal")
}

/// Returns the names in the folder.
pub(crate) fn names(vfs: &MemVfs) -> Vec<String> {
    vfs.read_dir(Path::new(DIR)).unwrap().into_iter().map(|entry| entry.name).collect()
}

fn last(rec: &Rec) -> u64 {
    rec.seqno + u64::from(rec.count) - 1
}

fn payload(seqno: u64, bytes: usize) -> Vec<u8> {
    let mut word = seqno.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let step = |_| {
        word ^= word << 13;
        word ^= word >> 7;
        word ^= word << 17;
        word.to_le_bytes()[0]
    };
    (0..bytes).map(step).collect()
}
