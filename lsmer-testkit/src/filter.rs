//! The suite for filters: one function per property, each of which panics if it does not hold.

use std::sync::Arc;

use lsmer_core::{FilterPolicy, hash};

use crate::seed::Seeded;

const BITS: [u8; 6] = [0, 1, 7, 10, 20, 64];

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(policy: &dyn FilterPolicy) {
    filter_01_a_key_that_was_added_is_never_denied(policy);
    filter_02_bytes_that_are_no_filter_are_opened(policy);
    filter_03_a_name_stands_for_the_same_bytes(policy);
}

/// `FILTER-01`: for sets of 0 to 5,000 keys and every kind of size, no key is denied.
///
/// # Panics
///
/// If one is.
pub fn filter_01_a_key_that_was_added_is_never_denied(policy: &dyn FilterPolicy) {
    let mut random = Seeded::new();
    for count in [0, 1, 2, 63, 1_000, 5_000] {
        let mut hashes: Vec<u64> = (0..count).map(|_| hash(&random.bytes(24))).collect();
        hashes.extend([0, 1, u64::MAX].iter().take(count));
        for bits in BITS {
            let bytes = policy.build(&hashes, bits);
            if bytes.is_empty() {
                continue;
            }
            let filter = policy.open(Arc::from(bytes));
            for hash in &hashes {
                assert!(
                    filter.may_contain(*hash),
                    "FILTER-01: {hash:#x} was added and is denied: {count} keys, {bits} bits; {random}"
                );
            }
        }
    }
}

/// `FILTER-02`: random bytes, and every shorter part of a filter, open without a panic; no bytes
/// at all deny nothing.
///
/// # Panics
///
/// If that is not so.
pub fn filter_02_bytes_that_are_no_filter_are_opened(policy: &dyn FilterPolicy) {
    let mut random = Seeded::new();
    let hashes: Vec<u64> = (0..100).map(|_| random.next()).collect();
    let empty = policy.open(Arc::from([]));
    for hash in &hashes {
        assert!(empty.may_contain(*hash), "FILTER-02: no bytes deny {hash:#x}; {random}");
    }
    for _ in 0..300 {
        let filter = policy.open(Arc::from(random.bytes(300)));
        let _: usize = hashes.iter().filter(|hash| filter.may_contain(**hash)).count();
    }
    let built = policy.build(&hashes, 10);
    for end in 0..built.len() {
        let filter = policy.open(Arc::from(&built[..end]));
        let _: usize = hashes.iter().filter(|hash| filter.may_contain(**hash)).count();
    }
}

/// `FILTER-03`: there is a name, it stays, and the same keys give the same bytes under it. (That
/// a later release gives it to other bytes, only a byte-for-byte pin of its own can show.)
///
/// # Panics
///
/// If that is not so.
pub fn filter_03_a_name_stands_for_the_same_bytes(policy: &dyn FilterPolicy) {
    let mut random = Seeded::new();
    let hashes: Vec<u64> = (0..500).map(|_| random.next()).collect();
    let name = policy.name().to_owned();
    assert!(!name.is_empty(), "FILTER-03: the name is empty");
    for bits in BITS {
        let (first, second) = (policy.build(&hashes, bits), policy.build(&hashes, bits));
        assert!(first == second, "FILTER-03: two builds differ: {bits} bits; {random}");
    }
    assert_eq!(policy.name(), name, "FILTER-03: the name changed");
}

/// Makes a test of each property of a [`FilterPolicy`]: `filter_conforms!(MyFilter::new());`.
#[macro_export]
macro_rules! filter_conforms {
    ($policy:expr) => {
        $crate::properties! { filter, &$policy,
            filter_01_a_key_that_was_added_is_never_denied
            filter_02_bytes_that_are_no_filter_are_opened
            filter_03_a_name_stands_for_the_same_bytes
        }
    };
}
