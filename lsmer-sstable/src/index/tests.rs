//! The bytes of an index, and searches against a linear one.

use lsmer_core::{after_range, before_range, is_empty_range};
use proptest::{collection::vec, prelude::*};

use super::*;

const TABLE: TableId = TableId { epoch: 1, number: 2 };

/// Builds the index of blocks that hold these keys; a block has 100 bytes and a byte a row.
fn build(blocks: &[Vec<Vec<u8>>]) -> (Vec<u8>, u64) {
    let mut builder = IndexBuilder::default();
    let mut data_bytes = 0;
    for (at, keys) in blocks.iter().enumerate() {
        let rows = u32::try_from(keys.len()).unwrap();
        builder.push(100 + rows, rows);
        data_bytes += u64::from(100 + rows);
        let next = blocks.get(at + 1).map(|keys| &*keys[0]);
        builder.close(keys.last().unwrap(), next).unwrap();
    }
    let mut payload = Vec::new();
    builder.finish(&mut payload);
    (payload, data_bytes)
}

/// Ascending keys, some several times, cut into blocks.
fn blocks() -> impl Strategy<Value = Vec<Vec<Vec<u8>>>> {
    let key = (any::<bool>(), vec(prop_oneof![0..3_u8, 254..=255_u8], 0..12));
    let keys = vec((key, 1..5_usize), 1..30);
    (keys, vec(1..4_usize, 1..9)).prop_map(|(keys, sizes)| {
        let mut all: Vec<Vec<u8>> = Vec::new();
        for ((long, key), versions) in keys {
            // Long keys share more bytes than a head has.
            let key = if long { [b"123456789", &key[..]].concat() } else { key };
            all.extend(std::iter::repeat_n(key, versions));
        }
        all.sort();
        let mut sizes = sizes.into_iter().cycle();
        let mut blocks = Vec::new();
        while !all.is_empty() {
            let rest = all.split_off(sizes.next().unwrap().min(all.len()));
            blocks.push(std::mem::replace(&mut all, rest));
        }
        blocks
    })
}

#[test]
fn layout_is_pinned() {
    let keys = |keys: &[&str]| keys.iter().map(|key| key.as_bytes().to_vec()).collect();
    let (payload, data_bytes) =
        build(&[keys(&["aaron", "abel"]), keys(&["abner", "ada"]), keys(&["ada", "adam"])]);
    let want = [
        &[1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0][..], // version, n, p, k
        &[102, 0, 0, 0, 102, 0, 0, 0, 102, 0, 0, 0],           // sizes
        &[2, 0, 0, 0, 2, 0, 0, 0x80, 2, 0, 0, 0],              // rows; "ada" goes on
        &[2, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0],                 // ends
        b"a",
        b"bnda",
        b"dam",
    ]
    .concat();
    assert_eq!(payload, want);
    let index = Index::decode(TABLE, &payload, data_bytes).unwrap();
    assert_eq!(index.len(), 3);
    assert_eq!(
        (index.rows(1), index.goes_on(1, b"ada"), index.goes_on(0, b"abn")),
        (2, true, false)
    );
    let BlockRequest { id, bytes } = index.request(2);
    assert_eq!((id.table, id.offset, id.kind, bytes), (TABLE, 204, BlockKind::Data, 102));
    assert_eq!(index.find(b"adamant"), None);
}

#[test]
fn an_index_that_contradicts_itself_is_refused() {
    let one = vec![vec![b"a".to_vec()], vec![b"b".to_vec()]];
    let (good, data_bytes) = build(&one);
    assert!(Index::decode(TABLE, &good, data_bytes).is_ok());
    assert!(Index::decode(TABLE, &good, data_bytes + 1).is_err(), "blocks end elsewhere");
    for (at, byte, what) in [
        (4, 0, "no block"),
        (7, 0xff, "more blocks than bytes"),
        (16, 0, "a block shorter than its trailer"),
        (24, 0, "a block of no rows"),
        (31, 0x80, "the last block goes on"),
        (32, 9, "an end past the suffixes"),
        (36, 0, "ends that decrease"),
        (40, b'c', "separators that descend"),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        assert!(Index::decode(TABLE, &bad, data_bytes).is_err(), "{what}");
    }
    let mut newer = good.clone();
    newer[0] = 2;
    let error = Index::decode(TABLE, &newer, data_bytes).unwrap_err();
    assert_eq!(error.kind(), lsmer_core::ErrorKind::Unsupported);
}

fn bound(key: &[u8], kind: u8) -> Bound<&[u8]> {
    match kind {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

proptest! {
    #[test]
    fn a_search_finds_the_first_block_of_a_key_and_all_that_follow(
        blocks in blocks(), other in vec(prop_oneof![0..3_u8, 254..=255_u8], 0..12),
    ) {
        let (payload, data_bytes) = build(&blocks);
        let index = Index::decode(TABLE, &payload, data_bytes).unwrap();
        for key in blocks.iter().flatten().chain([&other]) {
            let holds = |block: u32| blocks[block as usize].contains(key);
            let want = (0..index.len()).find(|block| holds(*block));
            let found = index.find(key);
            if want.is_some() {
                prop_assert_eq!(found, want);
            }
            if let Some(mut block) = found {
                while index.goes_on(block, key) {
                    block += 1;
                    prop_assert!(holds(block));
                }
                prop_assert!((block + 1..index.len()).all(|block| !holds(block)));
            }
        }
    }

    #[test]
    fn a_range_covers_every_block_that_holds_a_key_of_it(
        blocks in blocks(), picks: (prop::sample::Index, prop::sample::Index), kinds in (0..3_u8, 0..3_u8),
        cuts in (0..20_usize, 0..20_usize),
    ) {
        let (payload, data_bytes) = build(&blocks);
        let index = Index::decode(TABLE, &payload, data_bytes).unwrap();
        let all: Vec<_> = blocks.iter().flatten().collect();
        let (low, high) = (picks.0.get(&all), picks.1.get(&all));
        let (low, high) = (&low[..low.len().min(cuts.0)], &high[..high.len().min(cuts.1)]);
        let range = (bound(low, kinds.0), bound(high, kinds.1));
        prop_assume!(!is_empty_range(range));
        let found = index.range(range);
        for (block, keys) in (0..).zip(&blocks) {
            let inside = |key: &Vec<u8>| !before_range(key, range) && !after_range(key, range);
            prop_assert!(!keys.iter().any(inside) || found.contains(&block));
            // Only the blocks at the ends need trimming.
            let middle = found.start < block && block + 1 < found.end;
            prop_assert!(!middle || keys.iter().all(inside));
            prop_assert!(block != found.start || !keys.iter().any(|key| after_range(key, range))
                || block + 1 == found.end);
        }
    }

    #[test]
    fn no_bytes_make_a_search_panic(
        blocks in blocks(), changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        key: Vec<u8>,
    ) {
        let (mut payload, data_bytes) = build(&blocks);
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        if let Ok(index) = Index::decode(TABLE, &payload, data_bytes) {
            for block in 0..index.len() {
                index.request(block);
                index.goes_on(block, &key);
            }
            index.find(&key);
            index.range((Bound::Excluded(&key), Bound::Included(&key)));
        }
    }
}
