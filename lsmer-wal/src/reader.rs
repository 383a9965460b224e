//! Reads the records of one segment, from its file or from the ring.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::path::Path;

use lsmer_core::{FileClass, Lsn, Result, Vfs, checksum, mutant};

use crate::{
    pieces::Pieces,
    record::{RECORD_HEAD_BYTES, RecordHead, record_seed, short_epoch},
    ring::{LARGEST_IN_RING, RingImage},
    segment::SegmentHead,
};

/// A segment being read.
#[derive(Debug)]
pub(crate) struct SegmentReader {
    head: SegmentHead,
    seed: u32,
    pieces: Pieces,
    /// A record out of the ring, in one piece.
    scratch: Vec<u8>,
    /// Where the payload of the last record is.
    payload: Payload,
}

#[derive(Debug)]
enum Payload {
    InFile { offset: u64, bytes: usize },
    InScratch,
}

impl SegmentReader {
    /// Opens a segment whose header was read already.
    ///
    /// # Errors
    ///
    /// `Io`.
    pub(crate) fn open(vfs: &dyn Vfs, path: &Path, head: SegmentHead) -> Result<Self> {
        let pieces = Pieces::open(vfs, path, FileClass::Wal)?;
        let (seed, payload) = (record_seed(head.id), Payload::InScratch);
        Ok(Self { head, seed, pieces, scratch: Vec::new(), payload })
    }

    /// Returns the record at `lsn` in the file, if there is one that ends at or before `limit`.
    ///
    /// # Errors
    ///
    /// `Io`, `Unsupported`.
    pub(crate) fn in_file(&mut self, lsn: Lsn, limit: Lsn) -> Result<Option<RecordHead>> {
        let offset = self.head.offset(lsn);
        let bytes = self.pieces.get(offset, RECORD_HEAD_BYTES);
        let ends = mutant!("io-error-is-the-end-of-the-log");
        let bytes = if ends { bytes.unwrap_or_default() } else { bytes? };
        let Some(bytes) = bytes else { return Ok(None) };
        let Some(record) =
            head_at(&self.head, self.seed, bytes)?.filter(|record| fits(record, lsn, limit))
        else {
            return Ok(None);
        };
        let (offset, bytes) = (offset + RECORD_HEAD_BYTES as u64, record.payload_len());
        let Some(payload) = self.pieces.get(offset, bytes)? else { return Ok(None) };
        if checksum(payload) != record.payload_crc && !mutant!("log-payload-not-checked") {
            return Ok(None);
        }
        self.payload = Payload::InFile { offset, bytes };
        Ok(Some(record))
    }

    /// Returns the record at `lsn` in the ring, if there is one that ends at or before `limit`.
    ///
    /// # Errors
    ///
    /// `Unsupported`.
    pub(crate) fn in_ring(
        &mut self,
        ring: &RingImage,
        lsn: Lsn,
        limit: Lsn,
    ) -> Result<Option<RecordHead>> {
        if !ring.copy(lsn, RECORD_HEAD_BYTES, &mut self.scratch) {
            return Ok(None);
        }
        let Some(record) = head_at(&self.head, self.seed, &self.scratch)?
            .filter(|record| fits(record, lsn, limit))
        else {
            return Ok(None);
        };
        if record.end().0 - lsn.0 > LARGEST_IN_RING {
            return Ok(None);
        }
        let payload = Lsn(lsn.0 + RECORD_HEAD_BYTES as u64);
        ring.copy(payload, record.payload_len(), &mut self.scratch);
        self.payload = Payload::InScratch;
        Ok((checksum(&self.scratch) == record.payload_crc).then_some(record))
    }

    /// Returns the payload of the record that was returned last.
    pub(crate) fn payload(&self) -> &[u8] {
        match self.payload {
            Payload::InFile { offset, bytes } => {
                self.pieces.held(offset, bytes).expect("nothing was read since")
            }
            Payload::InScratch => &self.scratch,
        }
    }
}

/// Decodes a header of this segment, and of its owner.
fn head_at(head: &SegmentHead, seed: u32, bytes: &[u8]) -> Result<Option<RecordHead>> {
    let record = RecordHead::decode(bytes, seed)?;
    Ok(record.filter(|record| record.epoch == short_epoch(head.epoch)))
}

fn fits(record: &RecordHead, lsn: Lsn, limit: Lsn) -> bool {
    record.lsn == lsn && record.end() <= limit
}
