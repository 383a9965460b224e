//! Building a block, column by column.

use std::ops::Range;

use super::{
    Block,
    layout::{FLAG_KINDS, FLAG_WIDE, HEADER_BYTES, PADDING_BYTES, VERSION},
};
use crate::{EntryRef, Kind, SeqNo, hash};

/// Collects rows in internal order and writes them as one block. Reusable: its buffers stay.
#[derive(Debug, Default)]
pub struct BlockBuilder {
    keys: Vec<u8>,
    key_ends: Vec<u32>,
    values: Vec<u8>,
    value_ends: Vec<u32>,
    fingerprints: Vec<u8>,
    seqnos: Vec<u64>,
    kinds: Vec<u8>,
}

impl BlockBuilder {
    /// What [`bytes`](Self::bytes) counts for a row besides its key and its value.
    pub const ROW_BYTES: usize = 11;

    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    ///
    /// Requires: rows come in internal order, and the block stays below 4 GiB.
    pub fn add(&mut self, entry: EntryRef<'_>) {
        self.add_hashed(entry, hash(entry.key));
    }

    /// Adds a row whose key has this [`hash`].
    pub fn add_hashed(&mut self, entry: EntryRef<'_>, hash: u64) {
        self.keys.extend_from_slice(entry.key);
        self.key_ends.push(length(&self.keys));
        self.values.extend_from_slice(entry.value);
        self.value_ends.push(length(&self.values));
        self.fingerprints.push(hash.to_le_bytes()[0]);
        self.seqnos.push(entry.seqno.0);
        self.kinds.push(entry.kind as u8);
    }

    /// Adds rows of a block: their values with one copy. `hash_of` returns the hash of each key.
    ///
    /// Requires: as for [`add`](Self::add); at least one row.
    pub fn add_rows(
        &mut self,
        block: &Block,
        rows: Range<u32>,
        mut hash_of: impl FnMut(u32, &[u8]) -> u64,
    ) {
        let (bytes, prefix) = (block.bytes(), block.prefix());
        let values = block.value_range(rows.start).start..block.value_range(rows.end - 1).end;
        let end_before = self.values.len();
        self.values.extend_from_slice(&bytes[values.clone()]);
        for row in rows {
            let start = self.keys.len();
            self.keys.extend_from_slice(prefix);
            self.keys.extend_from_slice(block.suffix(row));
            self.key_ends.push(length(&self.keys));
            let value_end = end_before + block.value_range(row).end - values.start;
            self.value_ends.push(u32::try_from(value_end).expect("a block stays below 4 GiB"));
            let hash = hash_of(row, &self.keys[start..]);
            self.fingerprints.push(hash.to_le_bytes()[0]);
            self.seqnos.push(block.seqno(row).0);
            self.kinds.push(block.kind(row) as u8);
        }
    }

