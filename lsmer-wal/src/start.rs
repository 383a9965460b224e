//! Goes on behind the end that a recovery found.
//!
//! ```text
//!   ring -> last segment, synced   the manifest promised these records: they must not depend on
//!                                  a ring that the next record writes over
//!   last segment, cut to its end   or a database that is opened often and written little would
//!                                  keep the room of many
//!   new segment, synced            chained to the end, under a number that no file has
//!   other files, removed           the discarded tail, what was released, unfinished spares,
//!                                  segments at the end without a record
//! ```
//!
//! A crash anywhere leaves a log that a scan with the same cut reads in the same way. Files of an
//! earlier owner are never recycled: what a power loss left in them is unknown.

use std::{collections::VecDeque, io, path::Path, sync::Arc};

use lsmer_core::{
    Error, FileClass, LogEnd, LogSpec, Lsn, OpenOptions, Result, ScannedSegment, SegmentId, mutant,
};

use crate::{
    again::{changed, settle},
    files::{Files, is_leftover},
    log::Log,
    reader::SegmentReader,
    record::record_seed,
    ring::RingImage,
    segment::{FIRST_RECORD, SegmentHead, parse_segment_name},
    tail::{Held, Sizes, Tail},
};

/// Opens the log; see [`WalFormat::open`](lsmer_core::WalFormat::open).
pub(crate) fn start(spec: LogSpec, end: &LogEnd) -> Result<Arc<Log>> {
    let LogSpec { dir, env, epoch, min_segment_bytes, max_segment_bytes } = spec;
    let files = Files { vfs: Arc::clone(&env.vfs), dir };
    make_dir(&files)?;
    let kept = kept(end);
    let last = kept.last();
    if let Some(last) = last.filter(|_| end.in_ring > 0) {
        move_from_ring(&files, end, last)?;
    }
    if let Some(last) = last {
        trim(&files, last)?;
    }

    let present = files.list()?;
    let ids = present.iter().filter_map(|entry| parse_segment_name(&entry.name));
    let previous = last.map_or(SegmentId(0), |last| last.id);
    let newest = ids.fold(previous, SegmentId::max);
    let head = SegmentHead {
        id: SegmentId(newest.0 + 1),
        epoch,
        start: end.next,
        synced: end.next,
        previous,
        chain: end.chain,
        recycled: false,
    };
    let min_bytes = min_segment_bytes.max(2 * FIRST_RECORD);
    let file = files.create(&head, min_bytes)?;
    if !mutant!("new-log-not-synced") {
        files.sync(head.id, &*file)?;
        files.sync_names()?;
    }

    let needed = |id: SegmentId| kept.iter().any(|segment| segment.id == id);
    for entry in present {
        let discarded = parse_segment_name(&entry.name).is_some_and(|id| !needed(id));
        if discarded || is_leftover(&entry.name) {
            files.remove(&files.dir.join(&entry.name))?;
        }
    }

    let max_bytes = max_segment_bytes.max(min_bytes);
    let fast_ring = env.vfs.caps(&files.dir).fast_ring;
    let sizes = Sizes { min_bytes, max_bytes, epoch, fast_ring };
    let tail = Tail::new(sizes, held(kept), head, file, min_bytes);
    Ok(Log::new(files, env, tail))
}

/// Returns the segments behind which the log goes on: those that were read, without those at the
/// end that have no record. Every opening makes one; a database that is opened often and written
/// little would keep them all, and sync them all each time.
fn kept(end: &LogEnd) -> &[ScannedSegment] {
    let last = end.segments.iter().rposition(|segment| segment.end > segment.start);
    end.segments.get(..=last.unwrap_or(0)).unwrap_or_default()
}

/// Makes what a scan read survive a power loss; see
/// [`WalFormat::sync_scanned`](lsmer_core::WalFormat::sync_scanned).
pub(crate) fn sync_scanned(files: &Files, end: &LogEnd) -> Result<()> {
    if settle(files, end)? { files.sync_names() } else { Ok(()) }
}

fn make_dir(files: &Files) -> Result<()> {
    let parent = files.dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let make = || match files.vfs.create_dir(&files.dir) {
        Ok(()) => files.vfs.sync_dir(parent.unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    make().map_err(|e| Error::io("make the folder of the log", e).in_file(&files.dir))
}

/// Returns segments that a scan found, as those of a running log; the last was trimmed.
fn held(kept: &[ScannedSegment]) -> VecDeque<Held> {
    let last = kept.last().map(|segment| segment.id);
    let held = |segment: &ScannedSegment| Held {
        id: segment.id,
        last_seqno: segment.last_seqno,
        file_bytes: match segment.file_bytes {
            bytes if last == Some(segment.id) => bytes.min(used_bytes(segment)),
            bytes => bytes,
        },
        file: None,
        settled: true,
    };
    kept.iter().filter(|segment| segment.file_bytes > 0).map(held).collect()
}

/// Cuts a segment behind its last record; nothing is written to it any more.
fn trim(files: &Files, last: &ScannedSegment) -> Result<()> {
    if last.file_bytes <= used_bytes(last) {
        return Ok(());
    }
    let path = files.segment(last.id);
    let cut =
        || files.vfs.open(&path, OpenOptions::write(FileClass::Wal))?.set_len(used_bytes(last));
    cut().map_err(|e| Error::io("cut a segment of the log", e).in_file(&path))
}

/// Returns how many bytes the header and the records of a segment take.
fn used_bytes(segment: &ScannedSegment) -> u64 {
    FIRST_RECORD + (segment.end.0 - segment.start.0)
}

/// Puts into the last segment what stands only in the ring, and syncs it.
fn move_from_ring(files: &Files, end: &LogEnd, last: &ScannedSegment) -> Result<()> {
    let path = files.segment(last.id);
    let head = files.head(last.id)?.0.ok_or_else(|| changed().in_file(&path))?;
    let ring = RingImage::read(&*files.vfs, &files.dir)?;
    let mut reader = SegmentReader::open(&*files.vfs, &path, head)?;
    let file = files.vfs.open(&path, OpenOptions::write(FileClass::Wal));
    let file = file.map_err(|e| Error::io("open the log", e).in_file(&path))?;
    let mut at = Lsn(end.next.0 - end.in_ring);
    let mut bytes = Vec::new();
    while at < end.next {
        // Also what is in the file: whether it was ever synced is unknown.
        let record = match reader.in_file(at, end.next)? {
            None => reader.in_ring(&ring, at, end.next)?,
            in_file => in_file,
        };
        let record = record.ok_or_else(|| changed().at(&path, head.offset(at)))?;
        bytes.clear();
        record.put(record_seed(head.id), reader.payload(), &mut bytes);
        let written = file.write_all_at(&bytes, head.offset(at));
        written.map_err(|e| Error::io("write the log", e).in_file(&path))?;
        at = record.end();
    }
    if mutant!("ring-moved-without-a-sync") { Ok(()) } else { files.sync(last.id, &*file) }
}
