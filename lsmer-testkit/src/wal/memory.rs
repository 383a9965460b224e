//! What the owner of a log knows of it, and what it may therefore expect to find after a crash.
//!
//! The memory stands for a manifest that loses nothing: it is given to the next life as it is.

use std::{fmt, sync::Arc};

use lsmer_core::{LogCut, LogEnd, LogSource, Lsn, Record, Result, SegmentId, Slot, Vfs, WalFormat};

/// The folder of every log here.
pub(super) const DIR: &str = "/log";

/// A record, as written or as read back.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Rec {
    pub(super) slot: Slot,
    pub(super) seqno: u64,
    pub(super) count: u32,
    pub(super) payload: Vec<u8>,
}

impl Rec {
    pub(super) fn of(record: Record<'_>) -> Self {
        let Record { slot, seqno, count, payload } = record;
        Self { slot, seqno: seqno.0, count, payload: payload.to_vec() }
    }

    /// Returns the seqno of the last entry.
    pub(super) fn last(&self) -> u64 {
        self.seqno + u64::from(self.count) - 1
    }
}

impl fmt::Debug for Rec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, end) = (self.slot.start.0, self.slot.end.0);
        write!(f, "record {} at {start}..{end}, {} bytes", self.seqno, self.payload.len())
    }
}

/// What a database would know of its log.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) epoch: u64,
    /// What the manifest says.
    pub(super) first: SegmentId,
    pub(super) synced_to: Lsn,
    pub(super) cut: Option<LogCut>,
    /// Entries up to here are in tables: their records may be gone.
    pub(super) flushed: u64,
    /// The records that may be in the log, oldest first.
    pub(super) attempted: Vec<Rec>,
    /// How many of them survive the death of the process.
    pub(super) written: usize,
    /// How many of them survive a power loss.
    pub(super) synced: usize,
}

/// What a scan found.
pub(super) type Scanned = (Vec<Rec>, LogEnd);

impl Memory {
    pub(super) fn source(&self, vfs: &Arc<dyn Vfs>) -> LogSource {
        let (first, synced, end) = (self.first, self.synced_to, self.cut);
        LogSource { dir: DIR.into(), vfs: Arc::clone(vfs), first, synced, end }
    }

    /// Reads the log.
    pub(super) fn scan(&self, format: &dyn WalFormat, vfs: &Arc<dyn Vfs>) -> Result<Scanned> {
        let mut found = Vec::new();
        let end = format.scan(&self.source(vfs), &mut |record| {
            found.push(Rec::of(record));
            Ok(())
        })?;
        Ok((found, end))
    }

    /// Returns the seqno of the next record.
    pub(super) fn next_seqno(&self) -> u64 {
        self.attempted.last().map_or(0, Rec::last).max(self.flushed) + 1
    }

    /// Checks what was found after a crash: a stretch of the records that were attempted, whole
    /// and in order, with all that were promised and are not in tables.
    pub(super) fn check(&self, (found, end): &Scanned, power: bool) -> Result<(), String> {
        let (least, id) = if power { (self.synced, "WAL-06") } else { (self.written, "WAL-05") };
        let needed = |records: &[Rec]| records.iter().any(|rec| rec.last() > self.flushed);
        let Some(first) = found.first() else {
            if needed(&self.attempted[..least]) {
                return Err(format!("{id}: {least} records were promised, and none is there"));
            }
            return Ok(());
        };
        let Some(begin) = self.attempted.iter().position(|rec| rec == first) else {
            return Err(format!("WAL-01, WAL-03: nobody wrote {first:?}"));
        };
        if needed(&self.attempted[..begin]) {
            return Err(format!("{id}: it begins with {first:?}, and earlier ones are needed"));
        }
        let wrong = found.iter().zip(&self.attempted[begin..]).find(|(found, rec)| found != rec);
        if let Some((found, rec)) = wrong {
            return Err(format!("WAL-01, WAL-03: {found:?} is there, where {rec:?} was written"));
        }
        let there = begin + found.len();
        if there > self.attempted.len() {
            return Err(format!("WAL-01, WAL-03: nobody wrote {:?}", found.last()));
        }
        if there < least && needed(&self.attempted[there..least]) {
            return Err(format!("{id}: {least} records were promised, {there} are there"));
        }
        let last = found.last().unwrap_or(first);
        if end.next != last.slot.end || end.last_seqno.0 != last.last() {
            return Err(format!("WAL-01: the end is said to be {end:?}, after {last:?}"));
        }
        Ok(())
    }

    /// Takes what a recovery found for the truth, after what it read from segments was synced:
    /// the manifest gets a new epoch and a cut.
    pub(super) fn recover(&mut self, (found, end): &Scanned) {
        let last = found.last().and_then(|last| self.attempted.iter().position(|rec| rec == last));
        self.attempted.truncate(last.map_or(0, |last| last + 1));
        let in_segments = Lsn(end.next.0 - end.in_ring);
        self.written = self.attempted.len();
        self.synced = self.attempted.iter().filter(|rec| rec.slot.end <= in_segments).count();
        self.epoch += 1;
        self.synced_to = self.synced_to.max(in_segments);
        let segment = end.segments.last().map_or(SegmentId(0), |segment| segment.id);
        self.cut = Some(LogCut { segment, end: end.next });
    }
}
