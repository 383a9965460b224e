//! The bytes of the simplest log: segments of a header and records, each under a checksum.

use lsmer_core::{Lsn, Result, SegmentId, checksum_context, checksum_more, codec::Fields};

use super::Flaw;

pub(super) const HEAD_BYTES: u64 = 40;
pub(super) const RECORD_BYTES: u64 = 28;

/// What a segment says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) id: u64,
    pub(super) epoch: u64,
    pub(super) start: u64,
    pub(super) previous: u64,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let words = [self.id, self.epoch, self.start, self.previous];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let crc = checksum_more(checksum_context(&[1]), &bytes);
        bytes.extend_from_slice(&u64::from(crc).to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8], id: SegmentId) -> Option<Self> {
        let mut fields = Fields::new(bytes);
        let mut word = || fields.u64().ok();
        let head = Self { id: word()?, epoch: word()?, start: word()?, previous: word()? };
        (head.id == id.0 && bytes.get(..40)? == head.encode()).then_some(head)
    }
}

/// A record, and how much of the log it takes.
#[derive(Debug)]
pub(super) struct Found<'a> {
    pub(super) lsn: Lsn,
    pub(super) seqno: u64,
    pub(super) count: u32,
    pub(super) payload: &'a [u8],
    pub(super) bytes: u64,
}

pub(super) fn encode(
    flaw: Flaw,
    head: &Head,
    (lsn, seqno, count): (u64, u64, u32),
    payload: &[u8],
) -> Vec<u8> {
    let mut body = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
    body.extend_from_slice(&lsn.to_le_bytes());
    body.extend_from_slice(&seqno.to_le_bytes());
    body.extend_from_slice(&count.to_le_bytes());
    body.extend_from_slice(payload);
    [&crc(flaw, head, &body).to_le_bytes()[..], &body].concat()
}

/// Reads the record at the front of `bytes`, which is to be at `lsn`. A damaged one is an error
/// that tells how long it seems to be.
pub(super) fn decode<'a>(
    flaw: Flaw,
    head: &Head,
    lsn: u64,
    bytes: &'a [u8],
) -> Result<Found<'a>, u64> {
    let read = || {
        let mut fields = Fields::new(bytes);
        let (crc, len) = (fields.u32()?, fields.u32()?);
        let (at, seqno, count) = (fields.u64()?, fields.u64()?, fields.u32()?);
        Result::<_>::Ok((
            crc,
            len,
            at,
            seqno,
            count,
            fields.bytes(len as usize).unwrap_or_default(),
        ))
    };
    let (stored, len, at, seqno, count, payload) = read().map_err(|_| 0_u64)?;
    let taken = RECORD_BYTES + u64::from(len);
    let body = usize::try_from(taken).ok().and_then(|end| bytes.get(4..end));
    let whole = body.is_some_and(|body| crc(flaw, head, body) == stored);
    let here = at == lsn || flaw == Flaw::TakesStaleRecords;
    if !whole || !here || count == 0 {
        return Err(taken);
    }
    let lsn = Lsn(lsn);
    Ok(Found { lsn, seqno, count, payload, bytes: taken })
}

fn crc(flaw: Flaw, head: &Head, body: &[u8]) -> u32 {
    let id = if flaw == Flaw::TakesStaleRecords { 0 } else { head.id };
    let epoch = if flaw == Flaw::TakesStaleRecords { 0 } else { head.epoch };
    let covered = match flaw {
        Flaw::ChecksNoPayload => body.get(..24).unwrap_or(body),
        _ => body,
    };
    checksum_more(checksum_context(&[2, id, epoch]), covered)
}
