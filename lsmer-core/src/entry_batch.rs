//! Up to 64 entries with a buffer of their own, for sources that have no blocks.

use crate::{EntryRef, Kind, SeqNo};

/// Entries copied out of a source, in internal order. Clearing keeps the buffers.
///
/// A new batch is full after [`FIRST_ENTRIES`](Self::FIRST_ENTRIES), and takes twice as many each
/// time it was cleared: a short walk copies little, and a long one pays for few windows.
#[derive(Clone, Debug)]
pub struct EntryBatch {
    bytes: Vec<u8>,
    entries: Vec<Place>,
    /// How many entries it takes now.
    limit: u32,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    key: usize,
    value: usize,
    end: usize,
    seqno: SeqNo,
    kind: Kind,
}

impl Default for EntryBatch {
    fn default() -> Self {
        Self { bytes: Vec::new(), entries: Vec::new(), limit: Self::FIRST_ENTRIES }
    }
}

impl EntryBatch {
    /// Entries of the first batch of a walk.
    pub const FIRST_ENTRIES: u32 = 4;
    /// Most entries of one batch.
    pub const MAX_ENTRIES: u32 = 64;
    /// A batch with this many bytes takes no further entry.
    pub const FULL_BYTES: usize = 64 << 10;
    /// Largest buffer that is kept from walk to walk.
    const KEPT_BYTES: usize = 16 << 10;

    /// Adds a copy of an entry. A forward source adds in internal order; a backward source adds
    /// in reverse and calls [`reverse`](Self::reverse) at the end.
    pub fn push(&mut self, entry: EntryRef<'_>) {
        let key = self.bytes.len();
        self.bytes.extend_from_slice(entry.key);
        let value = self.bytes.len();
        self.bytes.extend_from_slice(entry.value);
        let end = self.bytes.len();
        self.entries.push(Place { key, value, end, seqno: entry.seqno, kind: entry.kind });
    }

    /// Returns whether the batch should take no further entry.
    pub fn is_full(&self) -> bool {
        self.len() >= self.limit || self.bytes.len() >= Self::FULL_BYTES
    }

    /// Turns the order of the entries around.
    pub fn reverse(&mut self) {
        self.entries.reverse();
    }

    /// Returns the number of entries.
    pub fn len(&self) -> u32 {
        u32::try_from(self.entries.len()).expect("a batch is small")
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the entry at `index`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn entry(&self, index: u32) -> EntryRef<'_> {
        let place = &self.entries[index as usize];
        EntryRef {
            key: &self.bytes[place.key..place.value],
            seqno: place.seqno,
            kind: place.kind,
            value: &self.bytes[place.value..place.end],
        }
    }

    /// Begins a new walk: the batch is empty, and as soon full as a new one. Keeps small buffers.
    pub fn restart(&mut self) {
        self.clear();
        self.limit = Self::FIRST_ENTRIES;
        if self.bytes.capacity() > Self::KEPT_BYTES {
            self.bytes = Vec::new();
        }
    }

    /// Forgets the entries. Keeps the buffers, unless one large value made them huge.
    pub fn clear(&mut self) {
        self.limit = (2 * self.limit).min(Self::MAX_ENTRIES);
        self.entries.clear();
        self.bytes.clear();
        if self.bytes.capacity() > 4 * Self::FULL_BYTES {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_buffers_stay() {
        let mut batch = EntryBatch::default();
        let entry = EntryRef { key: b"k", seqno: SeqNo(3), kind: Kind::Put, value: b"v" };
        let other = EntryRef { key: b"j", ..entry };
        batch.push(entry);
        batch.push(other);
        batch.reverse();
        assert_eq!((batch.entry(0), batch.entry(1)), (other, entry));
        let capacity = batch.bytes.capacity();
        batch.clear();
        assert!(batch.is_empty());
        assert_eq!(batch.bytes.capacity(), capacity);
    }

    #[test]
    fn the_batches_of_a_walk_grow_to_the_largest() {
        let entry = EntryRef { key: b"k", seqno: SeqNo(3), kind: Kind::Put, value: b"v" };
        let fill = |batch: &mut EntryBatch| {
            while !batch.is_full() {
                batch.push(entry);
            }
            batch.len()
        };
        let mut batch = EntryBatch::default();
        for _ in 0..2 {
            let mut sizes = Vec::new();
            for _ in 0..6 {
                sizes.push(fill(&mut batch));
                batch.clear();
            }
            assert_eq!(sizes, [4, 8, 16, 32, 64, EntryBatch::MAX_ENTRIES]);
            batch.restart();
        }
    }
}
