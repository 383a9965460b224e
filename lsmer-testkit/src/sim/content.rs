//! The bytes of a file, in pages that clones share until one of them writes.
//!
//! - Bytes at and beyond the length are zero wherever a page has room for them, so that growing
//!   shows zeros.
//! - A page that was never written does not exist and reads as zeros.

use std::{io, sync::Arc};

/// What a disk writes in one go, in bytes.
pub(super) const PAGE: u64 = 4096;

/// Longest file, in bytes: a stray offset fails instead of taking all memory.
const MAX_BYTES: u64 = 1 << 32;

const PAGE_BYTES: usize = 4096;

/// What a file contains. A clone costs one reference count.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    len: u64,
    pages: Arc<Vec<Option<Arc<[u8; PAGE_BYTES]>>>>,
}

impl Content {
    /// Returns the size in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Fills the front of `buf` with what is at `offset`, and returns how much that was.
    pub(super) fn read(&self, buf: &mut [u8], offset: u64) -> usize {
        let count = buf.len().min(index(self.len.saturating_sub(offset)));
        let mut done = 0;
        while done < count {
            let (page, at) = locate(offset + done as u64);
            let piece = (PAGE_BYTES - at).min(count - done);
            let target = &mut buf[done..done + piece];
            match self.pages.get(page) {
                Some(Some(bytes)) => target.copy_from_slice(&bytes[at..at + piece]),
                _ => target.fill(0),
            }
            done += piece;
        }
        count
    }

    /// Puts `bytes` at `offset`, and grows if they reach beyond the end. The range was
    /// [checked](check).
    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let mut done = 0;
        let pages = Arc::make_mut(&mut self.pages);
        while done < bytes.len() {
            let (page, at) = locate(offset + done as u64);
            let piece = (PAGE_BYTES - at).min(bytes.len() - done);
            if pages.len() <= page {
                pages.resize(page + 1, None);
            }
            let target = pages[page].get_or_insert_with(|| Arc::new([0; PAGE_BYTES]));
            Arc::make_mut(target)[at..at + piece].copy_from_slice(&bytes[done..done + piece]);
            done += piece;
        }
        if !bytes.is_empty() {
            self.len = self.len.max(offset + bytes.len() as u64);
        }
    }

    /// Cuts, or grows with zeros.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            let (page, at) = locate(len);
            let pages = Arc::make_mut(&mut self.pages);
            pages.truncate(page + usize::from(at > 0));
            if let Some(Some(last)) = pages.get_mut(page) {
                Arc::make_mut(last)[at..].fill(0);
            }
        }
        self.len = len;
    }

    /// Returns a number that tells contents apart; equal contents may have different ones if one
    /// of them has a page of zeros where the other has none.
    pub(super) fn hash(&self) -> u64 {
        let mut all = self.len;
        for (at, page) in self.pages.iter().enumerate() {
            if let Some(page) = page {
                all = mix(all, lsmer_core::hash(&page[..]) ^ at as u64);
            }
        }
        all
    }
}

/// Adds a number to a hash.
pub(super) fn mix(hash: u64, more: u64) -> u64 {
    (hash.rotate_left(23) ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Returns the end of a range that a file can have.
pub(super) fn check(offset: u64, bytes: u64) -> io::Result<u64> {
    let end = offset.checked_add(bytes).filter(|end| *end <= MAX_BYTES);
    end.ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

/// Turns bytes in memory to an index.
pub(super) fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("64-bit only")
}

fn locate(offset: u64) -> (usize, usize) {
    let offset = index(offset);
    (offset / PAGE_BYTES, offset % PAGE_BYTES)
}
