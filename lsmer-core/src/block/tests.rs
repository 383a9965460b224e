//! What a block promises: order, lookup, and safety against any bytes.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::Probe;

fn build(entries: &[(Vec<u8>, u64, Kind, Vec<u8>)]) -> Vec<u8> {
    let mut builder = BlockBuilder::new();
    for (key, seqno, kind, value) in entries {
        builder.add(EntryRef { key, seqno: SeqNo(*seqno), kind: *kind, value });
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    bytes
}

#[test]
fn layout_is_pinned() {
    let entries = [
        (b"ab1".to_vec(), 7, Kind::Put, b"x".to_vec()),
        (b"ab2".to_vec(), 9, Kind::Delete, Vec::new()),
    ];
    let want = [
        &[1, 2, 1, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0][..],
        &[7, 0, 0, 0, 0, 0, 0, 0], // smallest seqno
        &[crate::hash(b"ab1").to_le_bytes()[0], crate::hash(b"ab2").to_le_bytes()[0]],
        &[1, 0, 2, 0],                   // ends of the suffixes
        &[1, 0, 1, 0],                   // ends of the values
        &[0, 2],                         // seqno deltas
        &[1, 2],                         // kinds
        b"ab",                           // prefix
        b"12",                           // suffixes
        b"x",                            // values
        &[b'1', 0, 0, 0, b'2', 0, 0, 0], // heads
        &[0; 8],                         // padding
    ]
    .concat();
    assert_eq!(build(&entries), want);
}

#[test]
fn rows_that_may_have_one_key_are_not_called_different() {
    let row = |key: &[u8], seqno| (key.to_vec(), seqno, Kind::Put, vec![]);
    let keys: [&[u8]; 7] = [b"p", b"pa", b"pa\0", b"pab", b"pb", b"pb", b"pc"];
    let rows: Vec<_> = keys.iter().zip((1..8).rev()).map(|(key, at)| row(key, at)).collect();
    let block = Block::rows(build(&rows)).unwrap();
    // Zeros fill short heads up, so `pa` and `pa\0` agree as well.
    for (rows, differ) in [
        (0..0, true),
        (4..5, true),
        (2..5, true),
        (5..7, true),
        (1..3, false),
        (0..7, false),
        (4..6, false),
    ] {
        assert_eq!(block.heads_differ(rows.clone()), differ, "{rows:?}");
    }
}

#[test]
fn every_version_of_one_key_is_found_whatever_their_number() {
    // All fingerprints are equal, and the last lanes are partly of other columns.
    for versions in 1..=300_u64 {
        let rows: Vec<_> =
            (0..versions).rev().map(|at| (b"k".to_vec(), at * 2 + 1, Kind::Put, vec![])).collect();
        let block = Block::rows(build(&rows)).unwrap();
        for (seen, row) in rows.iter().zip(0..) {
            assert_eq!(block.find(&Probe::new(b"k", SeqNo(seen.1))), Some(row), "of {versions}");
            assert_eq!(
                block.find(&Probe::new(b"k", SeqNo(seen.1 + 1))),
                Some(row),
                "of {versions}"
            );
        }
        assert_eq!(block.find(&Probe::new(b"k", SeqNo(0))), None);
        assert_eq!(block.find(&Probe::new(b"", SeqNo::MAX)), None);
    }
}

/// Rows in internal order, from few keys, so that versions and prefixes pile up.
fn rows() -> impl Strategy<Value = Vec<(Vec<u8>, u64, Kind, Vec<u8>)>> {
    let key = vec(prop_oneof![Just(0_u8), Just(b'a'), Just(0xff), any::<u8>()], 0..6);
    let kind = prop_oneof![4 => Just(Kind::Put), 1 => Just(Kind::Delete)];
    vec((key, 1..500_u64, kind, vec(any::<u8>(), 0..12)), 1..60).prop_map(|mut rows| {
        rows.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        rows.dedup_by(|a, b| a.0 == b.0 && a.1 == b.1);
        rows
    })
}

proptest! {
    #[test]
    fn searches_from_either_end_agree_with_counting(
        rows in rows(), key in vec(prop_oneof![Just(0_u8), Just(b'a'), any::<u8>()], 0..6),
        (a, b) in (0..70_u32, 0..70_u32),
    ) {
        let block = Block::rows(build(&rows)).unwrap();
        let part = a.min(b).min(block.len())..a.max(b).min(block.len());
        let inside = &rows[part.start as usize..part.end as usize];
        let count = |before: &dyn Fn(&Vec<u8>) -> bool| {
            part.start + u32::try_from(inside.iter().filter(|row| before(&row.0)).count()).unwrap()
        };
        prop_assert_eq!(block.lower_bound_from(part.clone(), &key), count(&|row| *row < key));
        prop_assert_eq!(block.upper_bound_back(part.clone(), &key), count(&|row| *row <= key));
    }

    #[test]
    fn a_block_knows_its_newest_seqno_and_whether_all_are_puts(rows in rows()) {
        let block = Block::rows(build(&rows)).unwrap();
        let newest = rows.iter().map(|row| row.1).max().unwrap();
        prop_assert_eq!(block.max_seqno(), SeqNo(newest));
        prop_assert_eq!(block.is_all_puts(), rows.iter().all(|row| row.2 == Kind::Put));
    }

    #[test]
    fn a_block_gives_back_its_rows(rows in rows()) {
        let block = Block::rows(build(&rows)).unwrap();
        prop_assert_eq!(block.len() as usize, rows.len());
        let mut key = Vec::new();
        for (row, (want, seqno, kind, value)) in (0..).zip(&rows) {
            let entry = block.entry(row, &mut key);
            prop_assert_eq!(entry.key, &want[..]);
            prop_assert_eq!((entry.seqno.0, entry.kind, entry.value), (*seqno, *kind, &value[..]));
        }
    }

    #[test]
    fn find_and_bounds_agree_with_a_linear_search(
        rows in rows(), other in vec(any::<u8>(), 0..6), pick: prop::sample::Index, at in 0..510_u64,
    ) {
        let block = Block::rows(build(&rows)).unwrap();
        let present = rows[pick.index(rows.len())].0.clone();
        for key in [&present, &other] {
            let below = rows.iter().filter(|row| row.0 < *key).count();
            let upto = rows.iter().filter(|row| row.0 <= *key).count();
            prop_assert_eq!(block.lower_bound(key) as usize, below);
            prop_assert_eq!(block.upper_bound(key) as usize, upto);
            let want = rows.iter().position(|row| row.0 == *key && row.1 <= at);
            let found = block.find(&Probe::new(key, SeqNo(at)));
            prop_assert_eq!(found.map(|row| row as usize), want);
        }
    }

    #[test]
    fn no_bytes_make_a_block_panic(
        rows in rows(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut: prop::sample::Index,
    ) {
        let mut bytes = build(&rows);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let short = bytes[..cut.index(bytes.len())].to_vec();
        prop_assert!(Block::rows(short).is_err());
        if let Ok(block) = Block::rows(bytes) {
            let mut key = Vec::new();
            for row in 0..block.len() {
                let entry = block.entry(row, &mut key);
                prop_assert!(entry.value.len() < 1 << 20);
            }
            block.find(&Probe::new(b"abc", SeqNo::MAX));
            block.lower_bound(b"abc");
        }
    }
}
