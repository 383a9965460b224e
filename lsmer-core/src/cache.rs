//! The seam for block caches.

use std::fmt;

use crate::{Block, BlockId, TableId};

/// Keeps decoded blocks in memory, for one database: ids repeat from database to database.
///
/// # Obligations
///
/// - `CACHE-01` [`get`](Self::get) returns what was last inserted under that id, or nothing.
/// - `CACHE-02` After every call, [`bytes`](Self::bytes) is at most the capacity plus one block.
/// - `CACHE-03` A cache may refuse or drop anything at any time; what it handed out stays.
/// - `CACHE-04` After [`remove_table`](Self::remove_table) no block of that table is here.
///
/// # Concurrency
///
/// Shared by all threads. May take a lock of its own for a moment; never blocks on I/O.
pub trait BlockCache: Send + Sync + fmt::Debug {
    /// Returns a block if it is here.
    fn get(&self, id: &BlockId) -> Option<Block>;

    /// Brings closer what [`get`](Self::get) will read to find the block; purely a hint.
    fn prefetch(&self, _id: &BlockId) {}

    /// Brings the block itself closer, if it is here; purely a hint. What an earlier
    /// [`prefetch`](Self::prefetch) asked for is there by now.
    fn prefetch_block(&self, _id: &BlockId) {}

    /// Offers a block.
    fn insert(&self, id: BlockId, block: Block);

    /// Drops the blocks of a table that is gone.
    fn remove_table(&self, table: TableId);

    /// Returns the memory that the blocks here take.
    fn bytes(&self) -> usize;
}
