//! Walks the records of a manifest, and tells a torn tail from corruption.
//!
//! The writer syncs after every edit, and only then writes a mark (which it does not sync) and
//! later the next edit. A record says up to where the file was synced when it was written; from
//! there to the record itself stands at most one mark. So where no whole record is:
//!
//! - **S1** If no head of a record is found behind, nothing there was ever synced, or it was a
//!   mark: a torn tail.
//! - **S2** If the next head says that the file was synced up to exactly here, and stands one mark
//!   further on, a mark was lost, which a power loss may do; nothing else is missing.
//! - **S3** Anything else is damage to what was synced: corruption.
//!
//! What this cannot see: damage to the last edit after a crash that took its mark, and a file that
//! was cut at a record. After a clean close the first is noticed as well, for its mark was synced.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{Error, Result, mutant};

use crate::{
    header::HEADER_BYTES,
    record::{File, HEAD_BYTES, Head, RecordKind},
};

/// A walk over a manifest in memory.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    file: File<'a>,
    offset: usize,
}

/// What a step of the walk found.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    /// A record.
    Record(Record<'a>),
    /// A mark that a power loss took.
    LostMark,
    /// The end of the file, but for this many bytes of a torn tail.
    End(usize),
}

/// A whole record.
#[derive(Debug)]
pub(crate) struct Record<'a> {
    /// Where its head is.
    pub(crate) offset: usize,
    /// Its head.
    pub(crate) head: Head,
    /// What it is.
    pub(crate) kind: RecordKind,
    /// Its payload.
    pub(crate) payload: &'a [u8],
}

impl<'a> Scan<'a> {
    /// Starts at the first record.
    pub(crate) fn new(file: File<'a>) -> Self {
        Self { file, offset: HEADER_BYTES }
    }

    /// Returns where the walk is, in bytes.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// Takes a step. Not called again after an error, but for [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// `Corruption` by S3; `Unsupported` for a whole record of an unknown type.
    pub(crate) fn step(&mut self) -> Result<Found<'a>> {
        let at = self.offset;
        if let Some(record) = self.record()? {
            return Ok(Found::Record(record));
        }
        match self.file.find_head(at + 1) {
            None if mutant!("torn-edit-is-damage") && self.torn_bytes() > 0 => {
                Err(Error::corruption("a record of the manifest is torn"))
            }
            None => Ok(Found::End(self.torn_bytes())),
            Some((next, head)) if next == at + HEAD_BYTES && head.synced == at as u64 => {
                self.offset = next;
                Ok(Found::LostMark)
            }
            Some(_) if mutant!("damage-is-the-end-of-the-manifest") => {
                Ok(Found::End(self.torn_bytes()))
            }
            Some((next, _)) => {
                let what = "a record of the manifest is damaged, and it had been synced";
                Err(Error::corruption(what).detail(format_args!("the next one is at byte {next}")))
            }
        }
    }

    /// Goes to the next head after an error; false if there is none.
    pub(crate) fn resume(&mut self) -> bool {
        let next = self.file.find_head(self.offset + 1);
        self.offset = next.map_or(self.offset, |(at, _)| at);
        next.is_some()
    }

    fn record(&mut self) -> Result<Option<Record<'a>>> {
        let offset = self.offset;
        let Some(head) = self.file.head_at(offset) else { return Ok(None) };
        let kind = head.kind()?;
        let Some(payload) = self.file.payload_at(offset, head) else { return Ok(None) };
        self.offset = offset + HEAD_BYTES + payload.len();
        Ok(Some(Record { offset, head, kind, payload }))
    }

    /// Counts what follows, without the zeros of room that was set aside.
    fn torn_bytes(&self) -> usize {
        let tail = self.file.bytes.get(self.offset..).unwrap_or_default();
        tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    }
}
