//! Finding rows in a block: fingerprints for one key, heads for a bound.

use std::{cmp::Ordering, ops::Range};

use super::{
    Block,
    builder::suffix_head,
    lanes::{LANES, equal},
};
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
    /// Compares sixteen fingerprints at a time and touches the key only of the rows that agree.
    pub fn find(&self, probe: &Probe<'_>) -> Option<u32> {
        let (prefix, rows) = (self.prefix(), self.len());
        let (front, suffix) = probe.key.split_at_checked(prefix.len())?;
        if !same(front, prefix) {
            return None;
        }
        let wanted = probe.hash.to_le_bytes()[0];
        let hidden = |seqno| mutant!("block-hides-the-newest") && seqno == probe.snapshot;
        let sees = |seqno| seqno <= probe.snapshot && !hidden(seqno);
        let matches = |row: u32| same(self.suffix(row), suffix) && sees(self.seqno(row));
        let fingerprints = &self.bytes()[self.layout().fingerprints().start..];
        // Versions of a key are adjacent and newest first, so the first match is the answer.
        let mut base = 0;
        while base < rows {
            let lanes = fingerprints[base as usize..].first_chunk();
            let mut hits = equal(lanes.expect("other columns follow"), wanted);
            while hits != 0 {
                let row = base + hits.trailing_zeros();
                if row >= rows || mutant!("block-forgets-its-last-rows") && row >= rows / 8 * 8 {
                    break;
                }
                if matches(row) {
                    return Some(row);
                }
                hits &= hits - 1;
            }
            base += LANES;
        }
        None
    }

    /// Returns the first of `rows` whose key is at or after `key`; their end if there is none.
    /// Looks near their start first.
    pub fn lower_bound_from(&self, rows: Range<u32>, key: &[u8]) -> u32 {
        let suffix = match self.align(key) {
            Ok(suffix) => suffix,
            Err(Ordering::Less) => return rows.end,
            Err(_) => return rows.start,
        };
        let head = suffix_head(suffix);
        gallop(rows, |row| self.order(row, suffix, head) == Ordering::Less)
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

    /// Returns how the key of the row before compares to that of `row`.
    ///
    /// # Panics
    ///
    /// If there is no such row, or none before it.
    pub fn order_before(&self, row: u32) -> Ordering {
        let heads = self.layout().heads(self.bytes());
        let order = heads[row as usize - 1].cmp(&heads[row as usize]);
        order.then_with(|| self.suffix(row - 1).cmp(self.suffix(row)))
    }

    /// Returns whether each of `rows` differs from the one before it in the first four bytes of its
    /// suffix: then no two of them are versions of one key.
    pub fn heads_differ(&self, rows: Range<u32>) -> bool {
        let heads = self.layout().heads(self.bytes());
        let heads = &heads[rows.start as usize..rows.end as usize];
        let same = heads.iter().zip(heads.iter().skip(1)).filter(|(one, next)| one == next);
        same.count() == 0
    }

    /// Returns the number of rows whose key compares to `key` as `Less`, or as `upto`.
    fn partition(&self, key: &[u8], upto: Ordering) -> u32 {
        let suffix = match self.align(key) {
            Ok(suffix) => suffix,
            Err(Ordering::Less) => return self.len(),
            Err(_) => return 0,
        };
        let head = suffix_head(suffix);
        let heads = self.layout().heads(self.bytes());
        let low = heads.partition_point(|other| u32::from_be_bytes(*other) < head);
        // Most keys have a head of their own, so look at the first row first.
        gallop(u32::try_from(low).expect("at most the rows")..self.len(), |row| {
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
        let (front, suffix) = key.split_at(shared);
        if same(front, prefix) { Ok(suffix) } else { Err(prefix.cmp(front)) }
    }

    fn order(&self, row: u32, suffix: &[u8], head: u32) -> Ordering {
        let order = u32::from_be_bytes(self.layout().heads(self.bytes())[row as usize]).cmp(&head);
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

/// Like [`partition`], but looks near the start first: exponential search (Bentley and Yao, 1976).
fn gallop(rows: Range<u32>, before: impl Fn(u32) -> bool) -> u32 {
    let Range { start: mut low, end } = rows;
    let (mut high, mut step) = (low, 1);
    while high < end && before(high) {
        low = high + 1;
        high = low.saturating_add(step);
        step *= 2;
    }
    partition(low..high.min(end), before)
}

/// Returns whether both are the same bytes. Keys are short: up to 16 bytes it is two comparisons
/// in place of a call.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0 => true,
        1..4 => a.iter().eq(b),
        4..8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}
