//! One entry of a window, looked at in place.

use std::cmp::Ordering;

use lsmer_core::{Kind, SeqNo, Window};

/// One position of a window that is no [`Window::End`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) window: &'a Window,
    pub(crate) at: u32,
}

impl<'a> Row<'a> {
    /// Returns the key in two parts: the prefix of the row's block, and the rest.
    #[inline]
    pub(crate) fn key(self) -> (&'a [u8], &'a [u8]) {
        match self.window {
            Window::Rows { block, .. } => (block.prefix(), block.suffix(self.at)),
            Window::Batch(batch) => (&[], batch.entry(self.at).key),
            Window::End => unreachable!("an ended window has no positions"),
        }
    }

    /// Returns how the key of the row compares to another.
    #[inline]
    pub(crate) fn compare(self, key: &[u8]) -> Ordering {
        let (prefix, suffix) = self.key();
        let shared = prefix.len().min(key.len());
        prefix.cmp(&key[..shared]).then_with(|| suffix.cmp(&key[shared..]))
    }

    #[inline]
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        let (prefix, suffix) = self.key();
        // The end first: neighbours differ there.
        key.len() == prefix.len() + suffix.len() && key.ends_with(suffix) && key.starts_with(prefix)
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

    /// Replaces `key` by the key of the row.
    #[inline]
    pub(crate) fn key_into(self, key: &mut Vec<u8>) {
        let (prefix, suffix) = self.key();
        key.clear();
        key.extend_from_slice(prefix);
        key.extend_from_slice(suffix);
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
