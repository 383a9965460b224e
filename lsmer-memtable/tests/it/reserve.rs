//! What was reserved fits, and no more is taken (`MEM-01`, `MEM-04`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsmer_core::ALL;
use lsmer_memtable::{BTreeArena, SkipArena};
use proptest::{collection::vec, prelude::*};

use crate::{
    get::get,
    model::{Entry, Walk, all, create},
    threads::race_to_the_limit,
};

#[test]
fn a_first_reservation_of_all_bytes_fits() {
    for factory in all() {
        for bytes in (1..=4096).chain([64 << 20]) {
            let table = create(&factory, bytes);
            assert!(table.reserve(1, bytes), "{} {bytes}", factory.name());
            let entry = Entry::put(vec![7; bytes.min(3)], 1, vec![9; bytes - bytes.min(3)]);
            table.insert(entry.as_ref());
            assert!(get(&table, &entry.key, 1) == Some(entry), "{} {bytes}", factory.name());
            assert!(!table.reserve(1, bytes));
        }
    }
}

#[test]
fn a_first_reservation_of_many_empty_entries_fits() {
    for factory in all() {
        let table = create(&factory, 1);
        assert!(table.reserve(50_000, 1));
        for seqno in 1..=50_000 {
            table.insert(Entry::put([], seqno, []).as_ref());
        }
        assert_eq!(get(&table, b"", 777), Some(Entry::put([], 777, [])));
        let mut walk = Walk::new(&table);
        walk.seek(ALL, false);
        assert_eq!(walk.rest().len(), 50_000);
        assert!(!table.reserve(1, 0), "{}: entries are not free", factory.name());
    }
}

#[test]
fn what_can_never_fit_is_refused_and_takes_nothing() {
    for factory in all() {
        let table = create(&factory, 1000);
        for (entries, bytes) in [(1, 1001), (1, usize::MAX), (u32::MAX, usize::MAX)] {
            assert!(!table.reserve(entries, bytes), "{}", factory.name());
        }
        assert_eq!(table.bytes(), 0);
        assert!(table.reserve(1, 1000));
    }
}

#[test]
fn most_of_the_room_goes_to_keys_and_values() {
    let table = create(&SkipArena::factory(), 1 << 20);
    let mut entries = 0;
    while table.reserve(1, 116) {
        entries += 1;
        table.insert(Entry::put(u64::to_be_bytes(entries), entries, [0; 108]).as_ref());
    }
    let bytes = entries * 116;
    assert!((700_000..1 << 20).contains(&bytes), "{bytes} of 1 MiB");
    assert!(table.bytes() <= (1 << 20) + (1 << 15), "the arena, and little for the filter");
}

#[test]
fn an_insert_without_a_reservation_is_a_mistake_that_harms_nobody() {
    let table = create(&SkipArena::factory(), 200);
    let long = Entry::put("key", 2, [0; 500]);
    let insert = |entry: &Entry| catch_unwind(AssertUnwindSafe(|| table.insert(entry.as_ref())));
    assert!(insert(&long).is_err());
    assert!(table.reserve(1, 4));
    assert!(insert(&long).is_err(), "larger than its reservation");
    assert!(insert(&Entry::put("key", 1, "v")).is_ok());
    assert!(insert(&Entry::put("key", 3, "w")).is_err(), "one more than was reserved");
    assert_eq!(get(&table, b"key", 9), Some(Entry::put("key", 1, "v")));
}

#[test]
fn one_of_many_first_reservations_makes_the_arena() {
    for factory in all() {
        for bytes in [40, 100, 10_000].repeat(20) {
            race_to_the_limit(&create(&factory, bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn reserved_batches_fit_until_one_is_refused(
        bytes in 1..20_000_usize,
        batches in vec(vec((0..20_usize, 0..60_usize), 0..12), 1..100),
    ) {
        for factory in all() {
            let table = create(&factory, bytes);
            let (mut seqno, mut largest, mut kept) = (0_u64, 0, Vec::new());
            for batch in &batches {
                let sum = batch.iter().map(|(key, value)| key + value).sum();
                if !table.reserve(u32::try_from(batch.len()).unwrap(), sum) {
                    continue;
                }
                for (key, value) in batch {
                    seqno += 1;
                    let entry = Entry::put(vec![seqno.to_le_bytes()[0]; *key], seqno, vec![2; *value]);
                    table.insert(entry.as_ref());
                    kept.push(entry);
                    prop_assert!(table.bytes() >= largest, "{}: MEM-04", factory.name());
                    largest = table.bytes();
                }
            }
            for entry in &kept {
                let found = get(&table, &entry.key, entry.seqno);
                prop_assert_eq!(found.as_ref(), Some(entry));
            }
        }
    }
}

/// Orders of keys that make many nodes out of few entries.
fn orders(keys: u32) -> [Vec<u32>; 5] {
    let ascending: Vec<_> = (0..keys).collect();
    let descending: Vec<_> = (0..keys).rev().collect();
    let mixed: Vec<_> = (0..keys).map(|i| i * 7919 % keys).collect();
    let inward: Vec<_> =
        (0..keys).map(|i| if i % 2 == 0 { i / 2 } else { keys - 1 - i / 2 }).collect();
    let mut full_then_halved: Vec<_> = (0..keys).filter(|i| i % 49 != 0).collect();
    full_then_halved.extend((0..keys).filter(|i| i % 49 == 0));
    [ascending, descending, mixed, inward, full_then_halved]
}

#[test]
fn small_entries_in_any_order_fit_until_it_is_full() {
    for bytes in [1 << 10, 1 << 16, 3 << 20] {
        for order in orders(100_003) {
            let table = create(&BTreeArena::factory(), bytes);
            let mut kept = 0;
            for (key, seqno) in order.iter().zip(1..) {
                if !table.reserve(1, 4) {
                    break;
                }
                table.insert(Entry::put(key.to_be_bytes(), seqno, []).as_ref());
                kept += 1;
            }
            let mut walk = Walk::new(&table);
            for backward in [false, true] {
                walk.seek(ALL, backward);
                assert_eq!(walk.rest().len(), kept);
            }
            let mut found = 0;
            for (key, seqno) in order.iter().zip(1..) {
                found += usize::from(get(&table, &key.to_be_bytes(), seqno).is_some());
            }
            assert_eq!(found, kept);
        }
    }
}

#[test]
fn one_reservation_of_all_small_entries_is_kept_in_any_order() {
    for order in orders(50_021) {
        let table = create(&BTreeArena::factory(), 50_021 * 4);
        assert!(table.reserve(50_021, 50_021 * 4));
        for (key, seqno) in order.iter().zip(1..) {
            table.insert(Entry::put(key.to_be_bytes(), seqno, []).as_ref());
        }
        let mut walk = Walk::new(&table);
        walk.seek(ALL, false);
        assert_eq!(walk.rest().len(), 50_021);
    }
}
