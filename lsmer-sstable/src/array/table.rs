//! An open sorted array: lookups.

use std::{fmt, sync::Arc};

use lsmer_core::{
    Block, BlockKind, BlockRequest, Cursor, Located, Probe, Result, Search, Table, TableMeta,
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

    fn place(&self, at: usize) -> Option<Located> {
        let request = self.request(self.spots.get(at)?);
        Some(Located { request, number: u32::try_from(at).expect("counted in 32 bits") })
    }
}

impl Table for ArrayTable {
    fn locate(&self, probe: &Probe<'_>) -> Option<Located> {
        if !self.meta.covers(probe.key) {
            return None;
        }
        let passed = |last: &[u8]| mutant!("array-misses-its-last-key") && last == probe.key;
        let passed = |spot: &Spot| *spot.last < *probe.key || passed(&spot.last);
        self.place(self.spots.partition_point(passed))
    }

    fn search(&self, probe: &Probe<'_>, place: &Located, block: &Block) -> Result<Search> {
        if let Some(row) = block.find(probe) {
            return Ok(Search::Row(row));
        }
        let at = place.number as usize;
        let goes_on = *self.spots[at].last == *probe.key;
        let next = if goes_on { self.place(at + 1) } else { None };
        Ok(next.map_or(Search::Nothing, Search::GoesOn))
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
