//! The bytes of a file, in the pages that a disk writes.

use std::io;

use lsmer_io::{PagedBytes, checked_end};

/// What a disk writes in one go, in bytes.
pub(super) const PAGE: u64 = PAGE_BYTES as u64;

const PAGE_BYTES: usize = 4096;

/// Longest file, in bytes: a stray offset fails instead of taking all memory.
const MAX_BYTES: u64 = 1 << 32;

/// What a file contains. A clone costs one reference count.
pub(super) type Content = PagedBytes<PAGE_BYTES>;

/// Returns a number that tells contents apart; equal contents may have different ones if one of
/// them has a page of zeros where the other has none.
pub(super) fn hash(content: &Content) -> u64 {
    let mut all = content.len();
    for (at, page) in content.pages().enumerate() {
        if let Some(page) = page {
            all = mix(all, lsmer_core::hash(page) ^ at as u64);
        }
    }
    all
}

/// Adds a number to a hash.
pub(super) fn mix(hash: u64, more: u64) -> u64 {
    (hash.rotate_left(23) ^ more).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Returns the end of a range that a file can have.
pub(super) fn check(offset: u64, bytes: u64) -> io::Result<u64> {
    checked_end(offset, bytes, MAX_BYTES)
}

/// Turns bytes in memory to an index.
pub(super) fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("64-bit only")
}
