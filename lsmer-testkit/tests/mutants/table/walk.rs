//! The cursor of the simplest table format.

use std::{
    ops::{Bound, Range},
    sync::Arc,
};

use lsmer_core::{
    Block, BlockReader, Cursor, Error, KeyRange, OwnedRange, Result, Step, Window, is_empty_range,
};

use super::{
    Flaw,
    toy::{Opened, Spot},
};

/// Walks all blocks, and trims each to the range.
#[derive(Debug)]
pub(super) struct Walk {
    table: Arc<Opened>,
    range: OwnedRange,
    backward: bool,
    left: Range<usize>,
    failed: Option<Error>,
}

impl Walk {
    pub(super) fn new(table: Arc<Opened>) -> Self {
        Self { table, range: OwnedRange::default(), backward: false, left: 0..0, failed: None }
    }

    fn trim(&self, block: &Block) -> Range<u32> {
        let (low, high) = self.range.get();
        let start = match low {
            Bound::Excluded(low) if self.table.flaw != Flaw::TakesExcludedBounds => {
                block.upper_bound(low)
            }
            Bound::Included(low) | Bound::Excluded(low) => block.lower_bound(low),
            Bound::Unbounded => 0,
        };
        let end = match high {
            _ if self.table.flaw == Flaw::HasNoUpperBound => block.len(),
            Bound::Included(high) => block.upper_bound(high),
            Bound::Excluded(high) => block.lower_bound(high),
            Bound::Unbounded => block.len(),
        };
        start..end.max(start)
    }

    fn step(&mut self) -> usize {
        if self.backward {
            self.left.end -= 1;
            self.left.end
        } else {
            self.left.start += 1;
            self.left.start - 1
        }
    }
}

impl Cursor for Walk {
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        _: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        self.backward = backward;
        self.left = if is_empty_range(range) { 0..0 } else { 0..self.table.spots.len() };
        if self.table.flaw == Flaw::WalksPastTheLastBlock && !self.left.is_empty() {
            self.left.end -= 1;
        }
        if self.table.flaw != Flaw::NeverForgetsAFailure {
            self.failed = None;
        }
        Ok(Step::Done(()))
    }

    fn next_window(&mut self, out: &mut Window, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        while !self.left.is_empty() {
            let stood = self.left.clone();
            let at = self.step();
            let spot = &self.table.spots[at];
            let Some(block) = blocks.get(self.table.request(spot)) else {
                if self.table.flaw != Flaw::GoesOnAtAMiss {
                    self.left = stood;
                }
                return Ok(Step::Miss);
            };
            if let Err(error) = check(spot, &block) {
                if self.table.flaw != Flaw::SkipsWhatFailed {
                    self.failed = Some(error.clone());
                }
                return Err(error);
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

/// Checks that a block is the one that the index means.
fn check(spot: &Spot, block: &Block) -> Result<()> {
    let mut last = Vec::new();
    if block.len() > 0 {
        block.key_into(block.len() - 1, &mut last);
    }
    if block.len() > 0 && last == spot.last {
        return Ok(());
    }
    Err(Error::corruption("another block"))
}
