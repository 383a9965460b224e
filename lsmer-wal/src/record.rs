//! A record: one write batch in the log.
//!
//! Integers are little-endian. A record begins at a multiple of 8 and is padded to one with zeros.
//!
//! ```text
//!   0         4          8    16      24           28     32        36     38     40
//!   +---------+----------+----+-------+------------+------+---------+------+------+---------+
//!   | header  | payload  |lsn | seqno |  payload   |count |unsynced |flags |epoch | payload |
//!   |crc u32  |length u32|u64 | u64   |  crc u32   | u32  |  u32    | u16  | u16  |         |
//!   +---------+----------+----+-------+------------+------+---------+------+------+---------+
//!             |<---------------- covered by the header crc -------------->|
//! ```
//!
//! - The header's checksum is seeded with the number of its segment, and the lsn says where in the
//!   log it belongs: stale bytes of a recycled file, and bytes in the wrong place, do not pass.
//! - `epoch` is the low half of the segment's epoch mod 65,536: a ring may hold records of an
//!   earlier owner that lost its segment and wrote under the same number.
//! - `unsynced` is how many bytes before this record were not yet known to be synced when it was
//!   written; `u32::MAX` says nothing. So a later record tells that an earlier one was synced.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    Error, ErrorKind, Lsn, MAX_BATCH_BYTES, Result, SegmentId, SeqNo, checksum_context,
    checksum_more, codec::Fields,
};

/// Size of an encoded record header, in bytes.
pub(crate) const RECORD_HEAD_BYTES: usize = 40;

/// Distinguishes the checksums of record headers from those of segment headers.
const RECORD_CONTEXT: u64 = 2;

/// What stands before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub(crate) payload_bytes: u32,
    pub(crate) lsn: Lsn,
    pub(crate) seqno: SeqNo,
    pub(crate) payload_crc: u32,
    pub(crate) count: u32,
    pub(crate) unsynced: u32,
    pub(crate) epoch: u16,
    /// The header's checksum; computed by `encode`, whatever it is.
    pub(crate) crc: u32,
}

/// Returns where the checksums of a segment's record headers start from.
pub(crate) fn record_seed(segment: SegmentId) -> u32 {
    checksum_context(&[RECORD_CONTEXT, segment.0])
}

/// Returns how much of the log a record takes, in bytes.
pub(crate) const fn record_bytes(payload_bytes: usize) -> u64 {
    (RECORD_HEAD_BYTES as u64 + payload_bytes as u64).next_multiple_of(8)
}

