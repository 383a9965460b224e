//! Blocks: what tables are read in, in one canonical columnar form.
//!
//! A table format stores blocks as it likes, and decodes them *into* this form when they enter
//! the cache, so that every search and every merge is concrete code over one layout. The columns
//! follow Pebble's `colblk`; fingerprints take the place of restart points and of a hash index.
//!
//! ```text
//! byte  size
//!    0  1      layout version (1)
//!    1  1      flags: 1 wide ends, 2 kind column, 4 expiry column (reserved)
//!    2  1      width of a seqno delta: 0 (all equal), 1, 2, 4 or 8
//!    3  1      zero
//!    4  4      n, rows
//!    8  4      p, bytes of the prefix that all keys share
//!   12  4      k, bytes of all key suffixes
//!   16  4      v, bytes of all values
//!   20  4      zero
//!   24  8      smallest seqno
//!   32  n      fingerprint of each user key: low byte of its hash
//!       n * w  end of each key suffix; w = 4 if wide, else 2
//!       n * w  end of each value
//!       n * d  seqno minus smallest seqno, d = the width above
//!       n      kind, if there is a kind column; else all are puts
//!       p      prefix
//!       k      suffixes
//!       v      values
//!       n * 4  first four bytes of each suffix, big-endian, zero-filled
//!       8      zeros: eight bytes can be read behind every key
//! ```
//!
//! Integers are little-endian but for the heads. Rows are in internal order (key ascending, then
//! newest first). Every position follows from the first 32 bytes, so a reader can fetch the
//! metadata of a cold block at once.

mod builder;
mod frame;
mod lanes;
mod layout;
mod search;
mod slot;
mod spare;

use std::{fmt, ops::Range};

pub use builder::BlockBuilder;
pub use frame::BlockBuf;
use frame::Frame;
use layout::Layout;
pub use slot::BlockSlot;

use crate::{EntryRef, Kind, Result, SeqNo};

/// An immutable, decoded block; a clone shares the bytes.
///
/// Either *rows* in the canonical layout, or *opaque* bytes whose meaning only their table format
/// knows (an index, a filter).
#[derive(Clone)]
pub struct Block(Frame);

impl Block {
    /// Takes bytes in the canonical layout. A [`BlockBuf`] stays where it is, other bytes are
    /// copied.
    ///
    /// # Errors
    ///
    /// [`Corruption`](crate::ErrorKind::Corruption) if they are not: after this, no access to the
    /// block can fail, whatever the bytes were.
    ///
    /// # Panics
    ///
    /// If they are 4 GiB or longer.
    pub fn rows(bytes: impl Into<BlockBuf>) -> Result<Self> {
        let bytes = bytes.into();
        let layout = Layout::decode(&bytes)?;
        Ok(Self(bytes.share(layout)))
    }

    /// Takes bytes that only their table format understands. Such a block has no rows.
    ///
    /// # Panics
    ///
    /// If they are 4 GiB or longer.
    pub fn opaque(bytes: impl Into<BlockBuf>) -> Self {
        Self(bytes.into().share(Layout::default()))
    }

    /// Returns all bytes of the block.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// Returns how much memory the block takes, in bytes.
    pub fn weight(&self) -> usize {
        self.0.weight()
    }

    #[inline]
    fn layout(&self) -> &Layout {
        &self.0.header().layout
    }

    /// Returns the number of rows.
    #[expect(clippy::len_without_is_empty, reason = "a block of rows is never empty")]
    #[inline]
    pub fn len(&self) -> u32 {
        self.layout().rows
    }

    /// Returns the bytes that all keys begin with.
    #[inline]
    pub fn prefix(&self) -> &[u8] {
        &self.bytes()[self.layout().prefix()]
    }

    /// Returns what follows the prefix in the key of `row`.
    ///
    /// # Panics
    ///
    /// If there is no such row; likewise for the methods below.
    #[inline]
    pub fn suffix(&self, row: u32) -> &[u8] {
        &self.bytes()[self.layout().suffix(self.bytes(), row)]
    }

    /// Replaces `key` by the user key of `row`.
    #[inline]
    pub fn key_into(&self, row: u32, key: &mut Vec<u8>) {
        key.clear();
        key.extend_from_slice(self.prefix());
        key.extend_from_slice(self.suffix(row));
    }

    /// Returns the value of `row`.
    #[inline]
    pub fn value(&self, row: u32) -> &[u8] {
        &self.bytes()[self.value_range(row)]
    }

    /// Returns where in [`bytes`](Self::bytes) the value of `row` is.
    #[inline]
    pub fn value_range(&self, row: u32) -> Range<usize> {
        self.layout().value(self.bytes(), row)
    }

    /// Returns [`suffix`](Self::suffix) and [`value`](Self::value) of `row`.
    #[inline]
    pub fn suffix_and_value(&self, row: u32) -> (&[u8], &[u8]) {
        let (layout, bytes) = (self.layout(), self.bytes());
        (&bytes[layout.suffix(bytes, row)], &bytes[layout.value(bytes, row)])
    }

    /// Returns when `row` was written.
    #[inline]
    pub fn seqno(&self, row: u32) -> SeqNo {
        self.layout().seqno(self.bytes(), row)
    }

    /// Returns what `row` does to its key.
    #[inline]
    pub fn kind(&self, row: u32) -> Kind {
        self.layout().kind(self.bytes(), row)
    }

    /// Returns the largest seqno of all rows.
    #[inline]
    pub fn max_seqno(&self) -> SeqNo {
        SeqNo(self.layout().max_seqno)
    }

    /// Returns whether every row is a put.
    #[inline]
    pub fn is_all_puts(&self) -> bool {
        self.layout().kinds.is_none()
    }

    /// Returns the entry of `row`, with its key copied into `key`.
    #[inline]
    pub fn entry<'a>(&'a self, row: u32, key: &'a mut Vec<u8>) -> EntryRef<'a> {
        self.key_into(row, key);
        EntryRef { key, seqno: self.seqno(row), kind: self.kind(row), value: self.value(row) }
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} rows, {} bytes)", self.len(), self.bytes().len())
    }
}

#[cfg(test)]
mod tests;
