//! Checksums that also cover where the bytes belong.
//!
//! CRC-32C (Castagnoli). The seed is taken over a *context* (file id, offset, kind), so that a
//! block which is whole but in the wrong place, or a stale one, does not pass.

/// Returns the CRC-32C of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}

/// Continues a checksum over more bytes.
pub fn checksum_more(so_far: u32, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(so_far, bytes)
}

/// Returns the checksum of a context: the start for [`checksum_more`].
pub fn checksum_context(words: &[u64]) -> u32 {
    words.iter().fold(0, |crc, word| checksum_more(crc, &word.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_polynomial_is_pinned() {
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
        assert_eq!(checksum_more(checksum(b"1234"), b"56789"), 0xe306_9283);
    }

    #[test]
    fn the_place_changes_the_checksum() {
        assert_ne!(checksum_context(&[1, 2]), checksum_context(&[2, 1]));
    }
}