/// Returns what records say of the epoch of their segment.
pub(crate) fn short_epoch(epoch: u64) -> u16 {
    let [low, high, ..] = epoch.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Returns what a record at `lsn` says of how far the log was synced.
pub(crate) fn unsynced(lsn: Lsn, synced: Lsn) -> u32 {
    u32::try_from(lsn.0.saturating_sub(synced.0)).unwrap_or(u32::MAX)
}

impl RecordHead {
    /// Returns the bytes, of which the first four are the checksum.
    pub(crate) fn encode(&self, seed: u32) -> [u8; RECORD_HEAD_BYTES] {
        let mut out = [0; RECORD_HEAD_BYTES];
        out[4..8].copy_from_slice(&self.payload_bytes.to_le_bytes());
        out[8..16].copy_from_slice(&self.lsn.0.to_le_bytes());
        out[16..24].copy_from_slice(&self.seqno.0.to_le_bytes());
        out[24..28].copy_from_slice(&self.payload_crc.to_le_bytes());
        out[28..32].copy_from_slice(&self.count.to_le_bytes());
        out[32..36].copy_from_slice(&self.unsynced.to_le_bytes());
        out[38..40].copy_from_slice(&self.epoch.to_le_bytes());
        let crc = checksum_more(seed, &out[4..]);
        out[..4].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Appends a whole record, with its padding, to bytes that end at a multiple of 8.
    pub(crate) fn put(&self, seed: u32, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.encode(seed));
        out.extend_from_slice(payload);
        out.resize(out.len().next_multiple_of(8), 0);
    }

    /// Reads a header; `None` if these bytes are not one that was written under `seed`.
    ///
    /// # Errors
    ///
    /// `Unsupported` if they are, with a flag that this build does not know.
    pub(crate) fn decode(bytes: &[u8], seed: u32) -> Result<Option<Self>> {
        let mut fields = Fields::new(bytes);
        let crc = fields.u32()?;
        let covered = Fields::new(fields.rest()).bytes(RECORD_HEAD_BYTES - 4)?;
        if crc != checksum_more(seed, covered) {
            return Ok(None);
        }
        let payload_bytes = fields.u32()?;
        let lsn = Lsn(fields.u64()?);
        let seqno = SeqNo(fields.u64()?);
        let payload_crc = fields.u32()?;
        let (count, unsynced) = (fields.u32()?, fields.u32()?);
        let (flags, epoch) = (fields.u16()?, fields.u16()?);
        if flags != 0 {
            return Err(Error::new(ErrorKind::Unsupported, "a log record has an unknown flag"));
        }
        if usize::try_from(payload_bytes).map_or(true, |bytes| bytes > MAX_BATCH_BYTES) {
            return Ok(None);
        }
        Ok(Some(Self { payload_bytes, lsn, seqno, payload_crc, count, unsynced, epoch, crc }))
    }

    /// Returns the size of the payload.
    pub(crate) fn payload_len(&self) -> usize {
        usize::try_from(self.payload_bytes).expect("decoding checked it against MAX_BATCH_BYTES")
    }

    /// Returns where the next record begins.
    pub(crate) fn end(&self) -> Lsn {
        Lsn(self.lsn.0.saturating_add(record_bytes(self.payload_len())))
    }

    /// Returns up to where the record says that the log was synced.
    pub(crate) fn claim(&self) -> Lsn {
        match self.unsynced {
            u32::MAX => Lsn(0),
            unsynced => Lsn(self.lsn.0.saturating_sub(u64::from(unsynced))),
        }
    }

    /// Returns the seqno of its last entry; `None` if it has no entries.
    pub(crate) fn last_seqno(&self) -> Option<SeqNo> {
        let more = self.count.checked_sub(1)?;
        Some(SeqNo(self.seqno.0.saturating_add(u64::from(more))))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: RecordHead = RecordHead {
        payload_bytes: 3,
        lsn: Lsn(0x50),
        seqno: SeqNo(9),
        payload_crc: 0x0403_0201,
        count: 2,
        unsynced: 0x28,
        epoch: 0x0706,
        crc: u32::from_le_bytes(PINNED_CRC),
    };

    #[test]
    fn layout_is_pinned() {
        // By hand from the diagram above. If this fails, the format changed.
        let want = [
            3, 0, 0, 0, // payload length
            0x50, 0, 0, 0, 0, 0, 0, 0, // lsn
            9, 0, 0, 0, 0, 0, 0, 0, // seqno
            1, 2, 3, 4, // payload crc
            2, 0, 0, 0, // count
            0x28, 0, 0, 0, // unsynced
            0, 0, 6, 7, // flags, epoch
        ];
        let got = HEAD.encode(record_seed(SegmentId(5)));
        assert_eq!(got[4..], want);
        assert_eq!(got[..4], PINNED_CRC);
        assert_eq!(record_bytes(3), 48, "padded to 8");
    }

    const PINNED_CRC: [u8; 4] = [54, 39, 17, 245]; // computed apart, bit by bit

    #[test]
    fn a_record_of_another_segment_does_not_pass() {
        let bytes = HEAD.encode(record_seed(SegmentId(5)));
        assert_eq!(RecordHead::decode(&bytes, record_seed(SegmentId(6))).unwrap(), None);
    }

    #[test]
    fn an_unknown_flag_is_unsupported_not_damage() {
        let seed = record_seed(SegmentId(5));
        let mut bytes = HEAD.encode(seed);
        bytes[36] = 1;
        let crc = checksum_more(seed, &bytes[4..]);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        let error = RecordHead::decode(&bytes, seed).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_distance_too_large_to_write_down_claims_nothing() {
        let far = u64::from(u32::MAX) + 8;
        let unsynced = unsynced(Lsn(far + 80), Lsn(80));
        assert_eq!(RecordHead { lsn: Lsn(far + 80), unsynced, ..HEAD }.claim(), Lsn(0));
        assert_eq!(HEAD.claim(), Lsn(0x28));
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(
            payload_bytes in 0..1_u32 << 26,
            (lsn, seqno, segment) in any::<(u64, u64, u64)>(),
            (payload_crc, count, unsynced, epoch) in any::<(u32, u32, u32, u16)>(),
        ) {
            let (lsn, seqno) = (Lsn(lsn), SeqNo(seqno));
            let mut head = RecordHead {
                payload_bytes, lsn, seqno, payload_crc, count, unsynced, epoch, crc: 0
            };
            let seed = record_seed(SegmentId(segment));
            let bytes = head.encode(seed);
            head.crc = u32::from_le_bytes(bytes[..4].try_into().unwrap());
            prop_assert_eq!(RecordHead::decode(&bytes, seed).unwrap(), Some(head));
        }

        #[test]
        fn one_flipped_bit_is_always_noticed(bit in 0..RECORD_HEAD_BYTES * 8) {
            let seed = record_seed(SegmentId(5));
            let mut bytes = HEAD.encode(seed);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(RecordHead::decode(&bytes, seed).unwrap(), None);
        }

        #[test]
        fn decode_never_panics(bytes: Vec<u8>, seed: u32) {
            if let Ok(Some(head)) = RecordHead::decode(&bytes, seed) {
                prop_assert!(head.end() >= head.lsn);
            }
        }
    }
}
