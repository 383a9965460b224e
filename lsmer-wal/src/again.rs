//! Writes again what a scan read, before it is synced.
//!
//! After a sync that failed, a kernel may count the pages that it could not write as written: they
//! can be read, and the next sync succeeds without them. So a sync alone proves nothing of bytes
//! that somebody else wrote. Bytes that are written again are dirty again, and that sync is about
//! them. What was recorded as synced is left alone.
//!
//! Only records that are whole are written, the same bytes in the same place: a block that was
//! read wrong, once, must not be what is on disk from then on.

use lsmer_core::{Error, FileClass, LogEnd, Lsn, OpenOptions, Result, ScannedSegment, VfsFile};

use crate::{files::Files, reader::SegmentReader, record::record_seed, segment::SegmentHead};

/// How much is written at once, unless a single record is larger.
const PIECE_BYTES: usize = 256 << 10;

/// Writes and syncs what a scan read from segments; returns whether there was anything to do.
pub(crate) fn settle(files: &Files, end: &LogEnd) -> Result<bool> {
    let in_files = Lsn(end.next.0 - end.in_ring);
    // A sync that covers a record has covered the header before it, and the name.
    let settled = |segment: &&ScannedSegment| {
        segment.start < end.synced && segment.end.min(in_files) <= end.synced
    };
    let present = end.segments.iter().filter(|segment| segment.file_bytes > 0);
    let mut wrote = false;
    for segment in present.filter(|segment| !settled(segment)) {
        let path = files.segment(segment.id);
        let file = files.vfs.open(&path, OpenOptions::write(FileClass::Wal));
        let file = file.map_err(|e| Error::io("open the log", e).in_file(&path))?;
        let head = files.head(segment.id)?.0.ok_or_else(|| changed().in_file(&path))?;
        let again = Again { files, file: &*file, head };
        again.write(end.synced, segment.end.min(in_files))?;
        files.sync(segment.id, &*file)?;
        wrote = true;
    }
    Ok(wrote)
}

/// A segment that is written again.
struct Again<'a> {
    files: &'a Files,
    file: &'a dyn VfsFile,
    head: SegmentHead,
}

impl Again<'_> {
    /// Writes what stands behind `synced` and before `end`; the header too, if no record of the
    /// segment was synced.
    fn write(&self, synced: Lsn, end: Lsn) -> Result<()> {
        let head = &self.head;
        if head.start >= synced {
            self.put(&head.encode(), 0)?;
        }
        if end <= synced {
            return Ok(());
        }
        let path = self.files.segment(head.id);
        let mut reader = SegmentReader::open(&*self.files.vfs, &path, *head)?;
        let (mut at, mut from, mut bytes) = (head.start, head.start, Vec::new());
        while at < end {
            let record = reader.in_file(at, end)?;
            let record = record.ok_or_else(|| changed().at(&path, head.offset(at)))?;
            if record.end() > synced {
                if bytes.is_empty() {
                    from = at;
                }
                record.put(record_seed(head.id), reader.payload(), &mut bytes);
            }
            at = record.end();
            if bytes.len() >= PIECE_BYTES || at >= end {
                self.put(&bytes, head.offset(from))?;
                bytes.clear();
            }
        }
        Ok(())
    }

    fn put(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let written = self.file.write_all_at(bytes, offset);
        written.map_err(|e| Error::io("write the log", e).in_file(self.files.segment(self.head.id)))
    }
}

/// Makes the error for when a file is not what the scan saw.
pub(crate) fn changed() -> Error {
    Error::corruption("the log changed since it was scanned")
}