    /// Returns whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.key_ends.is_empty()
    }

    /// Returns the number of rows.
    pub fn len(&self) -> u32 {
        length(&self.fingerprints)
    }

    /// Returns about how many bytes [`finish`](Self::finish) would write.
    pub fn bytes(&self) -> usize {
        let bytes = self.keys.len() + self.values.len() + self.kinds.len() * Self::ROW_BYTES;
        HEADER_BYTES + PADDING_BYTES + bytes
    }

    /// Returns the key of the last row.
    pub fn last_key(&self) -> Option<&[u8]> {
        let ends = &self.key_ends;
        let start = ends.len().checked_sub(2).map_or(0, |i| ends[i] as usize);
        ends.last().map(|end| &self.keys[start..*end as usize])
    }

    /// Appends the block to `out` and starts over.
    ///
    /// Requires: at least one row.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        assert!(!self.is_empty(), "a block of no rows");
        let n = self.key_ends.len();
        let shared = self.shared();
        let suffixes = self.keys.len() - shared * n;
        let wide = suffixes.max(self.values.len()) > usize::from(u16::MAX);
        let with_kinds = self.kinds.iter().any(|kind| *kind != Kind::Put as u8);
        let base = *self.seqnos.iter().min().expect("a row");
        let most = *self.seqnos.iter().max().expect("a row") - base;
        let seqno_width = width_of(most);

        let wide_flag = if wide { FLAG_WIDE } else { 0 };
        let kind_flag = if with_kinds { FLAG_KINDS } else { 0 };
        out.extend_from_slice(&[VERSION, wide_flag | kind_flag, seqno_width, 0]);
        let sizes = [n, shared, suffixes, self.values.len(), 0];
        for size in sizes {
            let size = u32::try_from(size).expect("a block stays below 4 GiB");
            out.extend_from_slice(&size.to_le_bytes());
        }
        out.extend_from_slice(&base.to_le_bytes());

        out.extend_from_slice(&self.fingerprints);
        let skipped = u32::try_from(shared).expect("a key is short");
        let mut skips = 0;
        let key_ends = self.key_ends.iter().map(|end| {
            skips += skipped;
            end - skips
        });
        put_ends(out, key_ends, wide);
        put_ends(out, self.value_ends.iter().copied(), wide);
        let deltas = self.seqnos.iter().map(|seqno| seqno - base);
        match seqno_width {
            0 => {}
            1 => put_column(out, deltas, first::<1>),
            2 => put_column(out, deltas, first::<2>),
            4 => put_column(out, deltas, first::<4>),
            _ => put_column(out, deltas, first::<8>),
        }
        if with_kinds {
            out.extend_from_slice(&self.kinds);
        }
        out.extend_from_slice(&self.keys[..shared]);
        for suffix in self.suffixes(shared) {
            out.extend_from_slice(suffix);
        }
        out.extend_from_slice(&self.values);
        put_column(out, self.suffixes(shared), |suffix| suffix_head(suffix).to_be_bytes());
        out.extend_from_slice(&[0; PADDING_BYTES]);
        self.clear();
    }

    /// Forgets the rows and keeps the buffers.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.key_ends.clear();
        self.values.clear();
        self.value_ends.clear();
        self.fingerprints.clear();
        self.seqnos.clear();
        self.kinds.clear();
    }

    /// Returns the smallest and the largest seqno of the rows.
    pub fn seqnos(&self) -> Option<(SeqNo, SeqNo)> {
        let low = self.seqnos.iter().min()?;
        let high = self.seqnos.iter().max()?;
        Some((SeqNo(*low), SeqNo(*high)))
    }

    /// How many bytes all keys begin with: those of the first and the last.
    fn shared(&self) -> usize {
        let first = self.key_ends.first().map_or(&[][..], |end| &self.keys[..*end as usize]);
        let last = self.last_key().unwrap_or_default();
        first.iter().zip(last).take_while(|(a, b)| a == b).count()
    }

    fn suffixes(&self, shared: usize) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.key_ends.iter().map(move |end| {
            let suffix = &self.keys[start + shared..*end as usize];
            start = *end as usize;
            suffix
        })
    }
}

/// The first four bytes of a suffix, zero-filled, as a number that orders like it.
pub(super) fn suffix_head(suffix: &[u8]) -> u32 {
    if let Some(first) = suffix.first_chunk() {
        return u32::from_be_bytes(*first);
    }
    suffix.iter().zip([24, 16, 8]).fold(0, |head, (byte, shift)| head | u32::from(*byte) << shift)
}

fn put_ends(out: &mut Vec<u8>, ends: impl ExactSizeIterator<Item = u32>, wide: bool) {
    if wide {
        put_column(out, ends, u32::to_le_bytes);
    } else {
        put_column(out, ends, |end| first::<2>(end.into()));
    }
}

/// Appends a number of `N` bytes for each item.
fn put_column<T, const N: usize>(
    out: &mut Vec<u8>,
    items: impl ExactSizeIterator<Item = T>,
    encode: impl Fn(T) -> [u8; N],
) {
    let start = out.len();
    out.resize(start + items.len() * N, 0);
    let (places, _) = out[start..].as_chunks_mut();
    for (place, item) in places.iter_mut().zip(items) {
        *place = encode(item);
    }
}

/// The low bytes of a number, little-endian.
fn first<const N: usize>(number: u64) -> [u8; N] {
    *number.to_le_bytes().first_chunk().expect("at most eight")
}

fn width_of(delta: u64) -> u8 {
    match delta {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

fn length<T>(column: &[T]) -> u32 {
    u32::try_from(column.len()).expect("a block stays below 4 GiB")
}
