//! A Bloom filter in front of a memtable: five bits of one word for each key.
//!
//! A search that finds nothing costs as many cache misses as one that finds something; the filter
//! costs one. It is sized for entries of [`ENTRY_BYTES`] bytes; with smaller ones it answers
//! "maybe" more often, and never a wrong "no".
//!
//! # Memory order
//!
//! The bits are set with relaxed order before the entry can be found. Whoever was told of the entry,
//! by an acquire load of what its writer released afterwards, sees them.
//!
//! # Invariants
//!
//! - **F1** The words are one boxed slice of integers, whose size and alignment are those of the
//!   atomics (`word.rs`).

#![expect(unsafe_code, reason = "makes atomics of zeroed memory without touching it")]

use lsmer_core::prefetch;
use lsmer_sync::atomic::Ordering;

use crate::word::AtomicU64;

/// Size of an entry, node included, for which the filter has [`ENTRY_BITS`] bits.
const ENTRY_BYTES: usize = 128;
const ENTRY_BITS: usize = 12;

/// Which keys may be in the memtable.
#[derive(Debug)]
pub(crate) struct Filter {
    words: Box<[AtomicU64]>,
}

impl Filter {
    /// Makes the filter for an arena of `bytes` bytes. Its pages are touched as keys are added.
    pub(crate) fn new(bytes: usize) -> Self {
        let words = (bytes / ENTRY_BYTES * ENTRY_BITS / 64).clamp(1, 1 << 31);
        let zeros = Box::into_raw(vec![0_u64; words].into_boxed_slice());
        // SAFETY: the box was just given up, and its words are valid atomics (F1).
        let words = unsafe { Box::from_raw(zeros as *mut [AtomicU64]) };
        Self { words }
    }

    /// Adds a key.
    pub(crate) fn add(&self, hash: u64) {
        let (word, bits) = self.place(hash);
        // A load first: the word of a key that is written again stays a shared cache line.
        if word.load(Ordering::Relaxed) & bits != bits {
            word.fetch_or(bits, Ordering::Relaxed);
        }
    }

    /// Asks for the word of a key to be brought near.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u64) {
        prefetch(self.place(hash).0);
    }

    /// Returns `false` if the key was surely not added.
    pub(crate) fn may_contain(&self, hash: u64) -> bool {
        let (word, bits) = self.place(hash);
        word.load(Ordering::Relaxed) & bits == bits
    }

    /// Returns the size of the filter in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Returns the word of a key, chosen by the upper half of its hash, and its bits, by the lower.
    fn place(&self, hash: u64) -> (&AtomicU64, u64) {
        let index = ((hash >> 32) * self.words.len() as u64) >> 32;
        let index = usize::try_from(index).expect("below the number of words");
        let bits = (0..5).fold(0, |bits, i| bits | 1 << (hash >> (6 * i) & 63));
        (&self.words[index], bits)
    }
}

#[cfg(test)]
mod tests {
    use lsmer_core::hash;

    use super::*;

    #[test]
    fn what_was_added_is_found_and_little_else() {
        let filter = Filter::new(1 << 20);
        let keys = 1_u64 << 13;
        for key in 0..keys {
            filter.add(hash(&key.to_le_bytes()));
        }
        assert!((0..keys).all(|key| filter.may_contain(hash(&key.to_le_bytes()))));
        let wrong = (keys..2 * keys).filter(|key| filter.may_contain(hash(&key.to_le_bytes())));
        let percent = wrong.count() * 100 / (1 << 13);
        assert!(percent <= 3, "{percent}% false positives");
    }

    #[test]
    fn the_smallest_filter_has_a_word() {
        let filter = Filter::new(0);
        assert!(!filter.may_contain(u64::MAX));
        filter.add(u64::MAX);
        assert!(filter.may_contain(u64::MAX));
    }
}
