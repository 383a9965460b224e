//! The index of a columnar table: where the data blocks are, and which keys they hold.
//!
//! Payload of the stored block:
//!
//! ```text
//! byte  size
//!    0  1      layout version (1)
//!    1  3      zero
//!    4  4      n, data blocks
//!    8  4      p, bytes of the prefix that all separators share
//!   12  4      k, bytes of all separator suffixes
//!   16  n * 4  stored size of each data block
//!       n * 4  rows of each data block; the top bit is set if the last key of the block goes on
//!              in the next one
//!       n * 4  end of each separator suffix
//!       p      prefix
//!       k      suffixes
//! ```
//!
//! Integers are little-endian. The data blocks lie one after the other from the start of the file.
//! The separator `s` of a block satisfies `last <= s < first of the next block`; it is the last
//! key itself in the last block, and in a block whose last key goes on. So the first block with
//! `key <= s` holds the newest version of `key`, and older ones follow while a block ends with
//! `key` and goes on.
//!
//! In memory a search tree stands over them (`index/tree.rs`); a search touches the suffixes only
//! where eight bytes do not tell.

mod decode;
mod encode;
mod tree;

use std::{cmp::Ordering, ops::Bound, ops::Range};

use lsmer_core::{BlockHandle, BlockKind, BlockRequest, CommonPrefix, KeyRange, TableId, mutant};

pub(crate) use encode::IndexBuilder;
use tree::Tree;

/// Marks a block whose last key goes on.
const GOES_ON: u32 = 1 << 31;

/// An index in memory. At least one block; all columns have a value for each.
#[derive(Debug)]
pub(crate) struct Index {
    table: TableId,
    /// Where each block begins, and where the last one ends.
    offsets: Vec<u64>,
    rows: Vec<u32>,
    prefix: CommonPrefix,
    ends: Vec<u32>,
    suffixes: Vec<u8>,
    tree: Tree,
}

impl Index {
    /// Returns the number of blocks.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.rows.len()).expect("read from 32 bits")
    }

    /// Returns the rows of a block.
    pub(crate) fn rows(&self, block: u32) -> u32 {
        self.rows[block as usize] & !GOES_ON
    }

    /// Returns what to ask for to get a block.
    pub(crate) fn request(&self, block: u32) -> BlockRequest {
        let block = block as usize;
        let offset = self.offsets[block];
        let bytes = u32::try_from(self.offsets[block + 1] - offset).expect("read from 32 bits");
        BlockRequest::new(self.table, BlockHandle { offset, bytes }, BlockKind::Data)
    }

    /// Returns the first block that may hold `key`, if any does.
    pub(crate) fn find(&self, key: &[u8]) -> Option<u32> {
        let passes = mutant!("index-passes-its-separator");
        let block = self.partition(key, if passes { Ordering::Equal } else { Ordering::Less });
        (block < self.len()).then_some(block)
    }

    /// Returns whether further versions of `key` stand in the block after this one.
    pub(crate) fn goes_on(&self, block: u32, key: &[u8]) -> bool {
        self.rows[block as usize] & GOES_ON != 0
            && !mutant!("versions-end-with-their-block")
            && self.prefix.strip(key) == Some(self.suffix(block as usize))
    }

    /// Returns the blocks that may hold keys of a range.
    pub(crate) fn range(&self, range: KeyRange<'_>) -> Range<u32> {
        let start = match range.0 {
            Bound::Included(low) => self.partition(low, Ordering::Less),
            Bound::Excluded(low) => self.partition(low, Ordering::Equal),
            Bound::Unbounded => 0,
        };
        let last = match range.1 {
            Bound::Included(high) => {
                let mut last = self.partition(high, Ordering::Less);
                while last < self.len() && self.goes_on(last, high) {
                    last += 1;
                }
                last
            }
            Bound::Excluded(high) => self.partition(high, Ordering::Less),
            Bound::Unbounded => self.len(),
        };
        start..self.len().min(last.saturating_add(1)).max(start)
    }

    /// Returns the memory it takes, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let halves = self.rows.capacity() + self.ends.capacity();
        let columns = self.offsets.capacity() * 8 + halves * 4;
        columns + self.prefix.len() + self.suffixes.capacity() + self.tree.bytes()
    }

    /// Returns the number of separators that compare to `key` as `Less`, or as `upto`.
    fn partition(&self, key: &[u8], upto: Ordering) -> u32 {
        let Some(suffix) = self.prefix.strip(key) else {
            // The prefix alone orders the key before or after every separator.
            return if *self.prefix < *key { self.len() } else { 0 };
        };
        let count = self.rows.len();
        let found = self.tree.partition(suffix, upto, count, |block| self.suffix(block));
        u32::try_from(found).expect("at most len")
    }

    fn suffix(&self, block: usize) -> &[u8] {
        let start = if block == 0 { 0 } else { self.ends[block - 1] as usize };
        &self.suffixes[start..self.ends[block] as usize]
    }
}

#[cfg(test)]
mod tests;
