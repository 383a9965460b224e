//! Hashing block ids: a multiplication a word, the same in every process.
//!
//! The ids come from our own counters, so nobody can aim at one slot, and a keyed hash would only
//! cost time. `quick_cache` takes its shard from the upper bits and its slot from the lower ones:
//! folding the two halves of a 128-bit product fills both (as wyhash does).

use std::hash::{BuildHasherDefault, Hasher};

/// What the cache is built with.
pub(crate) type PlaceHash = BuildHasherDefault<PlaceHasher>;

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Mixes one word after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PlaceHasher(u64);

impl PlaceHasher {
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ SEED) * u128::from(FACTOR);
        let folded = product ^ (product >> 64);
        self.0 = u64::try_from(folded & u128::from(u64::MAX)).expect("masked");
    }
}

impl Hasher for PlaceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.mix(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.mix(word);
    }

    fn write_isize(&mut self, word: isize) {
        // The discriminant of an enum.
        self.mix(u64::from_ne_bytes((word as i64).to_ne_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, hash::BuildHasher};

    use lsmer_core::{BlockId, BlockKind, TableId};

    use super::*;

    #[test]
    fn neighbouring_blocks_fill_both_ends_of_the_hash() {
        let (mut upper, mut lower, mut all) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for number in 0..16 {
            for block in 0..256 {
                let table = TableId { epoch: 1, number };
                let id = BlockId { table, offset: block * 4096, kind: BlockKind::Data };
                let hash = PlaceHash::default().hash_one(id);
                upper.insert(hash >> 52);
                lower.insert(hash & 0xfff);
                all.insert(hash);
            }
        }
        assert_eq!(all.len(), 4096);
        // 4096 throws into 4096 slots leave about 63 % of them hit.
        assert!(upper.len() > 2400 && lower.len() > 2400, "{} {}", upper.len(), lower.len());
    }
}
