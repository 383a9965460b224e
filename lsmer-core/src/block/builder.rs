//! Building a block, column by column.

use super::layout::{FLAG_KINDS, FLAG_WIDE, HEADER_BYTES, PADDING_BYTES, VERSION};
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
    /// Bytes that all keys so far share.
    shared: usize,
}

impl BlockBuilder {
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
        let first = self.key_ends.first().map_or(entry.key, |end| &self.keys[..*end as usize]);
        let common = first.iter().zip(entry.key).take_while(|(a, b)| a == b).count();
        self.shared = if self.is_empty() { common } else { self.shared.min(common) };
        self.keys.extend_from_slice(entry.key);
        self.key_ends.push(length(&self.keys));
        self.values.extend_from_slice(entry.value);
        self.value_ends.push(length(&self.values));
        self.fingerprints.push(hash.to_le_bytes()[0]);
        self.seqnos.push(entry.seqno.0);
        self.kinds.push(entry.kind as u8);
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
        HEADER_BYTES + PADDING_BYTES + self.keys.len() + self.values.len() + self.kinds.len() * 11
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
        let suffixes = self.keys.len() - self.shared * n;
        let wide = suffixes.max(self.values.len()) > usize::from(u16::MAX);
        let with_kinds = self.kinds.iter().any(|kind| *kind != Kind::Put as u8);
        let base = *self.seqnos.iter().min().expect("a row");
        let most = *self.seqnos.iter().max().expect("a row") - base;
        let seqno_width = width_of(most);

        let wide_flag = if wide { FLAG_WIDE } else { 0 };
        let kind_flag = if with_kinds { FLAG_KINDS } else { 0 };
        out.extend_from_slice(&[VERSION, wide_flag | kind_flag, seqno_width, 0]);
        let sizes = [n, self.shared, suffixes, self.values.len(), 0];
        for size in sizes {
            let size = u32::try_from(size).expect("a block stays below 4 GiB");
            out.extend_from_slice(&size.to_le_bytes());
        }
        out.extend_from_slice(&base.to_le_bytes());

        out.extend_from_slice(&self.fingerprints);
        let shared = u32::try_from(self.shared).expect("a key is short");
        let key_ends = self.key_ends.iter().zip(1..).map(|(end, rows)| end - shared * rows);
        put_ends(out, key_ends, wide);
        put_ends(out, self.value_ends.iter().copied(), wide);
        for seqno in &self.seqnos {
            let delta = (seqno - base).to_le_bytes();
            out.extend_from_slice(&delta[..usize::from(seqno_width)]);
        }
        if with_kinds {
            out.extend_from_slice(&self.kinds);
        }
        out.extend_from_slice(&self.keys[..self.shared]);
        for row in 0..n {
            out.extend_from_slice(self.suffix(row));
        }
        out.extend_from_slice(&self.values);
        for row in 0..n {
            out.extend_from_slice(&suffix_head(self.suffix(row)).to_be_bytes());
        }
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
        self.shared = 0;
    }

    /// Returns the smallest and the largest seqno of the rows.
    pub fn seqnos(&self) -> Option<(SeqNo, SeqNo)> {
        let low = self.seqnos.iter().min()?;
        let high = self.seqnos.iter().max()?;
        Some((SeqNo(*low), SeqNo(*high)))
    }

    fn suffix(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.key_ends[row - 1] as usize };
        &self.keys[start + self.shared..self.key_ends[row] as usize]
    }
}

/// The first four bytes of a suffix, zero-filled, as a number that orders like it.
pub(super) fn suffix_head(suffix: &[u8]) -> u32 {
    if let Some(first) = suffix.first_chunk() {
        return u32::from_be_bytes(*first);
    }
    suffix.iter().zip([24, 16, 8]).fold(0, |head, (byte, shift)| head | u32::from(*byte) << shift)
}

fn put_ends(out: &mut Vec<u8>, ends: impl Iterator<Item = u32>, wide: bool) {
    for end in ends {
        let bytes = end.to_le_bytes();
        out.extend_from_slice(if wide { &bytes } else { &bytes[..2] });
    }
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
