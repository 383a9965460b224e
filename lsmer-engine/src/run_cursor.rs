//! A cursor over one run: its tables one after the other, each opened when it is reached.

use std::{ops::Bound, sync::Arc};

use lsmer_core::{
    BlockReader, Cursor, KeyRange, OwnedRange, Result, Step, Window, after_range, before_range,
    mutant,
};

use crate::run_tables::RunTable;

#[derive(Debug)]
pub(crate) struct RunCursor {
    tables: Arc<[RunTable]>,
    range: OwnedRange,
    backward: bool,
    /// The tables `[next, end)` that were not begun yet; a backward walk takes from the end.
    next: usize,
    end: usize,
    /// The table at hand, and whether its cursor was placed.
    current: Option<(usize, Box<dyn Cursor + Send>, bool)>,
}

impl RunCursor {
    pub(crate) fn new(tables: Arc<[RunTable]>) -> Self {
        let range = OwnedRange::default();
        Self { tables, range, backward: false, next: 0, end: 0, current: None }
    }

    /// Opens the next table of the walk and sends its cursor; `false` if there is none. After a
    /// miss, call again.
    fn begin_table(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<bool>> {
        if self.current.is_none() {
            if self.next == self.end {
                return Ok(Step::Done(false));
            }
            let from_end = self.backward && !mutant!("back-opens-the-front-table");
            let at = if from_end { self.end - 1 } else { self.next };
            let Step::Done(table) = self.tables[at].open(blocks)? else { return Ok(Step::Miss) };
            self.current = Some((at, table.cursor(), false));
            if self.backward {
                self.end -= 1;
            } else {
                self.next += 1;
            }
        }
        if let Some((at, cursor, placed @ false)) = &mut self.current {
            let meta = &self.tables[*at].meta;
            let range = clamp(self.range.get(), &meta.smallest, &meta.largest);
            let Step::Done(()) = cursor.seek(range, self.backward, blocks)? else {
                return Ok(Step::Miss);
            };
            *placed = true;
        }
        Ok(Step::Done(true))
    }
}

impl Cursor for RunCursor {
    /// Goes to the first table as well: what it needs of that is asked for, or sent for.
    fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        self.range.set(range);
        self.backward = backward;
        self.current = None;
        self.next = self.tables.partition_point(|table| before_range(&table.meta.largest, range));
        self.end = self.tables.partition_point(|table| !after_range(&table.meta.smallest, range));
        self.end = self.end.max(self.next);
        Ok(match self.begin_table(blocks)? {
            Step::Done(_) => Step::Done(()),
            Step::Miss => Step::Miss,
        })
    }

    fn next_window(&mut self, out: &mut Window, blocks: &mut BlockReader<'_>) -> Result<Step<()>> {
        loop {
            match self.begin_table(blocks)? {
                Step::Done(true) => {}
                Step::Done(false) => {
                    *out = Window::End;
                    return Ok(Step::Done(()));
                }
                Step::Miss => return Ok(Step::Miss),
            }
            let (_, cursor, _) = self.current.as_mut().expect("begun");
            let Step::Done(()) = cursor.next_window(out, blocks)? else { return Ok(Step::Miss) };
            if !matches!(out, Window::End) {
                return Ok(Step::Done(()));
            }
            self.current = None;
        }
    }
}

/// Narrows a range to the bounds of a table, which may be narrower than its file.
fn clamp<'a>(range: KeyRange<'a>, smallest: &'a [u8], largest: &'a [u8]) -> KeyRange<'a> {
    let low = if before_range(smallest, range) { range.0 } else { Bound::Included(smallest) };
    let high = if after_range(largest, range) { range.1 } else { Bound::Included(largest) };
    (low, high)
}
