//! A segment: a file that holds a part of the log.
//!
//! Integers are little-endian. The header is followed by records; the record at `lsn` stands at
//! offset `64 + (lsn - start)`.
//!
//! ```text
//!   0        8        12      16     24      32      40       48       56      60     64
//!   +--------+--------+-------+------+-------+-------+--------+--------+-------+------+------
//!   | magic  |version | flags |  id  | epoch | start | synced |previous| chain | crc  | records
//!   |lsmerwal| u32=1  | u32   | u64  | u64   | u64   | u64    | u64    | u32   | u32  |
//!   +--------+--------+-------+------+-------+-------+--------+--------+-------+------+------
//!   |<------------------------ covered by the crc --------------------------->|
//! ```
//!
//! - The checksum is seeded with the number that the file's name gives.
//! - `previous` and `chain` say what the segment continues: the number of the segment before, and
//!   the header checksum of the last record before `start`. A hole is found by them.
//! - `synced` is how far the log was known to be synced when the segment was made.
//! - Flag 1 is set in a recycled file: behind the records there may be bytes of its former life.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    Error, ErrorKind, Lsn, Result, SegmentId, checksum_context, checksum_more, codec::Fields,
    mutant,
};

/// Size of an encoded segment header, in bytes.
pub(crate) const SEGMENT_HEAD_BYTES: usize = 64;
/// The same, for offsets.
pub(crate) const FIRST_RECORD: u64 = SEGMENT_HEAD_BYTES as u64;

const MAGIC: [u8; 8] = *b"lsmerwal";
const VERSION: u32 = 1;
const RECYCLED: u32 = 1;
const CRC_COVERS: usize = 60;
/// Distinguishes the checksums of segment headers from those of record headers.
const SEGMENT_CONTEXT: u64 = 1;
const SUFFIX: &str = ".wal";

/// What stands before the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub(crate) id: SegmentId,
    pub(crate) epoch: u64,
    /// Where its first record is.
    pub(crate) start: Lsn,
    /// How far the log was known to be synced.
    pub(crate) synced: Lsn,
    /// The segment before; zero if there was none.
    pub(crate) previous: SegmentId,
    /// Header checksum of the last record before `start`; zero if there was none.
    pub(crate) chain: u32,
    /// Whether stale bytes may follow the records.
    pub(crate) recycled: bool,
}

