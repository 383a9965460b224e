//! What a Bloom filter promises: its bytes, no wrong "no", few wrong "maybe"s.

use lsmer_core::hash;
use proptest::{collection::vec, prelude::*};

use super::*;

fn open(bytes: &[u8]) -> Arc<dyn Filter> {
    BlockedBloom::new().open(Arc::from(bytes))
}

fn keys(from: u64, to: u64) -> impl Iterator<Item = [u8; 8]> {
    (from..to).map(u64::to_be_bytes)
}

#[test]
fn layout_is_pinned() {
    // One key whose hash is easy to follow by hand: the low half is 1, so that the bit of each
    // word is the top five bits of its salt.
    let bytes = BlockedBloom::new().build(&[0xffff_ffff_0000_0001], 64);
    let mut want = vec![1, 0, 0, 0, 1, 0, 0, 0];
    for bit in [8, 8, 17, 20, 14, 5, 19, 11] {
        want.extend_from_slice(&(1_u32 << bit).to_le_bytes());
    }
    assert_eq!(bytes, want);

    // Of four lines, the upper half of the hash chooses.
    let hashes = [0, 1 << 62, 2 << 62, 3 << 62, 3 << 62, 3 << 62, 3 << 62];
    let bytes = BlockedBloom::new().build(&hashes, 128);
    assert_eq!(bytes[..8], [1, 0, 0, 0, 4, 0, 0, 0]);
    assert_eq!(bytes.len(), 8 + 4 * 32);
    assert!(bytes[8..].chunks(4).all(|word| word == [1, 0, 0, 0]));
}

#[test]
fn nothing_to_build_is_no_filter() {
    assert!(BlockedBloom::new().build(&[], 10).is_empty());
    assert!(BlockedBloom::new().build(&[1], 0).is_empty());
}

#[test]
fn less_than_two_in_a_hundred_are_wrong_at_ten_bits() {
    let present: Vec<u64> = keys(0, 20_000).map(|key| hash(&key)).collect();
    let filter = open(&BlockedBloom::new().build(&present, 10));
    let wrong = keys(1 << 40, (1 << 40) + 100_000).filter(|key| filter.may_contain(hash(key)));
    let wrong = wrong.count();
    assert!((500..2_000).contains(&wrong), "{wrong} of 100,000");
}

#[test]
fn it_agrees_with_an_independent_filter() {
    let mut other = bloomfilter::Bloom::<[u8; 8]>::new_with_seed(20_000 * 10 / 8, 20_000, &[7; 32])
        .expect("a filter of that size");
    let mut hashes = Vec::new();
    for key in keys(0, 20_000) {
        other.set(&key);
        hashes.push(hash(&key));
    }
    let ours = open(&BlockedBloom::new().build(&hashes, 10));
    for key in keys(0, 20_000) {
        assert!(other.check(&key) && ours.may_contain(hash(&key)));
    }
    let absent: Vec<_> = keys(1 << 40, (1 << 40) + 100_000).collect();
    let their_wrong = absent.iter().filter(|key| other.check(key)).count();
    let our_wrong = absent.iter().filter(|key| ours.may_contain(hash(*key))).count();
    assert!(our_wrong <= 3 * their_wrong, "{our_wrong} against {their_wrong}");
}

#[test]
fn bytes_that_are_no_filter_say_maybe() {
    let good = BlockedBloom::new().build(&[5], 10);
    let absent = (0..100).find(|hash| !open(&good).may_contain(*hash)).expect("one is ruled out");
    let mut version = good.clone();
    version[0] = 2;
    let mut reserved = good.clone();
    reserved[2] = 1;
    let mut lines = good.clone();
    lines[4] = 2;
    let empty = [1, 0, 0, 0, 0, 0, 0, 0];
    let long = [&good[..], &[0]].concat();
    for bytes in [&[][..], &version, &reserved, &lines, &empty, &long, &good[..39], &good[..3]] {
        assert!(open(bytes).may_contain(absent));
    }
}

proptest! {
    #[test]
    fn a_key_that_was_given_is_never_denied(
        hashes in vec(any::<u64>(), 1..300), bits in 1..=64_u8,
    ) {
        let filter = open(&BlockedBloom::new().build(&hashes, bits));
        prop_assert!(hashes.iter().all(|hash| filter.may_contain(*hash)));
    }

    #[test]
    fn any_bytes_open(bytes: Vec<u8>, hash: u64) {
        let filter = open(&bytes);
        filter.prefetch(hash);
        filter.may_contain(hash);
    }
}
