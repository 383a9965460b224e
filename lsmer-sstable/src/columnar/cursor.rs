//! Walking a columnar table: a window is a block, trimmed to the range.

use std::{
    fmt,
    ops::{Bound, Range},
    sync::Arc,
};

use lsmer_core::{
    Block, BlockReader, Cursor, Error, KeyRange, OwnedRange, Result, Step, Table, Window,
    after_range, before_range, is_empty_range, mutant,
};

use super::table::ColumnarTable;

/// Blocks that are read along with a missing one at most.
const MAX_READ_AHEAD: u32 = 16;

/// Walks the blocks of a table. Which ones is known from the index, so that only windows miss.
pub(super) struct ColumnarCursor {
    table: Arc<ColumnarTable>,
    /// What was asked for; an end that is not inside of the table is unbounded.
    range: OwnedRange,
    backward: bool,
    /// The blocks that may hold keys of the range: the first and the last are trimmed.
    all: Range<u32>,
    /// Those not shown yet.
    left: Range<u32>,
    /// How many blocks to read along with the next one that is missing.
    ahead: u32,
    /// Whether the next block was missing when it was last asked for.
    missed: bool,
    failed: Option<Error>,
}

impl ColumnarCursor {
    pub(super) fn new(table: Arc<ColumnarTable>) -> Self {
        Self {
            table,
            range: OwnedRange::default(),
            backward: false,
            all: 0..0,
            left: 0..0,
            ahead: 0,
            missed: false,
            failed: None,
        }
    }

    fn next_block(&self) -> u32 {
        if self.backward { self.left.end - 1 } else { self.left.start }
    }

    /// Returns the rows of a block that are in the range; perhaps none.
    fn trim(&self, at: u32, block: &Block) -> Range<u32> {
        let (low, high) = self.range.get();
        let meta = self.table.meta();
        let low = if low == Bound::Unbounded { Bound::Included(&*meta.smallest) } else { low };
        let high = if high == Bound::Unbounded { Bound::Included(&*meta.largest) } else { high };
        let start = match low {
            Bound::Included(low) if at == self.all.start => block.lower_bound(low),
            Bound::Excluded(low) if at == self.all.start => block.upper_bound(low),
            _ => 0,
        };
        let end = match high {
            Bound::Included(high) if at + 1 == self.all.end => block.upper_bound(high),
            Bound::Excluded(high) if mutant!("block-includes-the-end") => block.upper_bound(high),
            Bound::Excluded(high) if at + 1 == self.all.end => block.lower_bound(high),
            _ => block.len(),
        };
        start..end.max(start)
    }

    /// Asks for the blocks after a missing one, twice as many each time a walk misses.
    fn read_ahead(&mut self, blocks: &mut BlockReader<'_>) {
        self.missed = true;
        let index = &self.table.index;
        let (start, end) = (self.left.start, self.left.end);
        let count = self.ahead.min(end - start - 1);
        for step in 1..=count {
            let at = if self.backward { end - 1 - step } else { start + step };
            blocks.read_ahead(index.request(at));
        }
    }

    fn advance(&mut self) {
        if self.missed {
            self.missed = false;
            self.ahead = (self.ahead * 2).clamp(1, MAX_READ_AHEAD);
        }
        if self.backward {
            self.left.end -= 1;
        } else {
            self.left.start += 1;
        }
    }
}

impl Cursor for ColumnarCursor {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        let table = &*self.table;
        let (smallest, largest) = (&*table.meta().smallest, &*table.meta().largest);
        let asked_low = if before_range(smallest, range) { range.0 } else { Bound::Unbounded };
        let asked_high = if after_range(largest, range) { range.1 } else { Bound::Unbounded };
        let asked = (asked_low, asked_high);
        self.range.set(asked);
        self.all = if is_empty_range(range)
            || before_range(largest, range)
            || after_range(smallest, range)
        {
            0..0
        } else {
            // Where a bound is the table's own, the block is known.
            let Range { start, end } = table.index.range(asked);
            start.max(table.all.start)..end.min(table.all.end)
        };
        self.left = self.all.clone();
        self.backward = backward;
        self.ahead = 0;
        self.missed = false;
        self.failed = None;
        if !self.left.is_empty() {
            blocks.prefetch(&table.index.request(self.next_block()).id);
        }
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        while !self.left.is_empty() {
            let at = self.next_block();
            let block = match self.table.block(at, blocks) {
                Ok(Some(block)) => block,
                Ok(None) => {
                    self.read_ahead(blocks);
                    return Ok(Step::Miss);
                }
                Err(error) => {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            };
            self.advance();
            let rows = self.trim(at, &block);
            if !rows.is_empty() {
                *out = Window::Rows { block, rows };
                return Ok(Step::Done(()));
            }
        }
        *out = Window::End;
        Ok(Step::Done(()))
    }
}

impl fmt::Debug for ColumnarCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.left;
        write!(f, "ColumnarCursor({}, blocks {start} to {end} left)", self.table.meta().id)
    }
}
