//! One source of a merge: a cursor, its window, and the entry it stands at in comparable form.

use std::ops::{Bound, Range};

use lsmer_core::{BlockReader, Cursor, KeyRange, Result, SeqNo, Step, Window};

#[derive(Debug)]
pub(crate) struct Source {
    cursor: Box<dyn Cursor + Send>,
    pub(crate) window: Window,
    /// Positions of the window that are still to be passed: forward it stands at the first of
    /// them, backward at the last. If there are none, the source is at its end.
    left: Range<u32>,
    /// How far a seek has come.
    pub(crate) progress: Progress,
    /// The entry at which it stands.
    pub(crate) key: Vec<u8>,
    pub(crate) seqno: SeqNo,
    /// How many bytes at the front of `key` are the prefix of the window's block.
    pub(crate) prefix: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Unplaced,
    Sought,
    Placed,
}

impl Source {
    pub(crate) fn new(cursor: Box<dyn Cursor + Send>) -> Self {
        Self {
            cursor,
            window: Window::End,
            left: 0..0,
            progress: Progress::Unplaced,
            key: Vec::new(),
            seqno: SeqNo::ZERO,
            prefix: 0,
        }
    }

    /// Sends the cursor to the beginning of a walk. After a miss, call again.
    pub(crate) fn seek(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        if self.progress == Progress::Unplaced {
            self.window.restart();
            let Step::Done(()) = self.cursor.seek(range, backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.progress = Progress::Sought;
        }
        Ok(Step::Done(()))
    }

    /// Ends the walk: lets go of its block, and has the cursor let go of all it holds, for it is
    /// sent through nothing. Returns whether it went.
    pub(crate) fn rest(&mut self, blocks: &mut BlockReader<'_>) -> bool {
        const NOTHING: KeyRange<'_> = (Bound::Included(b""), Bound::Excluded(b""));
        self.left = 0..0;
        self.progress = Progress::Unplaced;
        self.window.restart();
        matches!(self.cursor.seek(NOTHING, false, blocks), Ok(Step::Done(())))
    }

    /// Goes to the first entry of the walk, if the cursor was sent. After a miss, call again.
    pub(crate) fn place(
        &mut self,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        if self.progress == Progress::Sought {
            let Step::Done(()) = self.load_window(backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.progress = Progress::Placed;
        }
        Ok(Step::Done(()))
    }

    /// Loads the next window and goes to its first entry. After a miss, call again.
    pub(crate) fn load_window(
        &mut self,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        let Step::Done(()) = self.cursor.next_window(&mut self.window, blocks)? else {
            return Ok(Step::Miss);
        };
        self.left = self.window.range();
        self.key.clear();
        if let Window::Rows { block, .. } = &self.window {
            self.key.extend_from_slice(block.prefix());
        }
        self.prefix = self.key.len();
        self.stand(backward);
        Ok(Step::Done(()))
    }

    pub(crate) fn has_entry(&self) -> bool {
        !self.left.is_empty()
    }

    /// Passes over the first `rows` that are left, which `rows` are; `false` if none is left then.
    pub(crate) fn pass(&mut self, rows: &Range<u32>, backward: bool) -> bool {
        if backward {
            self.left.end = rows.start;
        } else {
            self.left.start = rows.end;
        }
        self.stand(backward)
    }

    /// Returns the positions from where it stands that come before the entry of another source:
    /// the one where it stands, and those whose keys do.
    pub(crate) fn before(&self, other: Option<&Self>, backward: bool) -> Range<u32> {
        let Some(other) = other else { return self.left.clone() };
        let Range { start, end } = self.left;
        if backward {
            let rest = start..end - 1;
            let from = match &self.window {
                Window::Rows { block, .. } => block.upper_bound_back(rest, &other.key),
                Window::Batch(batch) => {
                    let after = |at: &u32| batch.entry(*at).key > &*other.key;
                    rest.rev().take_while(after).last().unwrap_or(end - 1)
                }
                Window::End => end - 1,
            };
            from..end
        } else {
            let rest = start + 1..end;
            let to = match &self.window {
                Window::Rows { block, .. } => block.lower_bound_from(rest, &other.key),
                Window::Batch(batch) => {
                    let before = |at: &u32| batch.entry(*at).key < &*other.key;
                    rest.take_while(before).last().unwrap_or(start) + 1
                }
                Window::End => end,
            };
            start..to
        }
    }

    /// Takes the entry at which it stands into comparable form.
    fn stand(&mut self, backward: bool) -> bool {
        if self.left.is_empty() {
            return false;
        }
        let at = if backward { self.left.end - 1 } else { self.left.start };
        self.key.truncate(self.prefix);
        match &self.window {
            Window::Rows { block, .. } => {
                self.key.extend_from_slice(block.suffix(at));
                self.seqno = block.seqno(at);
            }
            Window::Batch(batch) => {
                let entry = batch.entry(at);
                self.key.extend_from_slice(entry.key);
                self.seqno = entry.seqno;
            }
            Window::End => unreachable!("an ended window has no positions"),
        }
        true
    }
}
