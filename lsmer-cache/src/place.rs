//! Hashing block ids: two multiplications, the same in every process.
//!
//! The ids come from our own counters, so nobody can aim at one slot, and a keyed hash would only
//! cost time. Folding the halves of a 128-bit product fills all bits (as wyhash does).

use lsmer_core::{BlockId, TableId};

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;
const FACTOR: u64 = 0xd6e8_feb8_6659_fd93;

/// Returns the hash of a block's id.
#[inline]
pub(crate) fn of_block(id: &BlockId) -> u64 {
    mix(of_table(id.table) ^ id.offset.rotate_left(3) ^ id.kind as u64)
}

/// Returns the hash of a table's id.
#[inline]
pub(crate) fn of_table(id: TableId) -> u64 {
    mix(id.epoch.rotate_left(32) ^ id.number)
}

/// Returns another hash of what has this one.
#[inline]
pub(crate) fn again(hash: u64) -> u64 {
    mix(hash)
}

#[inline]
fn mix(word: u64) -> u64 {
    let product = u128::from(word ^ SEED) * u128::from(FACTOR);
    let folded = product ^ (product >> 64);
    u64::try_from(folded & u128::from(u64::MAX)).expect("masked")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lsmer_core::BlockKind;

    use super::*;

    #[test]
    fn neighbouring_blocks_fill_both_ends_of_the_hash() {
        let (mut upper, mut lower, mut all) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for number in 0..16 {
            for block in 0..256 {
                let table = TableId { epoch: 1, number };
                let id = BlockId { table, offset: block * 4096, kind: BlockKind::Data };
                let hash = of_block(&id);
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
