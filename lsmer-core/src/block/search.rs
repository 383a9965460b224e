//! Finding rows in a block: fingerprints for one key, heads for a bound.

use std::{cmp::Ordering, ops::Range};

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
        let layout = self.layout();
        let fingerprints = &self.bytes()[layout.fingerprints()];
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

    /// Returns the first of `rows` whose key is at or after `key`; their end if there is none.
    /// Looks near their start first: exponential search (Bentley and Yao, 1976).
    pub fn lower_bound_from(&self, rows: Range<u32>, key: &[u8]) -> u32 {
        let Range { start: mut low, end } = rows;
        let suffix = match self.align(key) {
            Ok(suffix) => suffix,
            Err(Ordering::Less) => return end,
            Err(_) => return low,
        };
        let head = suffix_head(suffix);
        let before = |row| self.order(row, suffix, head) == Ordering::Less;
        let (mut high, mut step) = (low, 1);
        while high < end && before(high) {
            low = high + 1;
            high = low.saturating_add(step);
            step *= 2;
        }
        partition(low..high.min(end), before)
    }

    /// Returns the first of `rows` whose key is after `key`; their end if there is none. Looks
    /// near their end first.
    pub fn upper_bound_back(&self, rows: Range<u32>, key: &[u8]) -> u32 {
        let Range { start, end: mut high } = rows;
        let suffix = match self.align(key) {
            Ok(suffix) => suffix,
            Err(Ordering::Less) => return high,
            Err(_) => return start,
        };
        let head = suffix_head(suffix);
        let upto = |row| self.order(row, suffix, head) != Ordering::Greater;
        let (mut low, mut step) = (high, 1);
        while low > start && !upto(low - 1) {
            high = low - 1;
            low = high.saturating_sub(step);
            step *= 2;
        }
        partition(low.max(start)..high, upto)
    }

    /// Returns the number of rows whose key compares to `key` as `Less`, or as `upto`.
    fn partition(&self, key: &[u8], upto: Ordering) -> u32 {
        let suffix = match self.align(key) {
            Ok(suffix) => suffix,
            Err(Ordering::Less) => return self.len(),
            Err(_) => return 0,
        };
        let head = suffix_head(suffix);
        partition(0..self.len(), |row| {
            let order = self.order(row, suffix, head);
            order == Ordering::Less || order == upto
        })
    }

    /// Returns what to compare the suffixes of rows with, to know how their keys compare to `key`.
    ///
    /// # Errors
    ///
    /// How every row compares to it, if the prefix alone says so.
    fn align<'k>(&self, key: &'k [u8]) -> Result<&'k [u8], Ordering> {
        let prefix = self.prefix();
        let shared = prefix.len().min(key.len());
        match prefix.cmp(&key[..shared]) {
            Ordering::Equal => Ok(&key[shared..]),
            decided => Err(decided),
        }
    }

    fn order(&self, row: u32, suffix: &[u8], head: u32) -> Ordering {
        let order = self.layout().head(self.bytes(), row).cmp(&head);
        order.then_with(|| self.suffix(row).cmp(suffix))
    }
}

/// Returns the first of `rows` that is not `before`; their end if all are.
fn partition(rows: Range<u32>, before: impl Fn(u32) -> bool) -> u32 {
    let Range { start: mut low, end: mut high } = rows;
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

/// Returns a word with the high bit set in each byte of `word` that equals `byte`. A byte above an
/// equal one may be set wrongly; the caller compares keys anyway. (Mycroft's zero-byte test.)
fn equal_bytes(word: u64, byte: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeros = word ^ (ONES * u64::from(byte));
    zeros.wrapping_sub(ONES) & !zeros & HIGHS
}
