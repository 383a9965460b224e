//! Writing a columnar table.

use std::{ops::Range, sync::Arc};

use lsmer_core::{
    BlockBuilder, BlockHandle, BlockKind, EntryRef, Error, Result, TableBuilder, TableMeta,
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
        if !self.block.is_empty() && self.would_overflow(entry) {
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
        if self.block.bytes() >= self.spec.block_bytes as usize || self.block.len() >= MAX_ROWS {
            self.cut()?;
        }
        Ok(())
    }

    /// Returns whether an entry is to have a block of its own.
    fn would_overflow(&self, entry: EntryRef<'_>) -> bool {
        entry.value.len() > self.spec.block_bytes as usize
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
        let added = for_each(window, rows, &mut key, |entry| self.push(entry));
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
