//! The suite for block caches: one function per property, each of which panics if it does not
//! hold.
//!
//! A cache may keep nothing (`CACHE-03`), so no property asks that a block is found: only that
//! what is found is right. Each block that is inserted is another one, so that every mix-up of
//! ids, kinds, tables and threads shows.

mod model;
mod threads;

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::BlockCache;

use self::model::{Model, block, id, ids};
pub use self::threads::{
    cache_01_a_thread_sees_what_another_did, cache_01_threads_find_their_own_blocks,
};
use crate::seed::Seeded;

/// Makes a cache of so many bytes.
pub type MakeCache<'a> = &'a dyn Fn(usize) -> Arc<dyn BlockCache>;

/// From none at all to more than is inserted.
const CAPACITIES: [usize; 6] = [0, 1, 3_000, 40_000, 1 << 20, 64 << 20];

/// Runs every property.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(make: MakeCache<'_>) {
    cache_01_get_returns_what_was_last_inserted_or_nothing(make);
    cache_01_a_thread_sees_what_another_did(make);
    cache_01_threads_find_their_own_blocks(make);
    cache_02_bytes_stay_within_the_capacity_and_one_block(make);
    cache_03_what_was_handed_out_stays(make);
    cache_04_a_table_that_is_gone_leaves_nothing(make);
}

/// `CACHE-01`: over random inserts, replacements, removals and lookups of ids that differ in one
/// field only, `get` answers with the block that was inserted last under that id, or nothing.
///
/// # Panics
///
/// If it does not.
pub fn cache_01_get_returns_what_was_last_inserted_or_nothing(make: MakeCache<'_>) {
    let mut random = Seeded::new();
    for capacity in CAPACITIES {
        let cache = make(capacity);
        let mut model = Model::default();
        for _ in 0..3_000 {
            model.step(&*cache, 72, &mut random);
        }
        for id in ids() {
            model.check(&*cache, &id, &random);
        }
    }
}

/// `CACHE-02`: after every insert, of blocks small and larger than the cache, what the cache says
/// it takes is at most its capacity and the largest block; and the blocks that are found in it
/// take no more than it says.
///
/// # Panics
///
/// If not.
pub fn cache_02_bytes_stay_within_the_capacity_and_one_block(make: MakeCache<'_>) {
    let mut random = Seeded::new();
    for capacity in CAPACITIES {
        let cache = make(capacity);
        let mut largest = 0;
        for round in 0..2_000 {
            let size = [50, 4_000, 4_000, 60_000][random.below(4)];
            let block = block(round, random.below(size));
            largest = largest.max(block.weight());
            cache.insert(id(random.below(5) as u64, random.below(100) as u64), block);
            let bytes = cache.bytes();
            assert!(
                bytes <= capacity + largest,
                "CACHE-02: {bytes} bytes for {capacity} and a block of {largest}; {random}"
            );
        }
        let all = (0..5).flat_map(|table| (0..100).map(move |place| id(table, place)));
        let there: usize = all.filter_map(|id| Some(cache.get(&id)?.weight())).sum();
        let bytes = cache.bytes();
        assert!(there <= bytes, "CACHE-02: blocks of {there} bytes, it says {bytes}; {random}");
    }
}

/// `CACHE-03`: blocks that were handed out keep their bytes when they are replaced, pushed out, or
/// removed with their table.
///
/// # Panics
///
/// If not.
pub fn cache_03_what_was_handed_out_stays(make: MakeCache<'_>) {
    let random = Seeded::new();
    for capacity in CAPACITIES {
        let cache = make(capacity);
        let mut held = Vec::new();
        for place in 0..50 {
            cache.insert(id(1, place), block(place, 900));
            held.extend(cache.get(&id(1, place)).map(|block| (place, block)));
        }
        for place in 0..5_000 {
            cache.insert(id(1 + place % 3, place % 60), block(9_000 + place, 900));
        }
        cache.remove_table(id(1, 0).table);
        drop(cache);
        for (place, kept) in held {
            let whole = kept.bytes() == block(place, 900).bytes();
            assert!(whole, "CACHE-03: a block in use changed, of {capacity} bytes; {random}");
        }
    }
}

/// `CACHE-04`: after `remove_table` no block of that table is found, of whatever kind; after the
/// last one the cache takes no bytes.
///
/// # Panics
///
/// If not.
pub fn cache_04_a_table_that_is_gone_leaves_nothing(make: MakeCache<'_>) {
    let random = Seeded::new();
    for capacity in CAPACITIES {
        let cache = make(capacity);
        for (stamp, id) in (0..).zip(ids()) {
            cache.insert(id, block(stamp, 500));
        }
        for table in ids().map(|id| id.table).collect::<BTreeSet<_>>() {
            cache.remove_table(table);
            for id in ids().filter(|id| id.table == table) {
                let found = cache.get(&id).is_some();
                assert!(!found, "CACHE-04: {id:?} is there after its table has gone; {random}");
            }
        }
        let bytes = cache.bytes();
        assert!(bytes == 0, "CACHE-04: all tables are gone, and {bytes} bytes are not; {random}");
    }
}

/// Makes a test of each property of a [`BlockCache`], of which it is told how to make one:
/// `cache_conforms!(|bytes| Arc::new(MyCache::new(bytes)));`.
#[macro_export]
macro_rules! cache_conforms {
    ($make:expr) => {
        $crate::properties! { cache, &$make,
            cache_01_get_returns_what_was_last_inserted_or_nothing
            cache_01_a_thread_sees_what_another_did
            cache_01_threads_find_their_own_blocks
            cache_02_bytes_stay_within_the_capacity_and_one_block
            cache_03_what_was_handed_out_stays
            cache_04_a_table_that_is_gone_leaves_nothing
        }
    };
}
