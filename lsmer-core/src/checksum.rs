//! Checksums that also cover where the bytes belong.
//!
//! CRC-32C (Castagnoli). The seed is taken over a *context* (file id, offset, kind), so that a
//! block which is whole but in the wrong place, or a stale one, does not pass.
//!
//! Every block that is read is summed up whole, so this is done by the widest vectors that the
//! processor has: see `vectors.rs`, and `docs/decisions/0015-blocks-that-are-missing.md`.

#[cfg(target_arch = "x86_64")]
mod vectors;

/// Returns the CRC-32C of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    checksum_more(0, bytes)
}

/// Continues a checksum over more bytes.
pub fn checksum_more(so_far: u32, bytes: &[u8]) -> u32 {
    #[cfg(target_arch = "x86_64")]
    if let Some(crc) = vectors::append(so_far, bytes) {
        return crc;
    }
    crc32c::crc32c_append(so_far, bytes)
}

/// Returns the checksum of a context: the start for [`checksum_more`].
pub fn checksum_context(words: &[u64]) -> u32 {
    words.iter().fold(0, |crc, word| checksum_more(crc, &word.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_polynomial_is_pinned() {
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
        assert_eq!(checksum_more(checksum(b"1234"), b"56789"), 0xe306_9283);
        // RFC 3720, B.4.
        assert_eq!(checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(checksum(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn the_place_changes_the_checksum() {
        assert_ne!(checksum_context(&[1, 2]), checksum_context(&[2, 1]));
    }

    #[test]
    fn every_length_up_to_a_block_is_summed_up_as_the_reference_does() {
        let bytes: Vec<u8> =
            (0..600_u64).flat_map(|n| crate::hash(&n.to_le_bytes()).to_le_bytes()).collect();
        for length in (0..1200).chain(4000..bytes.len() - 3) {
            let bytes = &bytes[3..3 + length];
            assert_eq!(checksum(bytes), crc32c::crc32c(bytes), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn a_sum_in_pieces_is_the_sum_of_the_whole(
            bytes in prop::collection::vec(any::<u8>(), 0..9000), at: prop::sample::Index,
            so_far: u32,
        ) {
            let (left, right) = bytes.split_at(at.index(bytes.len() + 1));
            let whole = checksum_more(so_far, &bytes);
            prop_assert_eq!(whole, crc32c::crc32c_append(so_far, &bytes));
            prop_assert_eq!(checksum_more(checksum_more(so_far, left), right), whole);
        }
    }
}
