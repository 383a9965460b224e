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
        if !matches!(self, Self::Batch(_)) {
            *self = Self::Batch(EntryBatch::default());
        }
        let Self::Batch(batch) = self else { unreachable!("just made") };
        batch.clear();
        batch
    }

    /// Returns which positions the window has: rows of its block, or indices of its batch.
    pub fn range(&self) -> Range<u32> {
        match self {
            Self::Rows { rows, .. } => rows.clone(),
            Self::Batch(batch) => 0..batch.len(),
            Self::End => 0..0,
        }
    }
}
