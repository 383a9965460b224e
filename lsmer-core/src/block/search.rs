//! Finding rows in a block: fingerprints for one key, heads for a bound.

use std::cmp::Ordering;

use super::{Block, builder::suffix_head};
use crate::{Probe, mutant};

impl Block {
    /// Returns the first row whose key is at or after `key`; [`len`](Self::len) if there is none.
    pub fn lower_bound(&self, key: &[u8]) -> u32 {
        let passes = mutant!("lower-bound-passes-the-key");
        self.partition(key, if passes { Ordering::Equal } else { Ordering::Less })
    }

    /// Returns the first row whose key is after `key`; [`len`](Self::len) if there is none.
    pub fn upper_bound(&self, key: &[u8]) -> u32 {
        self.partition(key, Ordering::Equal)
    }

    /// Returns the newest row of the probe's key that its snapshot sees.
    ///
    /// Compares fingerprints eight at a time and touches the key only of the rows that agree.
    pub fn find(&self, probe: &Probe<'_>) -> Option<u32> {
        let suffix = probe.key.strip_prefix(self.prefix())?;
        let layout = &self.0.layout;
        let n = layout.rows as usize;
        let fingerprints = &self.0.bytes[layout.fingerprints..layout.fingerprints + n];
        let wanted = probe.hash.to_le_bytes()[0];
        let hidden = |seqno| mutant!("block-hides-the-newest") && seqno == probe.snapshot;
        let sees = |seqno| seqno <= probe.snapshot && !hidden(seqno);
        let matches = |row: &u32| self.suffix(*row) == suffix && sees(self.seqno(*row));
        // Versions of a key are adjacent and newest first, so the first match is the answer.
        let mut words = fingerprints.chunks_exact(8);
        let mut base = 0;
        for word in words.by_ref() {
            let word = u64::from_le_bytes(*word.first_chunk().expect("eight bytes"));
            let mut hits = equal_bytes(word, wanted);
            while hits != 0 {
                let row = base + hits.trailing_zeros() / 8;
                if matches(&row) {
                    return Some(row);
                }
                hits &= hits - 1;
            }
            base += 8;
        }
        let tail = words.remainder().iter().zip(base..);
        if mutant!("block-forgets-its-last-rows") {
            return None;
        }
        tail.filter(|(byte, _)| **byte == wanted).map(|(_, row)| row).find(matches)
    }

    /// Returns the number of rows whose key compares to `key` as `Less`, or as `upto`.
    fn partition(&self, key: &[u8], upto: Ordering) -> u32 {
        let prefix = self.prefix();
        let shared = prefix.len().min(key.len());
        match prefix.cmp(&key[..shared]) {
            // The prefix alone orders the key before or after every row.
            Ordering::Less => return self.len(),
            Ordering::Greater => return 0,
            Ordering::Equal => {}
        }
        let suffix = &key[shared..];
        let head = suffix_head(suffix);
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let order = self.0.layout.head(&self.0.bytes, middle).cmp(&head);
            let order = order.then_with(|| self.suffix(middle).cmp(suffix));
            if order == Ordering::Less || order == upto {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Returns a word with the high bit set in each byte of `word` that equals `byte`. A byte above an
/// equal one may be set wrongly; the caller compares keys anyway. (Mycroft's zero-byte test.)
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeros = word ^ (ONES * u64::from(byte));
    zeros.wrapping_sub(ONES) & !zeros & HIGHS
}
