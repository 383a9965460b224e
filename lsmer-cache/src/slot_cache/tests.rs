//! The obligations of a block cache, and that scans do not wash it out.

use std::collections::BTreeMap;

use lsmer_core::BlockKind;
use proptest::{collection::vec, prelude::*};

use lsmer_core::{Block, BlockCache, BlockId, TableId};

use super::SlotCache;

fn id(table: u64, block: u64) -> BlockId {
    let table = TableId { epoch: 1, number: table };
    BlockId { table, offset: block << 12, kind: BlockKind::Data }
}

fn block(fill: u8, bytes: usize) -> Block {
    Block::opaque(vec![fill; bytes])
}

#[test]
fn a_table_that_is_gone_leaves_no_block() {
    let cache = SlotCache::new(1 << 20);
    for at in 0..20 {
        cache.insert(id(1, at), block(1, 1000));
        cache.insert(id(2, at), block(2, 1000));
    }
    let both = cache.bytes();
    cache.remove_table(id(1, 0).table);
    assert_eq!(cache.bytes(), both / 2);
    for at in 0..20 {
        assert!(cache.get(&id(1, at)).is_none());
        assert!(cache.get(&id(2, at)).is_some());
    }
}

#[test]
fn a_scan_does_not_wash_out_what_is_read_often() {
    let cache = SlotCache::new(1 << 20);
    let often = 0..100;
    for _ in 0..3 {
        for at in often.clone() {
            if cache.get(&id(1, at)).is_none() {
                cache.insert(id(1, at), block(1, 4096));
            }
        }
    }
    for at in 0..10_000 {
        cache.insert(id(2, at), block(2, 4096));
    }
    let left = often.filter(|at| cache.get(&id(1, *at)).is_some()).count();
    assert!(left >= 90, "{left} of 100 left");
}

#[test]
fn a_cache_of_no_bytes_keeps_nothing_and_works() {
    let cache = SlotCache::new(0);
    cache.insert(id(1, 0), block(1, 1));
    assert!(cache.get(&id(1, 0)).is_none());
    assert_eq!(cache.bytes(), 0);
}

#[test]
fn a_large_cache_takes_large_blocks() {
    for capacity in [8 << 20, 24 << 20, 256 << 20] {
        let cache = SlotCache::new(capacity);
        cache.insert(id(1, 0), block(1, 7 << 20));
        assert!(cache.get(&id(1, 0)).is_some());
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(BlockId, u8, usize),
    Get(BlockId),
    Remove(TableId),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ids = || (0..3_u64, 0..20_u64).prop_map(|(table, at)| id(table, at));
    let sizes = prop_oneof![8 => 0..5000_usize, 1 => 20_000..50_000_usize];
    let step = prop_oneof![
        6 => (ids(), any::<u8>(), sizes).prop_map(|(id, fill, n)| Step::Insert(id, fill, n)),
        4 => ids().prop_map(Step::Get),
        1 => ids().prop_map(|id| Step::Remove(id.table)),
    ];
    vec(step, 1..200)
}

proptest! {
    #[test]
    fn it_returns_what_was_last_inserted_and_stays_in_its_bytes(
        steps in steps(), capacity in 0..40_000_usize,
    ) {
        let cache = SlotCache::new(capacity);
        let mut model = BTreeMap::new();
        let mut largest = 0;
        for step in steps {
            match step {
                Step::Insert(id, fill, bytes) => {
                    let block = block(fill, bytes);
                    largest = largest.max(block.weight());
                    cache.insert(id, block);
                    model.insert(id, (fill, bytes));
                }
                Step::Get(id) => {
                    // CACHE-01: that, or nothing.
                    if let Some(block) = cache.get(&id) {
                        let (fill, bytes) = model.get(&id).expect("inserted and not removed");
                        prop_assert_eq!(block.bytes(), vec![*fill; *bytes]);
                    }
                }
                Step::Remove(table) => {
                    cache.remove_table(table);
                    model.retain(|id, _| id.table != table);
                }
            }
            // CACHE-02.
            prop_assert!(cache.bytes() <= capacity + largest, "{:?}", cache);
        }
    }
}
