//! Which keys there are, in which order they come, and which ones are missing.
//!
//! A key is known by its *rank*: its place among all keys in order. Made keys are 16 bytes that look
//! random: the first eight are evenly spread by rank, each with a jitter of its own, and the other
//! eight are scattered. So ascending keys need no list, and a missing key lies between present ones,
//! where neither the bounds of a table nor a common prefix give it away.
//!
//! Keys *come* in the order of a permutation: [`Keys::rank`] of 0, 1, 2 and so on.

use std::{fs, path::Path};

use crate::{
    numbers::index,
    outcome::{Outcome, ensure},
    random::{mix, part},
};

/// A set of keys.
#[derive(Debug)]
pub enum Keys {
    /// Made keys.
    Made {
        /// How many.
        count: u64,
        /// How far their first eight bytes lie apart, on average: half of it for those that are
        /// there, half for the missing ones.
        stride: u64,
    },
    /// The lines of a file, in order.
    Lines(Vec<Box<[u8]>>),
}

impl Keys {
    /// Makes keys.
    ///
    /// # Panics
    ///
    /// Panics if `count` is 0.
    pub fn made(count: u64) -> Self {
        // Divided once: it would be a tenth of the time of a fast lookup.
        Self::Made { count, stride: u64::MAX / count }
    }

    /// Reads the lines of a file; empty lines and second copies are passed over.
    ///
    /// # Errors
    ///
    /// The file cannot be read or has no line.
    pub fn of_file(path: &Path) -> Outcome<Self> {
        let bytes = fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut lines: Vec<Box<[u8]>> = lines.map(Box::from).collect();
        lines.sort_unstable();
        lines.dedup();
        ensure(!lines.is_empty(), || format!("{}: no lines", path.display()))?;
        Ok(Self::Lines(lines))
    }

    /// Returns the number of keys.
    pub fn count(&self) -> u64 {
        match self {
            Self::Made { count, .. } => *count,
            Self::Lines(lines) => lines.len() as u64,
        }
    }

    /// Returns the mean length of a key, in bytes.
    pub fn key_bytes(&self) -> u64 {
        match self {
            Self::Made { .. } => 16,
            Self::Lines(lines) => {
                lines.iter().map(|line| line.len() as u64).sum::<u64>() / self.count()
            }
        }
    }

    /// Replaces `key` by the key of a rank.
    pub fn present(&self, rank: u64, key: &mut Vec<u8>) {
        key.clear();
        match self {
            Self::Made { stride, .. } => make(rank, *stride, 0, key),
            Self::Lines(lines) => key.extend_from_slice(&lines[index(rank)]),
        }
    }

    /// Replaces `key` by one that is not there, and lies right behind that of a rank.
    pub fn missing(&self, rank: u64, key: &mut Vec<u8>) {
        match self {
            Self::Made { stride, .. } => {
                key.clear();
                make(rank, *stride, 1, key);
            }
            Self::Lines(_) => {
                self.present(rank, key);
                key.extend_from_slice(b"\n"); // no line has it
            }
        }
    }

    /// Returns the rank of the key that comes after `nth` others: each rank once.
    pub fn rank(&self, nth: u64) -> u64 {
        let count = self.count();
        let mut rank = nth;
        loop {
            rank = permute(rank, count);
            if rank < count {
                return rank;
            }
        }
    }
}

fn make(rank: u64, stride: u64, half: u64, key: &mut Vec<u8>) {
    let scattered = mix(rank.wrapping_add(1));
    let jitter = part(scattered, stride / 2);
    key.extend_from_slice(&(rank * stride + half * (stride / 2) + jitter).to_be_bytes());
    key.extend_from_slice(&mix(scattered ^ half).to_be_bytes());
}

/// Maps the numbers below the next power of two onto each other: products by odd numbers and shifts
/// to the right are one to one. Outside of `count` it is walked on (Black and Rogaway, 2002).
fn permute(mut number: u64, count: u64) -> u64 {
    let bits = (u64::BITS - (count - 1).leading_zeros()).max(2);
    let mask = u64::MAX >> (u64::BITS - bits);
    for factor in [0x9e37_79b9_7f4a_7c15, 0xd6e8_feb8_6659_fd93, 0xbf58_476d_1ce4_e5b9_u64] {
        number = number.wrapping_mul(factor).wrapping_add(factor >> 32) & mask;
        number ^= number >> (bits / 2);
    }
    number
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn made_keys_are_in_order_and_missing_ones_lie_between() {
        let keys = Keys::made(1000);
        let (mut key, mut before) = (Vec::new(), Vec::new());
        for rank in 0..1000 {
            keys.present(rank, &mut key);
            assert_eq!(key.len(), 16);
            assert!(key > before);
            before.clone_from(&key);
            keys.missing(rank, &mut key);
            assert!(key > before);
            before.clone_from(&key);
        }
    }

    #[test]
    fn keys_come_once_each_and_not_in_order() {
        for count in [1, 2, 3, 1000, 1024, 1025] {
            let keys = Keys::made(count);
            let ranks: Vec<u64> = (0..count).map(|nth| keys.rank(nth)).collect();
            assert_eq!(ranks.iter().collect::<BTreeSet<_>>().len() as u64, count);
            assert!(ranks.iter().all(|rank| *rank < count));
            assert!(count < 1000 || !ranks.is_sorted());
        }
    }

    #[test]
    fn lines_are_sorted_once_each_and_a_missing_key_is_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        fs::write(&path, "pear\napple\n\npear\n").unwrap();
        let keys = Keys::of_file(&path).unwrap();
        assert_eq!((keys.count(), keys.key_bytes()), (2, 4));
        let mut key = Vec::new();
        keys.present(0, &mut key);
        assert_eq!(key, b"apple");
        keys.missing(1, &mut key);
        assert_eq!(key, b"pear\n");
    }

    #[test]
    fn a_file_without_lines_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        fs::write(&path, "\n\n").unwrap();
        assert!(Keys::of_file(&path).is_err());
    }
}