impl SegmentHead {
    /// Returns the bytes, of which the last four are the checksum.
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEAD_BYTES] {
        let mut out = [0; SEGMENT_HEAD_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let flags = if self.recycled { RECYCLED } else { 0 };
        out[12..16].copy_from_slice(&flags.to_le_bytes());
        out[16..24].copy_from_slice(&self.id.0.to_le_bytes());
        out[24..32].copy_from_slice(&self.epoch.to_le_bytes());
        out[32..40].copy_from_slice(&self.start.0.to_le_bytes());
        out[40..48].copy_from_slice(&self.synced.0.to_le_bytes());
        out[48..56].copy_from_slice(&self.previous.0.to_le_bytes());
        out[56..60].copy_from_slice(&self.chain.to_le_bytes());
        let crc = checksum_more(seed(self.id), &out[..CRC_COVERS]);
        out[60..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header out of the file of segment `id`; `None` if these bytes are not one.
    ///
    /// # Errors
    ///
    /// `Unsupported` if they are, of a version or with a flag that this build does not know.
    pub(crate) fn decode(bytes: &[u8], id: SegmentId) -> Result<Option<Self>> {
        let mut fields = Fields::new(bytes);
        let covered = Fields::new(bytes).bytes(CRC_COVERS)?;
        let magic = fields.array()?;
        let (version, flags) = (fields.u32()?, fields.u32()?);
        let (named, epoch) = (SegmentId(fields.u64()?), fields.u64()?);
        let (start, synced) = (Lsn(fields.u64()?), Lsn(fields.u64()?));
        let (previous, chain) = (SegmentId(fields.u64()?), fields.u32()?);
        let crc = fields.u32()?;
        if magic != MAGIC || crc != checksum_more(seed(id), covered) || named != id {
            return Ok(None);
        }
        if version != VERSION || flags & !RECYCLED != 0 {
            return Err(Error::new(ErrorKind::Unsupported, "unknown log format version")
                .detail(format_args!("version {version}, flags {flags:#x}")));
        }
        let recycled = flags & RECYCLED != 0;
        Ok(Some(Self { id, epoch, start, synced, previous, chain, recycled }))
    }

    /// Returns whether this segment continues a log that ends at `end` in segment `last`, after a
    /// record with the header checksum `chain`.
    pub(crate) fn continues(&self, last: SegmentId, end: Lsn, chain: u32) -> bool {
        let chained = self.start == end && self.chain == chain;
        self.previous == last && (chained || mutant!("hole-between-segments"))
    }

    /// Returns the offset of the record at `lsn`.
    pub(crate) fn offset(&self, lsn: Lsn) -> u64 {
        lsn.0.saturating_sub(self.start.0).saturating_add(FIRST_RECORD)
    }
}

/// Returns the name of a segment's file.
pub(crate) fn segment_name(id: SegmentId) -> String {
    format!("{:08}{SUFFIX}", id.0)
}

/// Returns which segment a file is, by its name; `None` if it is something else.
pub(crate) fn parse_segment_name(name: &str) -> Option<SegmentId> {
    let id = SegmentId(name.strip_suffix(SUFFIX)?.parse().ok()?);
    (segment_name(id) == name).then_some(id)
}

fn seed(id: SegmentId) -> u32 {
    checksum_context(&[SEGMENT_CONTEXT, id.0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEAD: SegmentHead = SegmentHead {
        id: SegmentId(5),
        epoch: 6,
        start: Lsn(0x100),
        synced: Lsn(0x80),
        previous: SegmentId(4),
        chain: 0x0403_0201,
        recycled: true,
    };

    #[test]
    fn layout_is_pinned() {
        // By hand from the diagram above. If this fails, the format changed: bump VERSION.
        let want = [
            b'l', b's', b'm', b'e', b'r', b'w', b'a', b'l', // magic
            1, 0, 0, 0, 1, 0, 0, 0, // version, flags
            5, 0, 0, 0, 0, 0, 0, 0, // id
            6, 0, 0, 0, 0, 0, 0, 0, // epoch
            0, 1, 0, 0, 0, 0, 0, 0, // start
            0x80, 0, 0, 0, 0, 0, 0, 0, // synced
            4, 0, 0, 0, 0, 0, 0, 0, // previous
            1, 2, 3, 4, // chain
        ];
        let got = HEAD.encode();
        assert_eq!(got[..60], want);
        assert_eq!(got[60..], PINNED_CRC);
        assert_eq!(segment_name(SegmentId(5)), "00000005.wal");
    }

    const PINNED_CRC: [u8; 4] = [226, 81, 106, 193]; // computed apart, bit by bit

    #[test]
    fn names_come_back_and_others_are_refused() {
        for id in [1, 12_345_678, 123_456_789_012] {
            assert_eq!(parse_segment_name(&segment_name(SegmentId(id))), Some(SegmentId(id)));
        }
        for name in ["1.wal", "spare-01.wal", "00000001.wal.tmp", "+0000001.wal", ".wal", "ring"] {
            assert_eq!(parse_segment_name(name), None);
        }
    }

    #[test]
    fn a_newer_version_is_unsupported_not_damage() {
        let mut bytes = HEAD.encode();
        bytes[8] = 2;
        let crc = checksum_more(seed(HEAD.id), &bytes[..CRC_COVERS]);
        bytes[60..].copy_from_slice(&crc.to_le_bytes());
        let error = SegmentHead::decode(&bytes, HEAD.id).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_header_under_another_name_does_not_pass() {
        assert_eq!(SegmentHead::decode(&HEAD.encode(), SegmentId(6)).unwrap(), None);
    }

    #[test]
    fn a_segment_continues_exactly_one_end() {
        let (id, end, chain) = (HEAD.previous, HEAD.start, HEAD.chain);
        assert!(HEAD.continues(id, end, chain));
        assert!(!HEAD.continues(SegmentId(3), end, chain));
        assert!(!HEAD.continues(id, Lsn(end.0 + 8), chain));
        assert!(!HEAD.continues(id, end, chain + 1));
    }

    proptest! {
        #[test]
        fn decode_undoes_encode(
            (id, epoch, start, synced, previous) in any::<(u64, u64, u64, u64, u64)>(),
            chain in any::<u32>(),
            recycled in any::<bool>(),
        ) {
            let (id, previous) = (SegmentId(id), SegmentId(previous));
            let (start, synced) = (Lsn(start), Lsn(synced));
            let head = SegmentHead { id, epoch, start, synced, previous, chain, recycled };
            prop_assert_eq!(SegmentHead::decode(&head.encode(), id).unwrap(), Some(head));
        }

        #[test]
        fn one_flipped_bit_is_always_noticed(bit in 0..SEGMENT_HEAD_BYTES * 8) {
            let mut bytes = HEAD.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(SegmentHead::decode(&bytes, HEAD.id).unwrap(), None);
        }

        #[test]
        fn decode_never_panics(bytes: Vec<u8>, id: u64) {
            prop_assert!(SegmentHead::decode(&bytes, SegmentId(id)).is_err() || bytes.len() >= 64);
        }
    }
}
