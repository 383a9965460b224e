//! One entry of a window, looked at in place.

use std::cmp::Ordering;

use lsmer_core::{Kind, SeqNo, Window};

/// One position of a window that is no [`Window::End`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) window: &'a Window,
    pub(crate) at: u32,
}

/// The key of a row in two parts: the prefix of the row's block, and the rest.
///
/// Others compare it with a key of theirs, and may know that so many bytes of that are the prefix
/// of the same block: all of it, or 0.
#[derive(Clone, Copy)]
pub(crate) struct RowKey<'a> {
    front: &'a [u8],
    rest: &'a [u8],
}

impl RowKey<'_> {
    #[inline]
    pub(crate) fn is(self, key: &[u8], known: usize) -> bool {
        if known > 0 {
            return key[known..] == *self.rest;
        }
        // The end first: neighbours differ there.
        let bytes = self.front.len() + self.rest.len();
        key.len() == bytes && key.ends_with(self.rest) && key.starts_with(self.front)
    }

    /// Returns how it compares to another key.
    #[inline]
    pub(crate) fn compare(self, key: &[u8]) -> Ordering {
        let shared = self.front.len().min(key.len());
        self.front.cmp(&key[..shared]).then_with(|| self.rest.cmp(&key[shared..]))
    }

    /// Replaces `key` by it; returns how many bytes are now known to be the prefix of its block.
    #[inline]
    pub(crate) fn copy_to(self, key: &mut Vec<u8>, known: usize) -> usize {
        key.truncate(known);
        if known == 0 {
            key.extend_from_slice(self.front);
        }
        key.extend_from_slice(self.rest);
        self.front.len()
    }
}

impl<'a> Row<'a> {
    #[inline]
    pub(crate) fn key(self) -> RowKey<'a> {
        let (front, rest) = match self.window {
            Window::Rows { block, .. } => (block.prefix(), block.suffix(self.at)),
            Window::Batch(batch) => (&[][..], batch.entry(self.at).key),
            Window::End => unreachable!("an ended window has no positions"),
        };
        RowKey { front, rest }
    }

    /// Returns whether the row before it, in the same window, has the same key.
    #[inline]
    pub(crate) fn repeats(self) -> bool {
        let before = self.at - 1;
        match self.window {
            Window::Rows { block, .. } => block.suffix(before) == block.suffix(self.at),
            Window::Batch(batch) => batch.entry(before).key == batch.entry(self.at).key,
            Window::End => false,
        }
    }

    #[inline]
    pub(crate) fn seqno(self) -> SeqNo {
        match self.window {
            Window::Rows { block, .. } => block.seqno(self.at),
            Window::Batch(batch) => batch.entry(self.at).seqno,
            Window::End => SeqNo::ZERO,
        }
    }

    /// Returns whether the row is newer than `seqno`. A block in which no row is says so at once.
    #[inline]
    pub(crate) fn is_after(self, seqno: SeqNo) -> bool {
        match self.window {
            Window::Rows { block, .. } if block.max_seqno() <= seqno => false,
            _ => self.seqno() > seqno,
        }
    }

    #[inline]
    pub(crate) fn kind(self) -> Kind {
        match self.window {
            Window::Rows { block, .. } => block.kind(self.at),
            Window::Batch(batch) => batch.entry(self.at).kind,
            Window::End => Kind::Delete,
        }
    }

    #[inline]
    pub(crate) fn value(self) -> &'a [u8] {
        match self.window {
            Window::Rows { block, .. } => block.value(self.at),
            Window::Batch(batch) => batch.entry(self.at).value,
            Window::End => &[],
        }
    }
}
