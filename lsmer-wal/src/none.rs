//! No log: what is not flushed is lost with the process.

use std::{io::IoSlice, sync::Arc};

use lsmer_core::{
    Error, LogEnd, LogSource, LogSpec, Lsn, MAX_BATCH_BYTES, Record, Result, SegmentId, SeqNo,
    Slot, Wal, WalFormat, WalStats,
};
use lsmer_sync::atomic::{AtomicU64, Ordering};

use crate::record::record_bytes;

/// Keeps no log. Positions are still counted, so that a log can be kept again later.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoWal;

impl NoWal {
    /// The name on disk.
    pub const NAME: &str = "lsmer.none";

    /// Returns the format, as the engine takes it.
    pub fn format() -> Arc<dyn WalFormat> {
        Arc::new(Self)
    }
}

impl WalFormat for NoWal {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn scan(
        &self,
        source: &LogSource,
        _each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd> {
        let cut = source.end.map_or(Lsn(0), |cut| cut.end);
        Ok(LogEnd { next: cut.max(source.synced), ..LogEnd::default() })
    }

    fn sync_scanned(&self, _source: &LogSource, _end: &LogEnd) -> Result<()> {
        Ok(())
    }

    fn open(&self, _spec: LogSpec, end: &LogEnd) -> Result<Arc<dyn Wal>> {
        Ok(Arc::new(Nowhere { opened_at: end.next, tail: AtomicU64::new(end.next.0) }))
    }
}

/// Counts.
#[derive(Debug)]
struct Nowhere {
    opened_at: Lsn,
    tail: AtomicU64,
}

impl Wal for Nowhere {
    fn reserve(&self, bytes: usize) -> Result<Slot> {
        if bytes > MAX_BATCH_BYTES {
            return Err(Error::invalid("a log record is over its limit"));
        }
        let start = self.tail.load(Ordering::Relaxed);
        Ok(Slot { start: Lsn(start), end: Lsn(start + record_bytes(bytes)) })
    }

    fn write(&self, slot: Slot, _: SeqNo, _: u32, _: &[IoSlice<'_>]) -> Result<()> {
        self.tail.store(slot.end.0, Ordering::Relaxed);
        Ok(())
    }

    fn sync_to(&self, _lsn: Lsn) -> Result<()> {
        Ok(())
    }

    fn oldest(&self, _needed: SeqNo) -> SegmentId {
        SegmentId(0)
    }

    fn release(&self, _first: SegmentId) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> WalStats {
        let tail = Lsn(self.tail.load(Ordering::Relaxed));
        let written_bytes = tail.0 - self.opened_at.0;
        WalStats { tail, synced: tail, written_bytes, ..WalStats::default() }
    }
}
