//! `TABLE-01` and `CURSOR-01`: what was added comes back, by lookups and by cursors.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeInclusive},
    sync::Arc,
};

use lsmer_cache::SlotCache;
use lsmer_core::{ALL, Compression, Kind, TableSpec, Window};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::support::*;

fn keys() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop_oneof![4 => 0..3_u8, 1 => 254..=255_u8];
    prop_oneof![
        6 => vec(bytes(), 0..6),
        2 => vec(bytes(), 0..4).prop_map(|tail| [b"a long common prefix/", &tail[..]].concat()),
    ]
}

fn values() -> impl Strategy<Value = Vec<u8>> {
    let sizes: [(u32, RangeInclusive<usize>); 3] =
        [(20, 0..=60), (3, 61..=600), (1, 60_000..=70_000)];
    let sizes = prop::strategy::Union::new_weighted(
        sizes.map(|(weight, sizes)| (weight, sizes.boxed())).to_vec(),
    );
    (sizes, any::<u64>()).prop_map(|(bytes, seed)| {
        // Half of it compresses.
        let noise = |i: usize| lsmer_core::hash(&(seed ^ i as u64).to_le_bytes()).to_le_bytes()[0];
        (0..bytes).map(|i| if i % 64 < 32 { 7 } else { noise(i) }).collect()
    })
}

/// Entries in internal order, with many versions of some keys.
fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let versions = prop_oneof![5 => 1..3_usize, 1 => 10..30_usize];
    let key = (keys(), versions).prop_flat_map(|(key, versions)| {
        (Just(key), vec((values(), prop::bool::weighted(0.2)), versions))
    });
    vec((key, vec(1..300_u64, 30)), 1..25).prop_map(|keys| {
        let mut sorted = BTreeMap::new();
        for ((key, versions), seqnos) in keys {
            for ((value, deleted), seqno) in versions.into_iter().zip(seqnos) {
                let (kind, value) =
                    if deleted { (Kind::Delete, Vec::new()) } else { (Kind::Put, value) };
                let place = (key.clone(), u64::MAX - seqno);
                sorted.insert(place, Entry { key: key.clone(), seqno, kind, value });
            }
        }
        sorted.into_values().collect()
    })
}

fn specs() -> impl Strategy<Value = TableSpec> {
    let codecs = [Compression::None, Compression::Lz4, Compression::Zstd];
    let blocks = prop_oneof![3 => Just(64), 2 => Just(512), 1 => Just(4096)];
    (blocks, prop::sample::select(codecs.to_vec()), prop::sample::select(vec![0_u8, 3, 10]))
        .prop_map(|(block_bytes, compression, filter_bits)| {
            let built = cfg!(feature = "zstd") || compression != Compression::Zstd;
            let compression = if built { compression } else { Compression::Lz4 };
            TableSpec { block_bytes, compression, filter_bits, ..spec() }
        })
}

fn bound(key: &[u8], kind: u8) -> Bound<&[u8]> {
    match kind {
        0 => Bound::Included(key),
        1 => Bound::Excluded(key),
        _ => Bound::Unbounded,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn what_was_added_comes_back(
        entries in entries(), spec in specs(), others in vec(keys(), 6), cached: bool,
        snapshots in vec(0..320_u64, 3), ranges in vec((0..3_u8, any::<Index>(), 0..3_u8, any::<Index>()), 8),
    ) {
        for format in formats() {
            let (file, meta) = build(&*format, &spec, &entries).unwrap();
            let mut driver = Driver::new(&format, &file);
            if cached {
                driver.cache = Arc::new(SlotCache::new(1 << 20));
            }
            prop_assert_eq!(meta.file_bytes, file.copy().len() as u64);
            prop_assert_eq!(&file.reading(|file| format.inspect(file)).unwrap(), &meta);
            driver.verify().unwrap();
            let table = driver.open(&meta).unwrap();

            for key in entries.iter().map(|entry| &entry.key).chain(&others) {
                for snapshot in &snapshots {
                    let found = driver.get(&table, key, *snapshot).unwrap();
                    prop_assert_eq!(found.as_ref(), model_get(&entries, key, *snapshot));
                }
            }
            let keys: Vec<&[u8]> = entries.iter().map(|entry| &*entry.key).chain(others.iter().map(|key| &**key)).collect();
            for backward in [false, true] {
                prop_assert_eq!(&driver.scan(&table, ALL, backward).unwrap(), &entries);
                for (low_kind, low, high_kind, high) in &ranges {
                    let range = (bound(keys[low.index(keys.len())], *low_kind), bound(keys[high.index(keys.len())], *high_kind));
                    let found = driver.scan(&table, range, backward).unwrap();
                    prop_assert_eq!(found, model_scan(&entries, range), "{:?}", range);
                }
            }
        }
    }

    #[test]
    fn rows_of_blocks_make_the_same_table_as_single_entries(
        entries in entries(), spec in specs(), cuts in vec(1..40_usize, 1..9),
    ) {
        for format in formats() {
            let write = |windows: Vec<Window>| {
                let file = Arc::new(MemFile::default());
                let mut builder = format.builder(Arc::<MemFile>::clone(&file), &spec).unwrap();
                for window in windows {
                    builder.add(&window, window.range()).unwrap();
                }
                let meta = builder.finish().unwrap();
                (file.copy(), meta)
            };
            let mut blocks = Vec::new();
            let mut left = &entries[..];
            for cut in cuts.iter().cycle() {
                let (block, behind) = left.split_at(left.len().min(*cut));
                if block.is_empty() {
                    break;
                }
                blocks.push(rows(block));
                left = behind;
            }
            let single = entries.iter().map(|entry| batch(std::slice::from_ref(entry))).collect();
            prop_assert_eq!(write(blocks), write(single));
        }
    }

    #[test]
    fn whoever_reads_keeps_to_the_bounds_of_the_table(
        entries in entries(), spec in specs(), bounds: (Index, Index),
        ends: (Index, Index), kinds in (0..3_u8, 0..3_u8),
    ) {
        for format in formats() {
            let (file, mut meta) = build(&*format, &spec, &entries).unwrap();
            let (one, other) = (bounds.0.get(&entries), bounds.1.get(&entries));
            let (low, high) = if one.key < other.key { (one, other) } else { (other, one) };
            meta.smallest = (*low.key).into();
            meta.largest = (*high.key).into();
            let inside = model_scan(&entries, (Bound::Included(&low.key), Bound::Included(&high.key)));
            let mut driver = Driver::new(&format, &file);
            let table = driver.open(&meta).unwrap();
            for entry in &entries {
                let found = driver.get(&table, &entry.key, 1000).unwrap();
                prop_assert_eq!(found.as_ref(), model_get(&inside, &entry.key, 1000));
            }
            let ends = (&*ends.0.get(&entries).key, &*ends.1.get(&entries).key);
            let range = (bound(ends.0, kinds.0), bound(ends.1, kinds.1));
            for backward in [false, true] {
                prop_assert_eq!(&driver.scan(&table, ALL, backward).unwrap(), &inside);
                let found = driver.scan(&table, range, backward).unwrap();
                prop_assert_eq!(found, model_scan(&inside, range));
            }
        }
    }
}
