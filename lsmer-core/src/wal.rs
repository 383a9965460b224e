//! The seam for the write-ahead log.
//!
//! A log is a sequence of records at positions ([`Lsn`]) that only grow. A record holds one write
//! batch in its encoded form ([`WriteBatch`](crate::WriteBatch)) and the seqno of its first entry.
//! Records are kept in *segments*, which are released oldest first.

use std::{fmt, io::IoSlice, path::PathBuf, sync::Arc};

use crate::{Env, Result, SeqNo, Vfs};

/// A position in the log, in bytes since the first record ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

/// Number of a segment; only grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u64);

/// Room in the log, set aside for one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where the record begins.
    pub start: Lsn,
    /// Where the next one begins.
    pub end: Lsn,
}

/// One record, as read back.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Where it is.
    pub slot: Slot,
    /// Seqno of its first entry.
    pub seqno: SeqNo,
    /// Number of its entries, each with the seqno after the one before.
    pub count: u32,
    /// The encoded entries.
    pub payload: &'a [u8],
}

/// Where a log is, and what the manifest knows of it.
#[derive(Clone, Debug)]
pub struct LogSource {
    /// Its folder.
    pub dir: PathBuf,
    /// Its files.
    pub vfs: Arc<dyn Vfs>,
    /// Segments below this one may be missing, torn or recycled: nothing in them is needed.
    pub first: SegmentId,
    /// The log is known to have been synced up to here: damage before it is `Corruption`.
    pub synced: Lsn,
    /// The log is known to end here: what follows was discarded by an earlier recovery.
    pub end: Option<LogCut>,
}

/// The decision of a recovery: segments up to `segment` end at `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogCut {
    /// The last segment that the recovery read.
    pub segment: SegmentId,
    /// Where it found the end.
    pub end: Lsn,
}

/// What a scan found: where the log ends, and what it takes to go on from there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogEnd {
    /// Where the next record goes.
    pub next: Lsn,
    /// Seqno of the last entry in the log; zero if there is none.
    pub last_seqno: SeqNo,
    /// The segments that hold records, oldest first.
    pub segments: Vec<ScannedSegment>,
    /// How many bytes before `next` stand only in the crash ring.
    pub in_ring: u64,
    /// Up to here a sync is known to have succeeded.
    pub synced: Lsn,
    /// How many bytes behind `next` were not empty and not a record: a torn tail, discarded.
    pub torn_bytes: u64,
    /// Checksum of the last record's header: what the next segment is chained to.
    pub chain: u32,
}

/// One segment that a scan read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScannedSegment {
    /// Its number.
    pub id: SegmentId,
    /// Where its first record is.
    pub start: Lsn,
    /// Where the record after its last one would be.
    pub end: Lsn,
    /// Seqno of the last entry in it; zero if it has no record.
    pub last_seqno: SeqNo,
    /// Size of its file in bytes.
    pub file_bytes: u64,
}

/// How to write a log.
#[derive(Clone, Debug)]
pub struct LogSpec {
    /// Its folder.
    pub dir: PathBuf,
    /// Files, and background work to prepare segments.
    pub env: Env,
    /// Epoch of the owner, stamped into segments.
    pub epoch: u64,
    /// Size of the first segment in bytes; later ones double up to `max_segment_bytes`.
    pub min_segment_bytes: u64,
    /// Largest segment in bytes (a single larger record gets a segment of its own).
    pub max_segment_bytes: u64,
}

/// What a log says of itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct WalStats {
    /// Where the next record goes.
    pub tail: Lsn,
    /// Up to where the log survives a power loss.
    pub synced: Lsn,
    /// Number of segments in use.
    pub segments: u64,
    /// Bytes on disk of all its files.
    pub disk_bytes: u64,
    /// Bytes of records written to segments since it was opened.
    pub written_bytes: u64,
    /// Number of syncs since it was opened.
    pub syncs: u64,
}

