//! The bytes of a sorted array: rows, and the list of blocks.

#![deny(clippy::indexing_slicing, clippy::cast_possible_truncation)]

use lsmer_core::{
    BlockBuilder, BlockHandle, EntryRef, Error, Kind, MAX_KEY_BYTES, MAX_VALUE_BYTES, Result,
    SeqNo,
    codec::{Fields, put_prefixed, put_varint},
};

/// One data block: where it is, and its last key.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) handle: BlockHandle,
    pub(super) last: Box<[u8]>,
}

/// Appends a row.
pub(super) fn put_row(out: &mut Vec<u8>, entry: EntryRef<'_>) {
    put_prefixed(out, entry.key);
    put_varint(out, entry.seqno.0);
    out.push(entry.kind as u8);
    put_prefixed(out, entry.value);
}

/// Reads the payload of a data block into the canonical layout.
pub(super) fn decode(payload: &[u8]) -> Result<Vec<u8>> {
    let mut fields = Fields::new(payload);
    let rows = fields.varint()?;
    let mut block = BlockBuilder::new();
    while !fields.is_empty() {
        let key = fields.prefixed(MAX_KEY_BYTES)?;
        let seqno = SeqNo(fields.varint()?);
        let kind = Kind::decode(fields.u8()?)?;
        let value = fields.prefixed(MAX_VALUE_BYTES)?;
        block.add(EntryRef { key, seqno, kind, value });
    }
    if block.is_empty() || u64::from(block.len()) != rows {
        return Err(Error::corruption("a block has not the rows that it says"));
    }
    let mut out = Vec::with_capacity(block.bytes());
    block.finish(&mut out);
    Ok(out)
}

/// Appends the line of a data block.
pub(super) fn put_spot(out: &mut Vec<u8>, bytes: u32, last: &[u8]) {
    put_varint(out, bytes.into());
    put_prefixed(out, last);
}

/// Reads the payload of the index of a file whose data blocks end at `data_bytes`.
pub(super) fn decode_index(payload: &[u8], data_bytes: u64) -> Result<Vec<Spot>> {
    let bad = || Error::corruption("an index makes no sense");
    let mut fields = Fields::new(payload);
    let mut spots: Vec<Spot> = Vec::new();
    let mut offset = 0_u64;
    while !fields.is_empty() {
        let bytes = u32::try_from(fields.varint()?).map_err(|_| bad())?;
        let last = Box::from(fields.prefixed(MAX_KEY_BYTES)?);
        if bytes == 0 || spots.last().is_some_and(|before| before.last > last) {
            return Err(bad());
        }
        spots.push(Spot { handle: BlockHandle { offset, bytes }, last });
        offset = offset.checked_add(bytes.into()).ok_or_else(bad)?;
    }
    if spots.is_empty() || offset != data_bytes {
        return Err(bad());
    }
    Ok(spots)
}

#[cfg(test)]
mod tests {
    use lsmer_core::Block;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_pinned() {
        let mut out = vec![1];
        let entry = EntryRef { key: b"ab", seqno: SeqNo(300), kind: Kind::Put, value: b"v" };
        put_row(&mut out, entry);
        assert_eq!(out, [1, 2, b'a', b'b', 0xac, 2, 1, 1, b'v']);
        let block = Block::rows(decode(&out).unwrap()).unwrap();
        assert_eq!(block.entry(0, &mut Vec::new()), entry);
        out[0] = 2;
        assert!(decode(&out).is_err());
    }

    #[test]
    fn the_list_of_blocks_is_pinned() {
        let mut out = Vec::new();
        put_spot(&mut out, 200, b"k");
        put_spot(&mut out, 5, b"k");
        assert_eq!(out, [0xc8, 1, 1, b'k', 5, 1, b'k']);
        let spots = decode_index(&out, 205).unwrap();
        assert_eq!(spots[1].handle, BlockHandle { offset: 200, bytes: 5 });
        assert!(decode_index(&out, 204).is_err() && decode_index(&[], 0).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_fail(bytes: Vec<u8>, offset: u64) {
            if let Ok(rows) = decode(&bytes) {
                prop_assert!(Block::rows(rows).is_ok());
            }
            prop_assert!(decode_index(&bytes, offset).is_err() || offset > 0);
        }
    }
}
