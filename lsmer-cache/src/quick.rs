//! A sharded cache that resists scans: `quick_cache`, weighed in bytes.
//!
//! `quick_cache` is a CLOCK-Pro with a ghost list, close to S3-FIFO: a block that was read once
//! leaves soon, so that a scan does not wash out what point lookups need.

use std::fmt;

use lsmer_core::{Block, BlockCache, BlockId, BlockKind, TableId, mutant};
use quick_cache::{
    OptionsBuilder, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::place::PlaceHash;

/// A shard is at least this large, so that a block of an ordinary large value still fits into it.
const SHARD_BYTES: u64 = 8 << 20;
const MAX_SHARDS: u64 = 16;
/// About what a block and its entry take, to size the first tables.
const USUAL_BLOCK_BYTES: u64 = 4 << 10;
/// What an entry takes beside its block: id, links, slot of the hash table.
const ENTRY_BYTES: u64 = 64;

/// Keeps the blocks that are read again, up to a number of bytes.
///
/// A hit takes a read lock of one shard and allocates nothing. A block that does not fit into a
/// shard is not kept: those of up to 7 MiB always fit into a cache of 8 MiB or more.
pub struct QuickCache {
    cache: Cache<BlockId, Block, Bytes, PlaceHash>,
    capacity: u64,
}

impl QuickCache {
    /// Makes an empty cache for `capacity_bytes` of blocks, their bookkeeping included.
    pub fn new(capacity_bytes: usize) -> Self {
        let capacity = capacity_bytes as u64;
        let shards = (capacity / SHARD_BYTES).clamp(1, MAX_SHARDS);
        // `quick_cache` rounds up to a power of two.
        let shards = if shards.is_power_of_two() { shards } else { shards.next_power_of_two() / 2 };
        let items = capacity / (USUAL_BLOCK_BYTES + ENTRY_BYTES) + 1;
        let options = OptionsBuilder::new()
            .shards(usize::try_from(shards).expect("at most MAX_SHARDS"))
            .estimated_items_capacity(usize::try_from(items).expect("less than the capacity"))
            .weight_capacity(capacity)
            .build()
            .expect("both capacities are given");
        let lifecycle = DefaultLifecycle::default();
        let cache = Cache::with_options(options, Bytes, PlaceHash::default(), lifecycle);
        Self { cache, capacity }
    }
}

impl BlockCache for QuickCache {
    fn get(&self, id: &BlockId) -> Option<Block> {
        let kind = if mutant!("cache-ignores-the-kind") { BlockKind::Data } else { id.kind };
        self.cache.get(&BlockId { kind, ..*id })
    }

    fn insert(&self, id: BlockId, block: Block) {
        let kind = if mutant!("cache-ignores-the-kind") { BlockKind::Data } else { id.kind };
        self.cache.insert(BlockId { kind, ..id }, block);
    }

    fn remove_table(&self, table: TableId) {
        self.cache.retain(|id, _| id.table != table || mutant!("cache-keeps-removed-tables"));
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.cache.weight()).unwrap_or(usize::MAX)
    }
}

impl fmt::Debug for QuickCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (used, blocks) = (self.cache.weight(), self.cache.len());
        write!(f, "QuickCache({used} of {} bytes, {blocks} blocks)", self.capacity)
    }
}

/// Weighs a block by the memory it takes.
#[derive(Clone, Copy, Debug)]
struct Bytes;

impl Weighter<BlockId, Block> for Bytes {
    fn weight(&self, _id: &BlockId, block: &Block) -> u64 {
        block.weight() as u64 + ENTRY_BYTES
    }
}

#[cfg(test)]
mod tests;
