//! Walking a sorted array, block by block.

use std::{
    ops::{Bound, Range},
    sync::Arc,
};

use lsmer_core::{
    Block, BlockReader, Cursor, KeyRange, OwnedRange, Result, Step, Table, Window, is_empty_range,
};

use super::table::ArrayTable;

/// Walks the blocks of a table, and trims each to what was asked for.
#[derive(Debug)]
pub(super) struct ArrayCursor {
    table: Arc<ArrayTable>,
    range: OwnedRange,
    backward: bool,
    left: Range<usize>,
}

impl ArrayCursor {
    pub(super) fn new(table: Arc<ArrayTable>) -> Self {
        Self { table, range: OwnedRange::default(), backward: false, left: 0..0 }
    }

    fn trim(&self, block: &Block) -> Range<u32> {
        // Both what was asked for, and the bounds of the table, which may be narrower.
        let (low, high) = self.range.get();
        let meta = self.table.meta();
        let start = match low {
            Bound::Included(low) => block.lower_bound(low),
            Bound::Excluded(low) => block.upper_bound(low),
            Bound::Unbounded => 0,
        };
        let end = match high {
            Bound::Included(high) => block.upper_bound(high),
            Bound::Excluded(high) => block.lower_bound(high),
            Bound::Unbounded => block.len(),
        };
        let start = start.max(block.lower_bound(&meta.smallest));
        let end = end.min(block.upper_bound(&meta.largest));
        start..end.max(start)
    }
}

impl Cursor for ArrayCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        self.backward = backward;
        let spots = &self.table.spots;
        let start = match range.0 {
            Bound::Included(low) | Bound::Excluded(low) => {
                spots.partition_point(|spot| *spot.last < *low)
            }
            Bound::Unbounded => 0,
        };
        // The block after the last one that ends in the range may begin in it.
        let end = match range.1 {
            Bound::Included(high) | Bound::Excluded(high) => {
                spots.len().min(spots.partition_point(|spot| *spot.last <= *high) + 1)
            }
            Bound::Unbounded => spots.len(),
        };
        self.left = if is_empty_range(range) { 0..0 } else { start..end };
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        while !self.left.is_empty() {
            let at = if self.backward { self.left.end - 1 } else { self.left.start };
            let request = self.table.request(&self.table.spots[at]);
            let Some(block) = blocks.get(request) else { return Ok(Step::Miss) };
            if self.backward {
                self.left.end -= 1;
            } else {
                self.left.start += 1;
            }
            let rows = self.trim(&block);
            if !rows.is_empty() {
                *out = Window::Rows { block, rows };
                return Ok(Step::Done(()));
            }
        }
        *out = Window::End;
        Ok(Step::Done(()))
    }
}
