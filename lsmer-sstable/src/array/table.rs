//! An open sorted array: lookups.

use std::{fmt, sync::Arc};

use lsmer_core::{
    BlockKind, BlockReader, BlockRequest, Cursor, Lookup, Probe, Result, Step, Table, TableMeta,
    mutant,
};

use super::{cursor::ArrayCursor, rows::Spot};
use crate::properties;

/// The list of blocks; never empty.
pub(super) struct ArrayTable {
    meta: Arc<TableMeta>,
    pub(super) spots: Vec<Spot>,
}

impl ArrayTable {
    pub(super) fn new(meta: Arc<TableMeta>, spots: Vec<Spot>) -> Self {
        Self { meta, spots }
    }

    pub(super) fn request(&self, spot: &Spot) -> BlockRequest {
        BlockRequest::new(self.meta.id, spot.handle, BlockKind::Data)
    }
}

impl Table for ArrayTable {
    fn get(&self, probe: &Probe<'_>, blocks: &mut BlockReader<'_>) -> Result<Step<Option<Lookup>>> {
        if !self.meta.covers(probe.key) {
            return Ok(Step::Done(None));
        }
        let passed = |last: &[u8]| mutant!("array-misses-its-last-key") && last == probe.key;
        let passed = |spot: &Spot| *spot.last < *probe.key || passed(&spot.last);
        let first = self.spots.partition_point(passed);
        for spot in &self.spots[first..] {
            let Some(block) = blocks.get(self.request(spot)) else { return Ok(Step::Miss) };
            if let Some(row) = block.find(probe) {
                return Ok(Step::Done(Some(Lookup { block, row })));
            }
            if *spot.last != *probe.key {
                break;
            }
        }
        Ok(Step::Done(None))
    }

    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send> {
        Box::new(ArrayCursor::new(self))
    }

    fn meta(&self) -> &Arc<TableMeta> {
        &self.meta
    }

    fn bytes(&self) -> usize {
        let lasts: usize = self.spots.iter().map(|spot| spot.last.len()).sum();
        size_of::<Self>() + self.spots.capacity() * size_of::<Spot>() + lasts
    }

    fn blocks(&self) -> Vec<BlockRequest> {
        let mut all: Vec<_> = self.spots.iter().map(|spot| self.request(spot)).collect();
        all.push(BlockRequest::new(self.meta.id, self.meta.index, BlockKind::Index));
        all.push(properties::request(&self.meta).expect("checked when the table was opened"));
        all
    }
}

impl fmt::Debug for ArrayTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArrayTable({}, {} blocks)", self.meta.id, self.spots.len())
    }
}
