//! Sixteen fingerprints at once: SSE2, which every x86-64 has, or two words.
//!
//! Why not wider vectors: see `docs/decisions/0010-blocks-and-tables.md`.
//!
//! # Invariants
//!
//! - **L1** The call to `vectors` is compiled only where SSE2 is enabled for the whole program.

#![cfg_attr(
    all(target_arch = "x86_64", target_feature = "sse2"),
    expect(unsafe_code, reason = "calls a function that needs SSE2")
)]

/// How many bytes are compared at once.
pub(super) const LANES: u32 = 16;

/// Returns a word whose bit `i` is set if `bytes[i]` is `byte`.
#[inline]
pub(super) fn equal(bytes: &[u8; 16], byte: u8) -> u32 {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    // SAFETY: the processor has SSE2 (L1).
    return unsafe { vectors::equal(bytes, byte) };
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    words::equal(bytes, byte)
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
mod vectors {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8, _mm_set_epi64x, _mm_set1_epi8};

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn equal(bytes: &[u8; 16], byte: u8) -> u32 {
        let ([low, high], _) = bytes.as_chunks() else { unreachable!("two halves") };
        let lanes = _mm_set_epi64x(i64::from_le_bytes(*high), i64::from_le_bytes(*low));
        let same = _mm_cmpeq_epi8(lanes, _mm_set1_epi8(byte.cast_signed()));
        _mm_movemask_epi8(same).cast_unsigned()
    }
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2"))))]
mod words {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOWS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;

    pub(super) fn equal(bytes: &[u8; 16], byte: u8) -> u32 {
        let (words, _) = bytes.as_chunks();
        words.iter().rev().fold(0, |bits, word| bits << 8 | equal_of_word(*word, byte))
    }

    fn equal_of_word(bytes: [u8; 8], byte: u8) -> u32 {
        let zeros = u64::from_le_bytes(bytes) ^ (ONES * u64::from(byte));
        // The high bit of each byte that is not zero; sums stay within their byte.
        let others = ((zeros & LOWS) + LOWS) | zeros;
        let gathered = (!others >> 7 & ONES).wrapping_mul(GATHER) >> 56;
        u32::try_from(gathered).expect("a byte")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_way_tells_which_bytes_are_equal(
            bytes: [u8; 16], few in prop::array::uniform16(0..3_u8), byte: u8,
        ) {
            for (bytes, byte) in [(bytes, byte), (bytes, bytes[3]), (few, 0), (few, 1), ([byte; 16], byte)] {
                let want = (0..16_usize).filter(|at| bytes[*at] == byte).map(|at| 1_u32 << at).sum();
                prop_assert_eq!(equal(&bytes, byte), want);
                prop_assert_eq!(words::equal(&bytes, byte), want);
            }
        }
    }
}
