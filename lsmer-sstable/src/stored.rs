//! Stored blocks: a payload, and a trailer that tells whether it is whole and in its place.
//!
//! ```text
//! byte  size
//!    0  s   payload, compressed or not
//!  s+0  1   codec (0 none, 1 LZ4, 2 Zstandard)
//!  s+1  3   zero
//!  s+4  4   u, size of the payload in memory; u = s without a codec
//!  s+8  4   CRC-32C of the context and of everything before
//! ```
//!
//! Integers are little-endian. The context is four 64-bit words: epoch and number of the table,
//! offset of the block in the file, and its kind. So a block that is whole but was written for
//! another place does not pass.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    BlockBuf, BlockId, BlockKind, Compression, Error, ErrorKind, MAX_VALUE_BYTES, Result,
    checksum_context, checksum_more, codec::Fields, mutant,
};

use crate::compress::decompress;

/// Size of a trailer, in bytes.
pub(crate) const TRAILER_BYTES: usize = 12;

/// Largest payload of a data block, and of any compressed block, in memory: one largest value,
/// and room for its key and for the ordinary entries before it.
pub(crate) const MAX_PAYLOAD_BYTES: usize = MAX_VALUE_BYTES + (1 << 20);

const CRC_BYTES: usize = 4;
const CHECKSUM_MISMATCH: &str = "block checksum mismatch";

/// Appends the trailer of the block `id`, whose stored payload is `out[start..]`.
pub(crate) fn seal(
    out: &mut Vec<u8>,
    start: usize,
    id: &BlockId,
    codec: Compression,
    memory_bytes: u32,
) {
    out.extend_from_slice(&[codec as u8, 0, 0, 0]);
    out.extend_from_slice(&memory_bytes.to_le_bytes());
    let (_, covered) = out.split_at(start);
    let crc = checksum_more(context(id), covered);
    out.extend_from_slice(&crc.to_le_bytes());
}

/// Checks the stored bytes of a block and returns its payload.
///
/// # Errors
///
/// `Corruption` if one bit is not as it was written there; `Unsupported` for an unknown codec.
pub(crate) fn open(at: &BlockId, raw: BlockBuf) -> Result<BlockBuf> {
    check(at, raw).map_err(|error| error.at(at.table.file_name(), at.offset))
}

fn check(at: &BlockId, mut raw: BlockBuf) -> Result<BlockBuf> {
    let short = || Error::corruption("a block is shorter than its trailer");
    let (covered, crc) = raw.split_last_chunk::<CRC_BYTES>().ok_or_else(short)?;
    let whole = checksum_more(context(at), covered) == u32::from_le_bytes(*crc);
    if !whole && !mutant!("block-not-checked") {
        return Err(Error::corruption(CHECKSUM_MISMATCH));
    }
    let payload_bytes = raw.len().checked_sub(TRAILER_BYTES).ok_or_else(short)?;
    let (payload, trailer) = raw.split_at(payload_bytes);
    let mut trailer = Fields::new(trailer);
    let [codec, reserved @ ..] = trailer.array::<4>()?;
    let memory_bytes = trailer.u32()? as usize;
    if reserved != [0; 3] {
        return Err(Error::new(ErrorKind::Unsupported, "a block of a newer layout"));
    }
    let codec = Compression::decode(codec)?;
    let limited = codec != Compression::None || at.kind == BlockKind::Data;
    if limited && memory_bytes > MAX_PAYLOAD_BYTES {
        return Err(Error::corruption("a block is over the limit").detail(memory_bytes));
    }
    if codec != Compression::None {
        return decompress(codec, payload, memory_bytes);
    }
    if memory_bytes != payload_bytes {
        return Err(Error::corruption("a block is not as long as it says"));
    }
    raw.truncate(payload_bytes);
    Ok(raw)
}

fn context(id: &BlockId) -> u32 {
    if mutant!("block-of-any-place") {
        return 0;
    }
    checksum_context(&[id.table.epoch, id.table.number, id.offset, id.kind as u64])
}

#[cfg(test)]
mod tests {
    use lsmer_core::TableId;

    use super::*;

    const ID: BlockId =
        BlockId { table: TableId { epoch: 2, number: 3 }, offset: 4096, kind: BlockKind::Index };

    fn sealed() -> Vec<u8> {
        let mut out = b"before".to_vec();
        out.extend_from_slice(b"abc");
        seal(&mut out, 6, &ID, Compression::None, 3);
        out.split_off(6)
    }

    #[test]
    fn layout_is_pinned() {
        let mut context = Vec::new();
        for word in [2_u64, 3, 4096, 2] {
            context.extend_from_slice(&word.to_le_bytes());
        }
        let body = [b'a', b'b', b'c', 0, 0, 0, 0, 3, 0, 0, 0];
        let crc = lsmer_core::checksum(&[&context[..], &body].concat());
        assert_eq!(sealed(), [&body[..], &crc.to_le_bytes()].concat());
        assert_eq!(crc, 0xdb49_4444, "the polynomial and the context");
        assert_eq!(open(&ID, sealed().into()).unwrap()[..], *b"abc");
    }

    #[test]
    fn a_block_of_another_place_is_refused() {
        let other = TableId { epoch: 2, number: 4 };
        let older = TableId { epoch: 1, number: 3 };
        for id in [
            BlockId { table: other, ..ID },
            BlockId { table: older, ..ID },
            BlockId { offset: 8192, ..ID },
            BlockId { kind: BlockKind::Filter, ..ID },
        ] {
            let error = open(&id, sealed().into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corruption);
            assert_eq!(error.offset(), Some(id.offset));
        }
    }

    #[test]
    fn a_flipped_bit_or_a_missing_byte_is_noticed() {
        let good = sealed();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&ID, bad.into()).is_err(), "bit {bit}");
        }
        for cut in 0..good.len() {
            assert!(open(&ID, good[..cut].into()).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_newer_trailer_is_unsupported_not_corrupt() {
        for (at, byte) in [(3, 9), (4, 1), (6, 1)] {
            let mut bytes = sealed();
            bytes[at] = byte;
            bytes.truncate(11);
            let crc = checksum_more(context(&ID), &bytes);
            bytes.extend_from_slice(&crc.to_le_bytes());
            assert_eq!(open(&ID, bytes.into()).unwrap_err().kind(), ErrorKind::Unsupported);
        }
    }

    #[test]
    fn a_length_over_the_limit_sizes_no_buffer() {
        for (codec, bytes) in [(Compression::Lz4, u32::MAX), (Compression::None, 4)] {
            let mut out = b"abc".to_vec();
            seal(&mut out, 0, &ID, codec, bytes);
            assert_eq!(open(&ID, out.into()).unwrap_err().kind(), ErrorKind::Corruption);
        }
    }
}
