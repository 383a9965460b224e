//! What a cache may answer: blocks that are told apart, and what was inserted last.

use std::collections::BTreeMap;

use lsmer_core::{Block, BlockCache, BlockId, BlockKind, TableId};

use crate::seed::Seeded;

const KINDS: [BlockKind; 3] = [BlockKind::Data, BlockKind::Index, BlockKind::Filter];

/// The block at a place of a table.
pub(super) fn id(table: u64, place: u64) -> BlockId {
    let table = TableId { epoch: 1, number: table };
    BlockId { table, offset: place * 4096, kind: BlockKind::Data }
}

/// Ids of which many differ in one field only.
pub(super) fn ids() -> impl Iterator<Item = BlockId> {
    (0..72).map(|n| {
        let table = TableId { epoch: 1 + n % 2, number: 1 + n / 2 % 2 };
        let kind = KINDS[usize::try_from(n / 4 % 3).expect("below 3")];
        BlockId { table, offset: n / 12 % 6, kind }
    })
}

/// Makes a block of its own for each stamp.
pub(super) fn block(stamp: u64, more: usize) -> Block {
    let mut bytes = stamp.to_le_bytes().to_vec();
    bytes.resize(8 + more, stamp.to_le_bytes()[0]);
    Block::opaque(bytes)
}

/// Returns the stamp of a block.
pub(super) fn stamp(block: &Block) -> u64 {
    block.bytes().first_chunk().map_or(u64::MAX, |stamp| u64::from_le_bytes(*stamp))
}

/// What was inserted last under each id.
#[derive(Debug, Default)]
pub(super) struct Model {
    last: BTreeMap<BlockId, Block>,
    stamps: u64,
}

impl Model {
    /// Does something to the cache with one of the first `count` ids.
    pub(super) fn step(&mut self, cache: &dyn BlockCache, count: usize, random: &mut Seeded) {
        let id = ids().nth(random.below(count)).expect("there are 72");
        match random.below(20) {
            0 => {
                cache.remove_table(id.table);
                self.last.retain(|last, _| last.table != id.table);
            }
            1..8 => {
                self.stamps += 1;
                let block = block(self.stamps, random.below(2_000));
                cache.insert(id, block.clone());
                self.last.insert(id, block);
            }
            _ => self.check(cache, &id, random),
        }
    }

    /// Looks an id up.
    pub(super) fn check(&self, cache: &dyn BlockCache, id: &BlockId, random: &Seeded) {
        let Some(got) = cache.get(id) else { return };
        let want = self.last.get(id);
        let same = want.is_some_and(|want| want.bytes() == got.bytes());
        let (got, want) = (stamp(&got), want.map(stamp));
        assert!(same, "CACHE-01: {id:?} is block {got}, not {want:?}; {random}");
    }
}
