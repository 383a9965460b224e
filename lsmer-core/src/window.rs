//! Steps and windows: how parts answer without blocking, and what cursors show.

use std::ops::Range;

use crate::{Block, EntryBatch};

/// What a part answers that may lack blocks.
///
/// A miss is a value: nothing was produced, the state is as before, and what is missing stands on
/// the operation's [`BlockReader`](crate::BlockReader). The driver fetches it and calls again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Step<T> {
    /// It was done.
    Done(T),
    /// Blocks are missing; call again when they are there.
    Miss,
}

/// What a cursor shows: a stretch of entries in internal order (key ascending, newest first).
///
/// A backward cursor shows its windows last first; inside a window the entries still ascend, and
/// whoever walks backward begins at the end.
#[derive(Clone, Debug, Default)]
pub enum Window {
    /// Rows of a block. Never empty.
    Rows {
        /// The block.
        block: Block,
        /// Its rows `[start, end)`.
        rows: Range<u32>,
    },
    /// Entries copied out of a source that has no blocks. Never empty.
    Batch(EntryBatch),
    /// There is nothing more.
    #[default]
    End,
}

impl Window {
    /// Makes this an empty batch to fill, with the buffers it had if it was a batch before.
    pub fn batch(&mut self) -> &mut EntryBatch {
        if let Self::Batch(batch) = self {
            batch.clear();
        } else {
            *self = Self::Batch(EntryBatch::default());
        }
        let Self::Batch(batch) = self else { unreachable!("just made") };
        batch
    }

    /// Begins a new walk: gives up a block, and keeps the buffers of a batch, which is to be
    /// small at first.
    pub fn restart(&mut self) {
        match self {
            Self::Batch(batch) => batch.restart(),
            _ => *self = Self::End,
        }
    }

    /// Returns which positions the window has: rows of its block, or indices of its batch.
    pub fn range(&self) -> Range<u32> {
        match self {
            Self::Rows { rows, .. } => rows.clone(),
            Self::Batch(batch) => 0..batch.len(),
            Self::End => 0..0,
        }
    }

    /// Returns how many bytes the values of some rows have together.
    pub fn value_bytes(&self, rows: Range<u32>) -> usize {
        match self {
            Self::Rows { block, .. } if !rows.is_empty() => {
                block.value_range(rows.end - 1).end - block.value_range(rows.start).start
            }
            Self::Batch(batch) => rows.map(|row| batch.entry(row).value.len()).sum(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockBuilder, EntryRef, Kind, SeqNo};

    #[test]
    fn the_bytes_of_values_are_those_of_the_rows_asked_for() {
        let (mut builder, mut batch) = (BlockBuilder::new(), EntryBatch::default());
        for (key, value) in [("a", "1"), ("b", ""), ("c", "333"), ("d", "4444")] {
            let (key, value) = (key.as_bytes(), value.as_bytes());
            let entry = EntryRef { key, seqno: SeqNo(1), kind: Kind::Put, value };
            builder.add(entry);
            batch.push(entry);
        }
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        let block = Block::rows(bytes).unwrap();
        for window in [Window::Rows { block, rows: 0..4 }, Window::Batch(batch)] {
            let bytes = [0..4, 1..3, 3..4, 1..2, 2..2].map(|rows| window.value_bytes(rows));
            assert_eq!(bytes, [8, 3, 4, 0, 0]);
        }
        assert_eq!(Window::End.value_bytes(0..0), 0);
    }
}
