//! CRC-32C by the instruction of SSE 4.2, and of long inputs by carry-less products of 64 bytes.
//!
//! Four vectors go over the bytes, 256 at a time. What one has summed up is moved forward by
//! multiplying it by a power of x, and added to the bytes that are there (Gopal and others, "Fast
//! CRC computation for generic polynomials using PCLMULQDQ", Intel 2009). At the end all become
//! one, then 16 bytes, whose sum the instruction takes.
//!
//! # Invariants
//!
//! - **P1** A function that needs a feature of the processor is called after a look whether it is
//!   there.

#![expect(unsafe_code, reason = "calls functions that need features of the processor")]

use std::arch::{
    is_x86_feature_detected,
    x86_64::{
        __m512i, _mm_crc32_u8, _mm_crc32_u64, _mm_cvtsi32_si128, _mm_cvtsi128_si64,
        _mm_extract_epi64, _mm_xor_si128, _mm512_clmulepi64_epi128, _mm512_extracti32x4_epi32,
        _mm512_loadu_si512, _mm512_set_epi64, _mm512_ternarylogic_epi64, _mm512_xor_si512,
        _mm512_zextsi128_si512,
    },
};

/// From here on vectors are faster.
const LONG: usize = 512;
/// A table of truth: the sum of three.
const XOR: i32 = 0x96;
/// The polynomial, the coefficient of 1 in the highest bit.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// Continues a checksum over more bytes, if the processor has what it takes.
#[inline]
pub(super) fn append(so_far: u32, bytes: &[u8]) -> Option<u32> {
    if !is_x86_feature_detected!("sse4.2") {
        return None;
    }
    if bytes.len() < LONG {
        // SAFETY: it is there (P1).
        return Some(!unsafe { short(!so_far, bytes) });
    }
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("vpclmulqdq") {
        // SAFETY: they are there (P1).
        return Some(!unsafe { long(!so_far, bytes) });
    }
    None
}

/// Eight bytes at a time.
#[inline]
#[target_feature(enable = "sse4.2")]
fn short(crc: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks();
    let mut crc = u64::from(crc);
    for word in words {
        crc = _mm_crc32_u64(crc, u64::from_le_bytes(*word));
    }
    let mut crc = u32::try_from(crc).expect("the instruction returns 32 bits");
    for byte in rest {
        crc = _mm_crc32_u8(crc, *byte);
    }
    crc
}

/// Requires: there are [`LONG`] bytes.
#[target_feature(enable = "sse4.2,avx512f,vpclmulqdq")]
fn long(crc: u32, bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<256>();
    let ([first, blocks @ ..], (vectors, rest)) = (blocks, rest.as_chunks::<64>()) else {
        return short(crc, bytes);
    };
    let mut sums = load(first);
    let before = _mm512_zextsi128_si512(_mm_cvtsi32_si128(crc.cast_signed()));
    sums[0] = _mm512_xor_si512(sums[0], before);
    for block in blocks {
        let more = load(block);
        for (sum, more) in sums.iter_mut().zip(more) {
            *sum = forward(*sum, ACROSS_BLOCK, more);
        }
    }
    let [sum, others @ ..] = sums;
    let sum = others.into_iter().fold(sum, |sum, other| forward(sum, ACROSS_VECTOR, other));
    let sum = vectors.iter().fold(sum, |sum, more| forward(sum, ACROSS_VECTOR, vector(more)));
    short(whole(sum), rest)
}

/// Moves a sum forward, and adds what is there.
#[inline]
#[target_feature(enable = "avx512f,vpclmulqdq")]
fn forward(sum: __m512i, by: [i64; 2], more: __m512i) -> __m512i {
    let [low, high] = by;
    let by = _mm512_set_epi64(high, low, high, low, high, low, high, low);
    let low = _mm512_clmulepi64_epi128::<0x00>(sum, by);
    let high = _mm512_clmulepi64_epi128::<0x11>(sum, by);
    _mm512_ternarylogic_epi64::<XOR>(low, high, more)
}

/// Sums four lanes up.
#[inline]
#[target_feature(enable = "sse4.2,avx512f,vpclmulqdq")]
fn whole(sum: __m512i) -> u32 {
    let [first, second, third] = ACROSS_LANES;
    let by = _mm512_set_epi64(0, 0, third[1], third[0], second[1], second[0], first[1], first[0]);
    let low = _mm512_clmulepi64_epi128::<0x00>(sum, by);
    let high = _mm512_clmulepi64_epi128::<0x11>(sum, by);
    let moved = _mm512_xor_si512(low, high);
    let left =
        _mm_xor_si128(_mm512_extracti32x4_epi32::<0>(moved), _mm512_extracti32x4_epi32::<1>(moved));
    let right =
        _mm_xor_si128(_mm512_extracti32x4_epi32::<2>(moved), _mm512_extracti32x4_epi32::<3>(sum));
    let lane = _mm_xor_si128(left, right);
    let crc = _mm_crc32_u64(0, _mm_cvtsi128_si64(lane).cast_unsigned());
    let crc = _mm_crc32_u64(crc, _mm_extract_epi64::<1>(lane).cast_unsigned());
    u32::try_from(crc).expect("the instruction returns 32 bits")
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(block: &[u8; 256]) -> [__m512i; 4] {
    let ([a, b, c, d], _) = block.as_chunks() else { unreachable!("256 bytes") };
    [vector(a), vector(b), vector(c), vector(d)]
}

#[inline]
#[target_feature(enable = "avx512f")]
fn vector(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: 64 bytes are there, and may begin anywhere.
    unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) }
}

const ACROSS_BLOCK: [i64; 2] = across(256);
const ACROSS_VECTOR: [i64; 2] = across(64);
const ACROSS_LANES: [[i64; 2]; 3] = [across(48), across(32), across(16)];

/// What the halves of 16 bytes are multiplied by to move them forward by so many bytes.
///
/// The first half is 64 powers of x ahead of the second. A product of numbers whose lowest power
/// stands in the highest bit is one power too high, and one of 32 bits in a word is 32 too high.
const fn across(bytes: u32) -> [i64; 2] {
    [power(bytes * 8 + 64 - 33), power(bytes * 8 - 33)]
}

/// Returns x to the power of `n`, modulo the polynomial.
const fn power(n: u32) -> i64 {
    let mut value = 1 << 31;
    let mut left = n;
    while left > 0 {
        value = value >> 1 ^ if value & 1 == 1 { POLYNOMIAL } else { 0 };
        left -= 1;
    }
    value as i64
}
