//! The bytes of a file of `MemVfs`.

use std::io;

use crate::{PagedBytes, paged::checked_end};

/// Longest file, in bytes: a stray offset fails instead of taking all memory.
const MAX_BYTES: u64 = 64 << 30;

/// What a file contains. A clone costs one reference count.
pub(super) type Content = PagedBytes<{ 16 << 10 }>;

/// Returns the end of a range that a file can have.
pub(super) fn check(offset: u64, bytes: u64) -> io::Result<u64> {
    checked_end(offset, bytes, MAX_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_no_file_can_have_is_refused() {
        assert_eq!(check(3, 4).unwrap(), 7);
        assert_eq!(check(u64::MAX, 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(check(0, MAX_BYTES + 1).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
