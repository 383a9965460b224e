//! A whole small engine: commits, a flush beside them, and a log that fails.

use std::{io::IoSlice, sync::Arc};

use lsmer_core::{
    Error, ErrorKind, LogEnd, LogSource, LogSpec, Lsn, Record, Result, SegmentId, SeqNo, Slot, Wal,
    WalFormat, WalStats, models::Model,
};
use lsmer_io::MemVfs;
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::{Work, open, parts};
use crate::Components;

/// A log of which the first write fails, and that forgets about it: to refuse what follows is up
/// to the engine.
#[derive(Clone, Debug, Default)]
struct Forgets {
    tail: Arc<AtomicU64>,
    writes: Arc<AtomicU64>,
}

impl WalFormat for Forgets {
    fn name(&self) -> &'static str {
        "forgets"
    }

    fn scan(
        &self,
        _source: &LogSource,
        _each: &mut dyn FnMut(Record<'_>) -> Result<()>,
    ) -> Result<LogEnd> {
        Ok(LogEnd::default())
    }

    fn sync_scanned(&self, _source: &LogSource, _end: &LogEnd) -> Result<()> {
        Ok(())
    }

    fn open(&self, _spec: LogSpec, _end: &LogEnd) -> Result<Arc<dyn Wal>> {
        Ok(Arc::new(self.clone()))
    }
}

impl Wal for Forgets {
    fn reserve(&self, bytes: usize) -> Result<Slot> {
        let start = self.tail.load(Ordering::Relaxed);
        Ok(Slot { start: Lsn(start), end: Lsn(start + bytes as u64) })
    }

    fn write(&self, slot: Slot, _seqno: SeqNo, _count: u32, _: &[IoSlice<'_>]) -> Result<()> {
        if self.writes.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(Error::new(ErrorKind::Io, "on purpose"));
        }
        self.tail.store(slot.end.0, Ordering::Relaxed);
        Ok(())
    }

    fn sync_to(&self, _lsn: Lsn) -> Result<()> {
        Ok(())
    }

    fn oldest(&self, _needed: SeqNo) -> SegmentId {
        SegmentId(1)
    }

    fn release(&self, _first: SegmentId) -> Result<()> {
        Ok(())
    }

    fn stats(&self) -> WalStats {
        WalStats { tail: Lsn(self.tail.load(Ordering::Relaxed)), ..WalStats::default() }
    }
}

#[test]
fn after_a_write_that_failed_none_succeeds() {
    Model::bounded("latch", 2).twin("latch-not-looked-at-again").check(|| {
        let vfs = MemVfs::without_crashes();
        let wal = Arc::new(Forgets::default());
        let engine = open(Components { wal, ..parts(&vfs, Work::Here) });
        let keyspace = engine.default_keyspace();
        let other = keyspace.clone();
        let writer = thread::spawn(move || other.put("a", "1").is_ok());
        let mine = keyspace.put("b", "2").is_ok();
        assert_eq!([mine, writer.join().unwrap()], [false; 2], "a hole in the history");
    });
}

#[test]
fn a_flush_beside_a_commit_loses_nothing() {
    Model::bounded("engine-flush", 2).twin("memtable-let-go-before-its-table").check(|| {
        let engine = open(parts(&MemVfs::without_crashes(), Work::Beside));
        let keyspace = engine.default_keyspace();
        keyspace.put("a", "1").unwrap();
        let other = engine.clone();
        let flusher = thread::spawn(move || other.flush().unwrap());
        keyspace.put("a", "2").unwrap();
        assert_eq!(keyspace.get("a").unwrap().unwrap(), b"2");
        flusher.join().unwrap();
        engine.flush().unwrap();
        assert_eq!(keyspace.get("a").unwrap().unwrap(), b"2");
    });
}
