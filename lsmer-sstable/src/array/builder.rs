//! Writing a sorted array.

use std::{ops::Range, sync::Arc};

use lsmer_core::{
    BlockKind, EntryRef, Error, Result, TableBuilder, TableMeta, TableSpec, VfsFile, Window,
    codec::put_varint,
};

use super::{
    NAME,
    rows::{put_row, put_spot},
};
use crate::{
    compress::Compressor,
    output::Output,
    properties,
    tally::{Tally, for_each},
};

/// Cut a block before it would grow over this.
const BLOCK_BYTES: usize = 1 << 20;

/// Collects rows, and writes them whenever there are enough.
#[derive(Debug)]
pub(super) struct ArrayBuilder {
    spec: TableSpec,
    output: Output,
    rows: Vec<u8>,
    count: u64,
    index: Vec<u8>,
    tally: Tally,
    key: Vec<u8>,
}

impl ArrayBuilder {
    pub(super) fn new(file: Arc<dyn VfsFile>, spec: &TableSpec) -> Self {
        Self {
            output: Output::new(file, spec),
            rows: Vec::new(),
            count: 0,
            index: Vec::new(),
            tally: Tally::default(),
            key: Vec::new(),
            spec: spec.clone(),
        }
    }

    fn push(&mut self, entry: EntryRef<'_>) -> Result<()> {
        let bytes = entry.key.len() + entry.value.len();
        if self.count > 0 && self.rows.len() + bytes > BLOCK_BYTES {
            self.cut()?;
        }
        self.tally.add(entry)?;
        put_row(&mut self.rows, entry);
        self.count += 1;
        Ok(())
    }

    fn cut(&mut self) -> Result<()> {
        let (rows, count) = (&self.rows, self.count);
        let fill = |out: &mut Vec<u8>| {
            put_varint(out, count);
            out.extend_from_slice(rows);
        };
        let handle = self.output.block(BlockKind::Data, &mut Compressor::none(), fill)?;
        put_spot(&mut self.index, handle.bytes, self.tally.last_key());
        self.rows.clear();
        self.count = 0;
        Ok(())
    }
}

impl TableBuilder for ArrayBuilder {
    fn add(&mut self, window: &Window, rows: Range<u32>) -> Result<()> {
        self.output.check()?;
        let mut key = std::mem::take(&mut self.key);
        let added = for_each(window, rows, &mut key, |entry| self.push(entry));
        self.key = key;
        added
    }

    fn bytes(&self) -> u64 {
        self.output.end() + (self.rows.len() + self.index.len()) as u64
    }

    fn finish(mut self: Box<Self>) -> Result<TableMeta> {
        self.output.check()?;
        if self.tally.is_empty() {
            return Err(Error::invalid("a table without entries"));
        }
        self.cut()?;
        let mut meta = self.tally.meta();
        meta.id = self.spec.id;
        meta.format = NAME.into();
        let index = &self.index;
        let fill = |out: &mut Vec<u8>| out.extend_from_slice(index);
        meta.index = self.output.block(BlockKind::Index, &mut Compressor::none(), fill)?;
        properties::write(&mut self.output, &mut meta)?;
        Ok(meta)
    }
}
