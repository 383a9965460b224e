//! Shows a segment file to people.

use std::{fmt, path::Path};

use lsmer_core::{
    Changes, Error, ErrorKind, FileClass, Kind, Lsn, Result, SegmentId, Vfs, checksum,
};

use crate::{
    pieces::Pieces,
    record::{RECORD_HEAD_BYTES, RecordHead, record_seed},
    segment::{FIRST_RECORD, SEGMENT_HEAD_BYTES, SegmentHead, parse_segment_name},
};

/// Prints the segment file at `path`: its header, and every record with its entries. Goes on past
/// damage, at the next record that is whole. Blocks on I/O.
///
/// # Errors
///
/// `Io`; `InvalidArgument` if the file is not named like a segment; `Unsupported` if it was
/// written by a newer version.
pub fn dump(vfs: &dyn Vfs, path: &Path, out: &mut dyn fmt::Write) -> Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).and_then(parse_segment_name);
    let id = name.ok_or_else(|| Error::invalid("not the name of a log segment").in_file(path))?;
    let pieces = Pieces::open(vfs, path, FileClass::Wal)?;
    Dump { id, pieces, out }.segment().map_err(|error| error.in_file(path))
}

struct Dump<'a> {
    id: SegmentId,
    pieces: Pieces,
    out: &'a mut dyn fmt::Write,
}

impl Dump<'_> {
    fn segment(&mut self) -> Result<()> {
        let head = match self.pieces.get(0, SEGMENT_HEAD_BYTES)? {
            Some(bytes) => SegmentHead::decode(bytes, self.id)?,
            None => None,
        };
        let (id, bytes) = (self.id.0, self.pieces.file_bytes());
        self.line(format_args!("segment {id}: {bytes} bytes"))?;
        match &head {
            None => self.line(format_args!("  DAMAGED header"))?,
            Some(head) => self.line(format_args!(
                "  epoch {}, start {}, synced {}, after segment {} (chain {:08x}){}",
                head.epoch,
                head.start.0,
                head.synced.0,
                head.previous.0,
                head.chain,
                if head.recycled { ", recycled" } else { "" },
            ))?,
        }
        self.records(head.map(|head| head.start))
    }

    fn records(&mut self, start: Option<Lsn>) -> Result<()> {
        let (seed, mut offset, mut skipped) = (record_seed(self.id), FIRST_RECORD, 0);
        while let Some(bytes) = self.pieces.get(offset, RECORD_HEAD_BYTES)? {
            let expected = |record: &RecordHead| {
                start.is_none_or(|start| start.0 + (offset - FIRST_RECORD) == record.lsn.0)
            };
            let record = RecordHead::decode(bytes, seed)?.filter(expected);
            match record {
                None => {
                    skipped += u64::from(bytes.iter().take(8).any(|byte| *byte != 0)) * 8;
                    offset += 8;
                }
                Some(record) => {
                    self.skipped(&mut skipped)?;
                    self.record(offset, &record)?;
                    offset += record.end().0 - record.lsn.0;
                }
            }
        }
        self.skipped(&mut skipped)
    }

    fn skipped(&mut self, bytes: &mut u64) -> Result<()> {
        match std::mem::take(bytes) {
            0 => Ok(()),
            bytes => self.line(format_args!("  {bytes} bytes that are no record")),
        }
    }

    fn record(&mut self, offset: u64, record: &RecordHead) -> Result<()> {
        self.line(format_args!(
            "  record at byte {offset}: lsn {}, seqno {}, count {}, payload {}, synced {}",
            record.lsn.0,
            record.seqno,
            record.count,
            record.payload_bytes,
            record.claim().0,
        ))?;
        let at = offset + RECORD_HEAD_BYTES as u64;
        let payload = self.pieces.get(at, record.payload_len())?.map(<[u8]>::to_vec);
        let Some(payload) = payload.filter(|bytes| checksum(bytes) == record.payload_crc) else {
            return self.line(format_args!("    DAMAGED payload"));
        };
        for change in Changes::new(&payload) {
            let Ok(change) = change else {
                self.line(format_args!("    entries that cannot be decoded"))?;
                break;
            };
            let (keyspace, key) = (change.keyspace.0, change.key.escape_ascii());
            match change.kind {
                Kind::Delete => self.line(format_args!("    {keyspace} delete \"{key}\""))?,
                kind => self.line(format_args!(
                    "    {keyspace} {} \"{key}\" ({} bytes)",
                    format!("{kind:?}").to_lowercase(),
                    change.value.len(),
                ))?,
            }
        }
        Ok(())
    }

    fn line(&mut self, line: fmt::Arguments<'_>) -> Result<()> {
        let written = self.out.write_fmt(line).and_then(|()| self.out.write_char('\n'));
        written.map_err(|_| Error::new(ErrorKind::Io, "the output was refused"))
    }
}
