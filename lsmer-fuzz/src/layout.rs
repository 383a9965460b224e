//! Taking files apart into parts without checksums, and putting them together with right ones.
//!
//! It is written anew from `docs/format`, and does not use the code that it is to test.

pub(crate) mod log;
pub(crate) mod manifest;
pub(crate) mod table;

/// How the inputs of a target are taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Takes an input apart, whatever its checksums say; `None` if there is nothing to find.
    pub open: fn(&[u8]) -> Option<Vec<Vec<u8>>>,
    /// Puts parts together, whatever they are: lengths, places and checksums become right.
    pub close: fn(&[Vec<u8>]) -> Vec<u8>,
}

/// Returns `N` bytes at `at`.
fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// Returns a length as formats store it; what is longer than that is never built.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("inputs are short")
}
