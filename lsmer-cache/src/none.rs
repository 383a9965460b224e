//! No cache at all.

use lsmer_core::{Block, BlockCache, BlockId, TableId};

/// Keeps nothing: every read of a block goes to the file.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCache;

impl BlockCache for NoCache {
    fn get(&self, _id: &BlockId) -> Option<Block> {
        None
    }

    fn insert(&self, _id: BlockId, _block: Block) {}

    fn remove_table(&self, _table: TableId) {}

    fn bytes(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use lsmer_core::BlockKind;

    use super::*;

    #[test]
    fn it_keeps_nothing() {
        let id = BlockId { table: TableId::default(), offset: 0, kind: BlockKind::Index };
        NoCache.insert(id, Block::opaque(vec![1; 100]));
        assert!(NoCache.get(&id).is_none());
        assert_eq!(NoCache.bytes(), 0);
    }
}
