//! A cache whose hits take no lock: slots in buckets of one cache line each, S3-FIFO behind.
//!
//! A hit hashes the id, reads the one line of slots that the hash names (sometimes a second one),
//! and from there the frame of the block, whose first lines are fetched as soon as its address is
//! known: two dependent misses of the processor's caches, where a hash map of counted pointers
//! has five. It writes one word of the slot and, when the block is let go of, one of the frame;
//! `BlockSlot` says how that is safe while the block is pushed out.
//!
//! Which blocks stay is decided where blocks come in, under a lock of one shard, from what slots
//! counted meanwhile. The policy is S3-FIFO (Yang and others, "FIFO queues are all you need for
//! cache eviction", SOSP 2023): see `books.rs`.

mod books;
mod ghosts;
mod shard;

use std::fmt;

use lsmer_core::{Block, BlockCache, BlockId, BlockKind, TableId, mutant};

use self::shard::Shard;
use crate::place;

/// A shard is at least this large, so that a block of an ordinary large value still fits into it.
const SHARD_BYTES: usize = 8 << 20;
const MAX_SHARDS: usize = 16;

/// Keeps the blocks that are read again, up to a number of bytes.
///
/// A hit takes no lock and allocates nothing. A block that does not fit into a shard is not kept:
/// those of up to 7 MiB always fit into a cache of 8 MiB or more. There is room for one block for
/// each 2 KiB at most, so blocks much smaller than that do not fill the cache.
pub struct SlotCache {
    shards: Box<[Shard]>,
    capacity: usize,
}

impl SlotCache {
    /// Makes an empty cache for `capacity_bytes` of blocks, their bookkeeping included.
    pub fn new(capacity_bytes: usize) -> Self {
        let shards = (capacity_bytes / SHARD_BYTES).clamp(1, MAX_SHARDS);
        let each = capacity_bytes / shards;
        Self { shards: (0..shards).map(|_| Shard::new(each)).collect(), capacity: capacity_bytes }
    }

    #[inline]
    fn shard(&self, hash: u64) -> &Shard {
        let top = usize::try_from(hash >> 56).expect("eight bits");
        &self.shards[(top * self.shards.len()) >> 8]
    }
}

impl BlockCache for SlotCache {
    #[inline]
    fn get(&self, id: &BlockId) -> Option<Block> {
        let id = &named(id);
        let hash = place::of_block(id);
        self.shard(hash).get(hash, id)
    }

    fn prefetch(&self, id: &BlockId) {
        let hash = place::of_block(&named(id));
        self.shard(hash).prefetch_slots(hash);
    }

    fn prefetch_block(&self, id: &BlockId) {
        let hash = place::of_block(&named(id));
        self.shard(hash).prefetch_block(hash);
    }

    fn insert(&self, id: BlockId, block: Block) {
        let id = named(&id);
        let hash = place::of_block(&id);
        self.shard(hash).insert(hash, &id, block);
    }

    fn remove_table(&self, table: TableId) {
        if !mutant!("cache-keeps-removed-tables") {
            self.shards.iter().for_each(|shard| shard.remove_table(table));
        }
    }

    fn bytes(&self) -> usize {
        self.shards.iter().map(Shard::bytes).sum()
    }
}

fn named(id: &BlockId) -> BlockId {
    let kind = if mutant!("cache-ignores-the-kind") { BlockKind::Data } else { id.kind };
    BlockId { kind, ..*id }
}

impl fmt::Debug for SlotCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotCache({} of {} bytes)", self.bytes(), self.capacity)
    }
}

#[cfg(test)]
mod tests;
