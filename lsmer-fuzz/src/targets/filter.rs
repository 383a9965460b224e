//! A filter: no key that was given is denied, and any bytes can be opened and asked.

use std::sync::Arc;

use lsmer::parts::BlockedBloom;
use lsmer_core::FilterPolicy;

use crate::memory::bounded;

/// Runs one input on the filter that ships.
pub fn run(bytes: &[u8]) {
    check(&BlockedBloom::new(), bytes);
}

/// Runs one input: bits per key, then up to 255 hashes, then bytes to open.
///
/// # Panics
///
/// If the policy breaks a promise.
pub fn check(policy: &dyn FilterPolicy, bytes: &[u8]) {
    let [bits, count, rest @ ..] = bytes else { return };
    let (hashes, raw) = rest.split_at(rest.len().min(usize::from(*count) * 8));
    let hash = |word: &[u8]| u64::from_le_bytes(word.try_into().expect("eight bytes"));
    let hashes: Vec<u64> = hashes.chunks_exact(8).map(hash).collect();
    let built = policy.build(&hashes, *bits);
    let spent = hashes.len() * usize::from(*bits) / 8;
    assert!(built.len() <= 2 * spent + 64, "{} bytes for {spent}", built.len());
    if let Some((_, cut)) = built.split_last() {
        for bytes in [&built[..], cut] {
            let filter = policy.open(Arc::from(bytes));
            let denied = hashes.iter().find(|hash| !filter.may_contain(**hash));
            assert_eq!(denied, None, "a key that was given is denied");
        }
    }
    let filter = bounded(raw.len(), 0, || policy.open(Arc::from(raw)));
    for hash in hashes.iter().chain(&[0, u64::MAX, u64::MAX << 32, u64::from(u32::MAX)]) {
        filter.prefetch(*hash);
        filter.may_contain(*hash);
    }
}
