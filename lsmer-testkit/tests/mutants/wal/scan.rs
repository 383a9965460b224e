//! Reading the simplest log back.

use std::{
    io,
    path::{Path, PathBuf},
};

use lsmer_core::{
    Error, FileClass, LogEnd, LogSource, Lsn, OpenOptions, Record, Result, ScannedSegment,
    SegmentId, SeqNo, Slot, Vfs,
};

use super::{
    Flaw,
    record::{HEAD_BYTES, Head, decode},
};

/// A segment with a whole header, and its bytes.
type Segment = (SegmentId, Head, Vec<u8>);

pub(super) fn path(dir: &Path, id: SegmentId) -> PathBuf {
    dir.join(format!("{:06}.toy", id.0))
}

/// Lists the segments of a folder, oldest first.
pub(super) fn segments(vfs: &dyn Vfs, dir: &Path) -> Result<Vec<SegmentId>> {
    let names = match vfs.read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(|error| Error::io("read_dir", error)),
    };
    let id = |name: &str| name.strip_suffix(".toy")?.parse().ok();
    Ok(names?.iter().filter_map(|entry| id(&entry.name)).map(SegmentId).collect())
}

pub(super) fn scan(
    flaw: Flaw,
    source: &LogSource,
    each: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<LogEnd> {
    let next = source.end.map_or(Lsn(0), |cut| cut.end);
    let mut end = LogEnd { next, ..LogEnd::default() };
    let mut segments = whole_segments(flaw, source)?.into_iter();
    let mut expected = None;
    for (id, head, bytes) in &mut segments {
        let follows = match expected {
            None => head.previous < source.first.0.max(1),
            Some(previous) => head.previous == previous && head.start == end.next.0,
        };
        if !follows {
            return Err(Error::corruption("a segment is missing, or ends too early"));
        }
        expected = Some(id.0);
        end.next = Lsn(head.start);
        let limit = source.end.filter(|cut| id <= cut.segment).map_or(u64::MAX, |cut| cut.end.0);
        let last_seqno = records(flaw, (&head, &bytes, limit), &mut end, each)?;
        end.last_seqno = end.last_seqno.max(last_seqno);
        let file_bytes = bytes.len() as u64;
        let (start, end_of) = (Lsn(head.start), end.next);
        end.segments.push(ScannedSegment { id, start, end: end_of, last_seqno, file_bytes });
        if flaw == Flaw::CutsWhatItScans {
            cut(source, id, HEAD_BYTES + end.next.0 - head.start)?;
        }
    }
    if end.next < source.synced && flaw != Flaw::ForgetsHowFarItWasSynced {
        return Err(Error::corruption("the log ends before it was synced to"));
    }
    Ok(end)
}

/// Reads all segments that may be needed and whose header is whole.
fn whole_segments(flaw: Flaw, source: &LogSource) -> Result<Vec<Segment>> {
    let mut all = Vec::new();
    let needed = segments(&*source.vfs, &source.dir)?.into_iter().filter(|id| *id >= source.first);
    for id in needed {
        let bytes = source.vfs.read_file(&path(&source.dir, id), FileClass::Wal, 1 << 20);
        let bytes = match bytes {
            Err(_) if flaw == Flaw::TakesErrorsForTheEnd => break,
            bytes => bytes.map_err(|error| Error::io("read", error))?,
        };
        if let Some(head) = Head::decode(&bytes, id) {
            all.push((id, head, bytes));
        }
    }
    Ok(all)
}

/// Hands out the records of a segment, up to `limit`; returns the seqno of the last entry.
fn records(
    flaw: Flaw,
    (head, bytes, limit): (&Head, &[u8], u64),
    end: &mut LogEnd,
    each: &mut dyn FnMut(Record<'_>) -> Result<()>,
) -> Result<SeqNo> {
    let mut last = SeqNo::ZERO;
    loop {
        let at = usize::try_from(HEAD_BYTES + end.next.0 - head.start).unwrap();
        let rest = bytes.get(at..).unwrap_or_default();
        let found = match decode(flaw, head, end.next.0, rest) {
            Ok(found) if found.lsn.0 + found.bytes <= limit => found,
            Err(bytes) if flaw == Flaw::SkipsBadRecords && (1..2_000).contains(&bytes) => {
                if rest.iter().all(|byte| *byte == 0) {
                    return Ok(last);
                }
                end.next.0 += bytes;
                continue;
            }
            Err(_) if flaw == Flaw::TakesATornTailForDamage && rest.iter().any(|at| *at != 0) => {
                return Err(Error::corruption("something that is no record"));
            }
            _ => return Ok(last),
        };
        let slot = Slot { start: end.next, end: Lsn(end.next.0 + found.bytes) };
        let (seqno, count, payload) = (SeqNo(found.seqno), found.count, found.payload);
        each(Record { slot, seqno, count, payload })?;
        last = SeqNo(found.seqno + u64::from(count) - 1);
        end.next = slot.end;
    }
}

fn cut(source: &LogSource, id: SegmentId, len: u64) -> Result<()> {
    let file = source.vfs.open(&path(&source.dir, id), OpenOptions::write(FileClass::Wal));
    file.and_then(|file| file.set_len(len)).map_err(|error| Error::io("cut", error))
}