/// A way of keeping a log.
///
/// # Obligations
///
/// - `WAL-01` [`scan`](Self::scan) writes nothing. It returns every record that was acknowledged:
///   all that were written, after a process kill; all that were synced, after a power loss; and
///   the records are a prefix of those written.
/// - `WAL-02` Damage before a recorded synced offset is `Corruption`, never a shorter log. A hole
///   or bad record with nothing recorded as synced beyond it is the end of the log.
/// - `WAL-03` Stale bytes of recycled files are never taken for records.
/// - `WAL-04` [`name`](Self::name) is recorded on disk and never reused for other bytes.
pub trait WalFormat: Send + Sync + fmt::Debug {
    /// Returns the name that is recorded on disk and checked on open.
    fn name(&self) -> &str;

    /// Reads the log from its oldest needed segment, calls `each` with every record in order, and
    /// finds its end. Read-only. Blocks on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` with file and offset; `Io` (an I/O error is never the end of the log); what
    /// `each` returns.
    fn scan(
        &self,
        source: &LogSource,
        each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd>;

    /// Makes durable what a scan read from segments, and their names. Changes no byte, but writes
    /// those anew that no sync is known to have covered: a sync of an earlier owner may have failed
    /// and left them readable and marked clean, and then another sync alone would prove nothing
    /// ("fsyncgate").
    ///
    /// # Errors
    ///
    /// `Io`.
    fn sync_scanned(&self, source: &LogSource, end: &LogEnd) -> Result<()>;

    /// Opens the log for writing behind `end`: moves what stands only in the ring to its segment,
    /// starts a new segment chained to that end, and removes what follows it. Called after the
    /// manifest recorded `end`; may be interrupted and repeated.
    ///
    /// # Errors
    ///
    /// `Io`, `Full`.
    fn open(&self, spec: LogSpec, end: &LogEnd) -> Result<Arc<dyn Wal>>;
}

/// A log open for writing.
///
/// # Obligations
///
/// - `WAL-05` Once [`write`](Self::write) returned, the record survives the death of the process.
/// - `WAL-06` Once [`sync_to`](Self::sync_to) returned `Ok`, everything before that position
///   survives a power loss. After one sync has failed none succeeds: every waiter of the group
///   gets the error.
/// - `WAL-07` What can be refused for lack of room is refused by [`reserve`](Self::reserve).
///
/// # Concurrency
///
/// `reserve` and `write` come in pairs from one thread at a time (the commit's critical section);
/// all other methods may run beside them.
pub trait Wal: Send + Sync + fmt::Debug {
    /// Sets room aside for a record with a payload of `bytes`. A slot that is not written is
    /// forgotten by the next `reserve`. May block on I/O.
    ///
    /// # Errors
    ///
    /// `Full` or `Io`, and nothing changed; `ReadOnly` after a failure.
    fn reserve(&self, bytes: usize) -> Result<Slot>;

    /// Writes the record into its slot.
    ///
    /// # Errors
    ///
    /// `Io`, and then the log refuses everything: `ReadOnly`.
    fn write(&self, slot: Slot, seqno: SeqNo, count: u32, payload: &[IoSlice<'_>]) -> Result<()>;

    /// Makes everything before `lsn` survive a power loss. One of the waiting threads syncs for
    /// all of them. Blocks on I/O.
    ///
    /// # Errors
    ///
    /// `Io` from the sync, for every waiter; `ReadOnly` afterwards.
    fn sync_to(&self, lsn: Lsn) -> Result<()>;

    /// Returns the oldest segment that may hold an entry at or after `needed`.
    fn oldest(&self, needed: SeqNo) -> SegmentId;

    /// Gives up the segments below `first`: their files may be recycled or removed. Called after
    /// the manifest recorded that nothing in them is needed.
    ///
    /// # Errors
    ///
    /// `Io`; trying again is safe.
    fn release(&self, first: SegmentId) -> Result<()>;

    /// Gives back room that was made for records to come. Called last, after a sync and before
    /// others may have the files. What cannot be given back, the next opening finds.
    fn close(&self) {}

    /// Returns what the log says of itself.
    fn stats(&self) -> WalStats;
}
