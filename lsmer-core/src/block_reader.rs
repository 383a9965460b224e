//! How reads ask for blocks: an operation's own shelf in front of the cache.
//!
//! No part reads a file. It asks its operation's [`BlockReader`]; what is not there goes on the
//! list of missing blocks, and the part answers [`Step::Miss`](crate::Step::Miss). The driver
//! reads what is on the list, puts it on the shelf, and calls again. What was delivered stays on
//! the shelf until the operation is done, so that every call gets further than the last even if
//! the cache keeps nothing.

use crate::{Block, BlockCache, BlockHandle, TableId};

/// What a block is for. The numbers are on disk: checksums cover them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum BlockKind {
    /// Rows.
    Data = 1,
    /// Where the data blocks are.
    Index = 2,
    /// Which keys there may be.
    Filter = 3,
    /// Reserved: range tombstones.
    Tombstones = 4,
    /// The table's description of itself.
    Properties = 5,
    /// Reserved: a dictionary for compression.
    Dictionary = 6,
}

/// Names one block of one table: the key of caches, and what its checksum covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockId {
    /// The table.
    pub table: TableId,
    /// First byte in the file.
    pub offset: u64,
    /// What the block is for.
    pub kind: BlockKind,
}

/// A block and its stored size: enough to fetch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockRequest {
    /// The block.
    pub id: BlockId,
    /// Stored size in bytes.
    pub bytes: u32,
}

impl BlockRequest {
    /// Names the block of `table` that a handle points to.
    pub fn new(table: TableId, handle: BlockHandle, kind: BlockKind) -> Self {
        Self { id: BlockId { table, offset: handle.offset, kind }, bytes: handle.bytes }
    }
}

/// The blocks of one operation: those delivered to it, and those it still lacks. Reusable.
#[derive(Debug, Default)]
pub struct BlockShelf {
    /// By id.
    held: Vec<Held>,
    missing: Vec<BlockRequest>,
    /// How many of those held were taken.
    used: usize,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Held {
    id: BlockId,
    block: Block,
    used: bool,
}

impl BlockShelf {
    /// Returns the blocks to fetch, in the order they were asked for, each once.
    pub fn missing(&self) -> &[BlockRequest] {
        &self.missing
    }

    /// Returns the blocks to fetch, in the order they were asked for, and forgets the list.
    pub fn take_missing(&mut self) -> Vec<BlockRequest> {
        std::mem::take(&mut self.missing)
    }

    /// Puts a fetched block on the shelf and takes it off the list.
    pub fn deliver(&mut self, id: BlockId, block: Block) {
        self.missing.retain(|request| request.id != id);
        let at = self.held.partition_point(|held| held.id < id);
        self.held.insert(at, Held { id, block, used: false });
    }

    /// Forgets the list: the driver gave up, or the operation is done.
    pub fn forget_missing(&mut self) {
        self.missing.clear();
    }

    /// Drops the blocks that the operation has already taken, and keeps those read ahead.
    pub fn drop_used(&mut self) {
        if self.used > 0 {
            self.held.retain(|held| !held.used);
            self.used = 0;
        }
    }

    /// Empties the shelf.
    pub fn clear(&mut self) {
        self.held.clear();
        self.used = 0;
        self.missing.clear();
    }

    fn find(&self, id: BlockId) -> Result<usize, usize> {
        self.held.binary_search_by(|held| held.id.cmp(&id))
    }

    fn take(&mut self, id: BlockId) -> Option<Block> {
        let at = self.find(id).ok()?;
        let held = &mut self.held[at];
        self.used += usize::from(!held.used);
        held.used = true;
        Some(held.block.clone())
    }

    /// Returns how often a block was at hand and how often it was not, and counts anew.
    pub fn take_counts(&mut self) -> (u64, u64) {
        (std::mem::take(&mut self.hits), std::mem::take(&mut self.misses))
    }
}

/// What a part reads blocks through.
#[derive(Debug)]
pub struct BlockReader<'a> {
    cache: &'a dyn BlockCache,
    shelf: &'a mut BlockShelf,
}

impl<'a> BlockReader<'a> {
    /// Joins a cache and an operation's shelf.
    pub fn new(cache: &'a dyn BlockCache, shelf: &'a mut BlockShelf) -> Self {
        Self { cache, shelf }
    }

    /// Returns the block if it is at hand, and puts it on the list of missing ones if not.
    pub fn get(&mut self, request: BlockRequest) -> Option<Block> {
        if let Some(block) = self.shelf.take(request.id) {
            return Some(block);
        }
        if let Some(block) = self.cache.get(&request.id) {
            self.shelf.hits += 1;
            return Some(block);
        }
        self.shelf.misses += 1;
        self.ask(request);
        None
    }

    /// Brings closer what [`get`](Self::get) will read to find the block; purely a hint.
    pub fn prefetch(&self, id: &BlockId) {
        self.cache.prefetch(id);
    }

    /// Brings the block itself closer, a while after [`prefetch`](Self::prefetch); purely a hint.
    pub fn prefetch_block(&self, id: &BlockId) {
        self.cache.prefetch_block(id);
    }

    /// Asks for a block that will be needed soon, if a fetch is due anyway: it is read along with
    /// the missing ones.
    pub fn read_ahead(&mut self, request: BlockRequest) {
        let held = self.shelf.find(request.id).is_ok();
        if !self.shelf.missing.is_empty() && !held && self.cache.get(&request.id).is_none() {
            self.ask(request);
        }
    }

    fn ask(&mut self, request: BlockRequest) {
        if !self.shelf.missing.iter().any(|asked| asked.id == request.id) {
            self.shelf.missing.push(request);
        }
    }
}
