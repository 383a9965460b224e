//! One source of a merge: a cursor, and its current entry in comparable form.

use lsmer_core::{
    BlockReader, Cursor, EntryRef, KeyRange, Kind, Result, SeqNo, Step, Window, head,
};

#[derive(Debug)]
pub(crate) struct Source {
    cursor: Box<dyn Cursor + Send>,
    window: Window,
    /// Positions of the window that are still to be shown.
    next: u32,
    end: u32,
    /// Where the current entry is in the window.
    at: u32,
    /// How far a seek has come.
    pub(crate) progress: Progress,
    /// Whether there is a current entry; if not, the source is at its end.
    pub(crate) has_entry: bool,
    pub(crate) head: u64,
    pub(crate) key: Vec<u8>,
    /// How many bytes at the front of `key` are the prefix of the window's block.
    prefix: usize,
    pub(crate) seqno: SeqNo,
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
            next: 0,
            end: 0,
            at: 0,
            progress: Progress::Unplaced,
            has_entry: false,
            head: 0,
            key: Vec::new(),
            prefix: 0,
            seqno: SeqNo::ZERO,
        }
    }

    /// Goes to the first entry of a walk. After a miss, call again.
    pub(crate) fn place(
        &mut self,
        range: KeyRange<'_>,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        if self.progress == Progress::Unplaced {
            let Step::Done(()) = self.cursor.seek(range, backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.progress = Progress::Sought;
        }
        if self.progress == Progress::Sought {
            let Step::Done(()) = self.load_window(backward, blocks)? else {
                return Ok(Step::Miss);
            };
            self.progress = Progress::Placed;
        }
        Ok(Step::Done(()))
    }

    /// Loads the next window and its first entry. After a miss, call again.
    pub(crate) fn load_window(
        &mut self,
        backward: bool,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<()>> {
        let Step::Done(()) = self.cursor.next_window(&mut self.window, blocks)? else {
            return Ok(Step::Miss);
        };
        let range = self.window.range();
        (self.next, self.end) = (range.start, range.end);
        self.prefix = 0;
        if let Window::Rows { block, .. } = &self.window {
            self.key.clear();
            self.key.extend_from_slice(block.prefix());
            self.prefix = self.key.len();
        }
        self.has_entry = self.step(backward);
        Ok(Step::Done(()))
    }

    /// Goes to the next entry of the window; `false` if there is none.
    pub(crate) fn step(&mut self, backward: bool) -> bool {
        if self.next == self.end {
            return false;
        }
        self.at = if backward {
            self.end -= 1;
            self.end
        } else {
            self.next += 1;
            self.next - 1
        };
        self.key.truncate(self.prefix);
        match &self.window {
            Window::Rows { block, .. } => {
                self.key.extend_from_slice(block.suffix(self.at));
                self.seqno = block.seqno(self.at);
            }
            Window::Batch(batch) => {
                let entry = batch.entry(self.at);
                self.key.extend_from_slice(entry.key);
                self.seqno = entry.seqno;
            }
            Window::End => unreachable!("an ended window has no positions"),
        }
        self.head = head(&self.key);
        true
    }

    /// Returns the current entry.
    pub(crate) fn entry(&self) -> EntryRef<'_> {
        let (kind, value) = match &self.window {
            Window::Rows { block, .. } => (block.kind(self.at), block.value(self.at)),
            Window::Batch(batch) => {
                let entry = batch.entry(self.at);
                (entry.kind, entry.value)
            }
            Window::End => (Kind::Delete, &[][..]),
        };
        EntryRef { key: &self.key, seqno: self.seqno, kind, value }
    }
}
