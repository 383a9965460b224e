//! Writing a columnar table.

use std::{ops::Range, sync::Arc};

use lsmer_core::{
    Block, BlockBuilder, BlockHandle, BlockKind, EntryRef, Error, Result, TableBuilder, TableMeta,
    TableSpec, VfsFile, Window, hash, mutant,
};

use super::NAME;
use crate::{
    compress::Compressor,
    index::IndexBuilder,
    output::Output,
    properties,
    stored::{MAX_PAYLOAD_BYTES, TRAILER_BYTES},
    tally::{Tally, for_each},
};

/// Rows of a data block at most.
const MAX_ROWS: u32 = 65_000;
const MIN_BLOCK_BYTES: u32 = 64;
const MAX_BLOCK_BYTES: u32 = 16 << 20;
const MAX_FILTER_BITS: u8 = 64;

/// Cuts blocks as entries come, and writes them.
#[derive(Debug)]
pub(super) struct ColumnarBuilder {
    spec: TableSpec,
    output: Output,
    compressor: Compressor,
    block: BlockBuilder,
    index: IndexBuilder,
    tally: Tally,
    /// Of each user key, for the filter; empty if there is to be none.
    hashes: Vec<u64>,
    /// Hash of the last key.
    hash: u64,
    /// Where an entry's key is put together.
    key: Vec<u8>,
}

impl ColumnarBuilder {
    pub(super) fn new(file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Self> {
        if !(MIN_BLOCK_BYTES..=MAX_BLOCK_BYTES).contains(&spec.block_bytes) {
            let error = Error::invalid("a block is to have between 64 bytes and 16 MiB");
            return Err(error.detail(spec.block_bytes));
        }
        if spec.filter_bits > MAX_FILTER_BITS {
            let error = Error::invalid("a filter is to have at most 64 bits a key");
            return Err(error.detail(spec.filter_bits));
        }
        Ok(Self {
            output: Output::new(file, spec),
            compressor: Compressor::new(spec.compression)?,
            block: BlockBuilder::new(),
            index: IndexBuilder::default(),
            tally: Tally::default(),
            hashes: Vec::new(),
            hash: 0,
            key: Vec::new(),
            spec: spec.clone(),
        })
    }

    fn push(&mut self, entry: EntryRef<'_>) -> Result<()> {
        if !self.block.is_empty() && self.would_overflow(entry.value.len()) {
            self.cut()?;
        }
        if self.index.is_open() {
            self.index.close(self.tally.last_key(), Some(entry.key))?;
        }
        if self.tally.add(entry)? {
            self.hash = hash(entry.key);
            if self.spec.filter_bits > 0 {
                self.hashes.push(self.hash);
            }
        }
        self.block.add_hashed(entry, self.hash);
        if self.is_full() { self.cut() } else { Ok(()) }
    }

    /// Adds rows of a block: one by one where a row meets what was added before, and where a block
    /// is cut, and together what follows there.
    fn push_rows(&mut self, block: &Block, rows: Range<u32>, key: &mut Vec<u8>) -> Result<()> {
        let mut next = rows.start;
        while next < rows.end {
            self.push(block.entry(next, key))?;
            next = self.follow(block, next + 1..rows.end);
            if self.is_full() {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// Adds the first of `rows` to the block that is being collected, as many as it takes; returns
    /// the first that was not added.
    ///
    /// Requires: the row before them was added last.
    fn follow(&mut self, block: &Block, rows: Range<u32>) -> u32 {
        let (mut end, mut bytes) = (rows.start, self.block.bytes());
        let room = MAX_ROWS.saturating_sub(self.block.len());
        let most = rows.end.min(rows.start.saturating_add(room));
        if self.block.is_empty() {
            return end;
        }
        while end < most && bytes < self.spec.block_bytes as usize {
            let value_bytes = block.value_range(end).len();
            let row_bytes = block.prefix().len() + block.suffix(end).len() + value_bytes;
            // A row out of order is refused by `push`.
            if self.would_overflow(value_bytes) || !self.tally.follow(block, end, row_bytes) {
                break;
            }
            bytes += row_bytes + BlockBuilder::ROW_BYTES;
            end += 1;
        }
        if end > rows.start {
            let (hashes, last) = (&mut self.hashes, &mut self.hash);
            let filtered = self.spec.filter_bits > 0;
            self.block.add_rows(block, rows.start..end, |row, key| {
                if block.order_before(row).is_lt() {
                    *last = hash(key);
                    if filtered {
                        hashes.push(*last);
                    }
                }
                *last
            });
            self.tally.end_with(self.block.last_key().expect("rows were added"));
        }
        end
    }

    /// Returns whether a value is to have a block of its own.
    fn would_overflow(&self, value_bytes: usize) -> bool {
        value_bytes > self.spec.block_bytes as usize
    }

    fn is_full(&self) -> bool {
        self.block.bytes() >= self.spec.block_bytes as usize || self.block.len() >= MAX_ROWS
    }

    /// Writes the block that was collected. What separates it from the next is known later.
    fn cut(&mut self) -> Result<()> {
        let rows = self.block.len();
        let block = &mut self.block;
        let fill = |out: &mut Vec<u8>| block.finish(out);
        let handle = self.output.block(BlockKind::Data, &mut self.compressor, fill)?;
        debug_assert!(handle.bytes as usize <= MAX_PAYLOAD_BYTES + TRAILER_BYTES, "readable");
        self.index.push(handle.bytes, rows);
        Ok(())
    }

    fn write_filter(&mut self, meta: &mut TableMeta) -> Result<()> {
        let hashes = match self.hashes.split_last() {
            Some((_, others)) if mutant!("filter-misses-the-last-key") => others,
            _ => &self.hashes,
        };
        let filter = self.spec.filter.build(hashes, self.spec.filter_bits);
        if self.hashes.is_empty() || filter.is_empty() {
            return Ok(());
        }
        let fill = |out: &mut Vec<u8>| out.extend_from_slice(&filter);
        meta.filter = self.output.block(BlockKind::Filter, &mut Compressor::none(), fill)?;
        meta.filter_name = self.spec.filter.name().into();
        Ok(())
    }

    fn write_index(&mut self) -> Result<BlockHandle> {
        let index = &self.index;
        self.output.block(BlockKind::Index, &mut Compressor::none(), |out| index.finish(out))
    }
}

impl TableBuilder for ColumnarBuilder {
    fn add(&mut self, window: &Window, rows: Range<u32>) -> Result<()> {
        self.output.check()?;
        let mut key = std::mem::take(&mut self.key);
        let added = match window {
            Window::Rows { block, .. } => self.push_rows(block, rows, &mut key),
            _ => for_each(window, rows, &mut key, |entry| self.push(entry)),
        };
        self.key = key;
        added
    }

    fn bytes(&self) -> u64 {
        let filter = self.hashes.len() * usize::from(self.spec.filter_bits) / 8;
        let pending = if self.block.is_empty() { 0 } else { self.block.bytes() };
        self.output.end() + (pending + self.index.bytes() + filter) as u64
    }

    fn finish(mut self: Box<Self>) -> Result<TableMeta> {
        self.output.check()?;
        if self.tally.is_empty() {
            return Err(Error::invalid("a table without entries"));
        }
        if !self.block.is_empty() {
            self.cut()?;
        }
        self.index.close(self.tally.last_key(), None)?;
        let mut meta = self.tally.meta();
        meta.id = self.spec.id;
        meta.format = NAME.into();
        self.write_filter(&mut meta)?;
        meta.index = self.write_index()?;
        properties::write(&mut self.output, &mut meta)?;
        Ok(meta)
    }
}
