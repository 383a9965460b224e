//! What stands behind the end of the log: a torn tail, or proof that something is missing.
//!
//! Every record says how far the log was known to be synced when it was written. If a record
//! behind the end says that the log was synced beyond the end, then the end is damage.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{Lsn, Result, SegmentId};

use crate::{
    pieces::Pieces,
    record::{RECORD_HEAD_BYTES, RecordHead, record_seed},
    segment::{FIRST_RECORD, SegmentHead},
};

const STEP: usize = 8;
const WINDOW_BYTES: usize = 128 << 10;
/// Zeros are passed over in pieces of this size: most of what is searched was never written.
const EMPTY_BYTES: usize = 512;

/// What a search found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// The furthest that a record says the log was synced.
    pub(crate) claimed: Lsn,
    /// Offset of the end of the last thing that is not empty and not of a former life of the
    /// file; zero if there is none.
    pub(crate) end: u64,
}

/// Searches the file of segment `id` for record headers, from `offset` on. Without a segment
/// header, any record of that segment counts, wherever it says it belongs.
///
/// # Errors
///
/// `Io`, `Unsupported`.
pub(crate) fn search(
    pieces: &mut Pieces,
    id: SegmentId,
    head: Option<&SegmentHead>,
    offset: u64,
) -> Result<Evidence> {
    let seed = record_seed(id);
    let start = head.map(|head| head.start);
    let recycled = head.is_none_or(|head| head.recycled);
    let mut found = Evidence::default();
    let mut offset = offset;
    while offset < pieces.file_bytes() {
        let window = pieces.up_to(offset, WINDOW_BYTES)?;
        let mut at = 0;
        while let Some(rest) = window.get(at..).filter(|rest| rest.len() >= RECORD_HEAD_BYTES) {
            let here = offset + at as u64;
            if is_empty(rest) {
                // A header at the last step of the piece reaches beyond it.
                at += EMPTY_BYTES - STEP;
                continue;
            }
            at += STEP;
            if let Some(record) = record(rest, here, seed, start)? {
                found.claimed = found.claimed.max(record.claim());
                found.end = found.end.max(here + (record.end().0 - record.lsn.0));
            } else if !recycled && rest.iter().take(STEP).any(|byte| *byte != 0) {
                found.end = found.end.max(here + STEP as u64);
            }
        }
        if at == 0 {
            // Too short for a record.
            let last = window.iter().rposition(|byte| *byte != 0).filter(|_| !recycled);
            found.end = found.end.max(last.map_or(0, |last| offset + last as u64 + 1));
            break;
        }
        offset += at as u64;
    }
    Ok(found)
}

/// Returns whether a piece of zeros is next. No record begins there: its lsn would be zero, and its
/// checksum that of zeros.
fn is_empty(rest: &[u8]) -> bool {
    let zeros = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all | byte) == 0;
    rest.get(..STEP).is_some_and(zeros) && rest.get(..EMPTY_BYTES).is_some_and(zeros)
}

/// Decodes a header at `offset`, after a look at the lsn, which tells most other bytes.
fn record(bytes: &[u8], offset: u64, seed: u32, start: Option<Lsn>) -> Result<Option<RecordHead>> {
    let lsn = bytes.get(8..16).and_then(|lsn| lsn.try_into().ok()).map_or(0, u64::from_le_bytes);
    let expected = match start {
        Some(start) => start.0.wrapping_add(offset - FIRST_RECORD) == lsn,
        None => lsn % 8 == 0,
    };
    if expected { RecordHead::decode(bytes, seed) } else { Ok(None) }
}
