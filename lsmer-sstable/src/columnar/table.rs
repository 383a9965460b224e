//! An open columnar table: lookups.

use std::{
    fmt,
    ops::{Bound, Range},
    sync::Arc,
};

use lsmer_core::{
    Block, BlockKind, BlockReader, BlockRequest, Cursor, Error, Filter, Located, Probe, Result,
    Search, Table, TableMeta, head,
};

use super::cursor::ColumnarCursor;
use crate::{index::Index, properties};

/// Index and filter in memory; every other byte is asked for.
pub(super) struct ColumnarTable {
    meta: Arc<TableMeta>,
    pub(super) index: Index,
    /// The blocks that may hold keys within the bounds.
    pub(super) all: Range<u32>,
    filter: Option<Arc<dyn Filter>>,
    /// Heads of the smallest and the largest key.
    bounds: (u64, u64),
}

impl ColumnarTable {
    pub(super) fn new(meta: Arc<TableMeta>, index: Index, filter: Option<Arc<dyn Filter>>) -> Self {
        let bounds = (head(&meta.smallest), head(&meta.largest));
        let own = (Bound::Included(&*meta.smallest), Bound::Included(&*meta.largest));
        let all = index.range(own);
        Self { meta, index, all, filter, bounds }
    }

    /// Returns whether a key is within the bounds, which may be narrower than the file. The bounds
    /// themselves are somewhere else in memory, and looked at only where heads agree.
    fn covers(&self, key: &[u8]) -> bool {
        let (smallest, largest) = self.bounds;
        let head = head(key);
        smallest < head && head < largest || self.meta.covers(key)
    }

    /// Returns a data block, or `None` if it is missing.
    ///
    /// # Errors
    ///
    /// `Corruption` if the block is not the one that the index means.
    pub(super) fn block(&self, at: u32, blocks: &mut BlockReader<'_>) -> Result<Option<Block>> {
        let Some(block) = blocks.get(self.index.request(at)) else { return Ok(None) };
        self.check(at, &block)?;
        Ok(Some(block))
    }

    fn check(&self, at: u32, block: &Block) -> Result<()> {
        if block.len() == self.index.rows(at) {
            return Ok(());
        }
        Err(Error::bad_table("a block has not the rows that the index says", &self.meta))
    }

    fn place(&self, number: u32) -> Located {
        Located { request: self.index.request(number), number }
    }
}

impl Table for ColumnarTable {
    fn prefetch(&self, probe: &Probe<'_>) {
        if let Some(filter) = &self.filter {
            filter.prefetch(probe.hash);
        }
    }

    fn locate(&self, probe: &Probe<'_>) -> Option<Located> {
        if self.filter.as_ref().is_some_and(|filter| !filter.may_contain(probe.hash)) {
            return None;
        }
        if !self.covers(probe.key) {
            return None;
        }
        self.index.find(probe.key).map(|number| self.place(number))
    }

    fn search(&self, probe: &Probe<'_>, place: &Located, block: &Block) -> Result<Search> {
        self.check(place.number, block)?;
        if let Some(row) = block.find(probe) {
            return Ok(Search::Row(row));
        }
        if self.index.goes_on(place.number, probe.key) {
            return Ok(Search::GoesOn(self.place(place.number + 1)));
        }
        Ok(Search::Nothing)
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(ColumnarCursor::new(self))
    }

    fn meta(&self) -> &Arc<TableMeta> {
        &self.meta
    }

    fn bytes(&self) -> usize {
        let filter = if self.filter.is_some() { self.meta.filter.bytes as usize } else { 0 };
        size_of::<Self>() + self.index.bytes() + filter
    }

    fn blocks(&self) -> Vec<BlockRequest> {
        let mut all: Vec<_> = (0..self.index.len()).map(|at| self.index.request(at)).collect();
        if self.meta.filter.bytes > 0 {
            all.push(BlockRequest::new(self.meta.id, self.meta.filter, BlockKind::Filter));
        }
        all.push(BlockRequest::new(self.meta.id, self.meta.index, BlockKind::Index));
        all.push(properties::request(&self.meta).expect("checked when the table was opened"));
        all
    }
}

impl fmt::Debug for ColumnarTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ColumnarTable({}, {} blocks)", self.meta.id, self.index.len())
    }
}
