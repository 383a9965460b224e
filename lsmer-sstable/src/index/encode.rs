//! Writing the index, as the data blocks are written.

use lsmer_core::{Error, Result};

use super::GOES_ON;
use crate::separator::put_separator;

/// Collects blocks, and after each the separator that closes it.
#[derive(Debug, Default)]
pub(crate) struct IndexBuilder {
    bytes: Vec<u32>,
    rows: Vec<u32>,
    ends: Vec<u32>,
    separators: Vec<u8>,
    /// Bytes that all separators so far share.
    shared: usize,
}

impl IndexBuilder {
    /// Adds a data block: its stored size, and its rows.
    ///
    /// Requires: the block before is closed.
    pub(crate) fn push(&mut self, bytes: u32, rows: u32) {
        assert!(!self.is_open(), "the block before is closed");
        self.bytes.push(bytes);
        self.rows.push(rows);
    }

    /// Returns whether the last block has no separator yet.
    pub(crate) fn is_open(&self) -> bool {
        self.ends.len() < self.rows.len()
    }

    /// Closes the last block, whose last key is `last`; the key after it is `next`, if any.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the index grows over 4 GiB.
    pub(crate) fn close(&mut self, last: &[u8], next: Option<&[u8]>) -> Result<()> {
        let start = self.separators.len();
        match next {
            Some(next) if last < next => put_separator(&mut self.separators, last, next),
            Some(_) => {
                *self.rows.last_mut().expect("a block is open") |= GOES_ON;
                self.separators.extend_from_slice(last);
            }
            None => self.separators.extend_from_slice(last),
        }
        let (before, separator) = self.separators.split_at(start);
        let first = self.ends.first().map_or(separator, |end| &before[..*end as usize]);
        let common = first.iter().zip(separator).take_while(|(a, b)| a == b).count();
        self.shared = if self.ends.is_empty() { common } else { self.shared.min(common) };
        let end = u32::try_from(self.separators.len());
        self.ends.push(end.map_err(|_| Error::invalid("the index of a table is over 4 GiB"))?);
        Ok(())
    }

    /// Returns about how many bytes [`finish`](Self::finish) appends.
    pub(crate) fn bytes(&self) -> usize {
        16 + self.rows.len() * 12 + self.separators.len()
    }

    /// Appends the payload.
    ///
    /// Requires: at least one block, and the last one is closed.
    pub(crate) fn finish(&self, out: &mut Vec<u8>) {
        assert!(!self.rows.is_empty() && !self.is_open(), "every block is closed");
        let n = self.rows.len();
        let suffixes = self.separators.len() - self.shared * n;
        out.extend_from_slice(&[super::decode::VERSION, 0, 0, 0]);
        for size in [n, self.shared, suffixes] {
            let size = u32::try_from(size).expect("below the separators, which are below 4 GiB");
            out.extend_from_slice(&size.to_le_bytes());
        }
        for word in self.bytes.iter().chain(&self.rows) {
            out.extend_from_slice(&word.to_le_bytes());
        }
        let shared = u32::try_from(self.shared).expect("a key is short");
        for (end, blocks) in self.ends.iter().zip(1..) {
            out.extend_from_slice(&(end - shared * blocks).to_le_bytes());
        }
        out.extend_from_slice(&self.separators[..self.shared]);
        let mut start = 0;
        for end in &self.ends {
            let end = *end as usize;
            out.extend_from_slice(&self.separators[start + self.shared..end]);
            start = end;
        }
    }
}
