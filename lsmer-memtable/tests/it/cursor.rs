//! Cursors agree with the model, in both directions (`CURSOR-01`, `MEM-03`).

use std::{collections::BTreeSet, ops::Bound};

use lsmer_core::{ALL, KeyRange};
use proptest::{collection::vec, prelude::*};

use crate::model::{Entry, Walk, all, bound, create, entries, filled, in_range, insert, model_of};

type Owned = (Bound<Vec<u8>>, Bound<Vec<u8>>);

fn borrow((low, high): &Owned) -> KeyRange<'_> {
    (low.as_ref().map(|key| &key[..]), high.as_ref().map(|key| &key[..]))
}

/// Seeks to make with one cursor: a range, a direction, and how many windows to read, or all.
fn seeks() -> impl Strategy<Value = Vec<(Owned, bool, Option<usize>)>> {
    let windows = proptest::option::of(0..4_usize);
    vec(((bound(), bound()), any::<bool>(), windows), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn windows_hold_exactly_the_range(entries in entries(600), seeks in seeks()) {
        let model = model_of(&entries);
        for factory in all() {
            let table = filled(&factory, &entries);
            let mut walk = Walk::new(&table);
            prop_assert_eq!(walk.next(), None, "it is not placed");
            for (range, backward, windows) in &seeks {
                let mut want = in_range(&model, borrow(range));
                if *backward {
                    want.reverse();
                }
                walk.seek(borrow(range), *backward);
                let got = match windows {
                    None => walk.rest(),
                    Some(windows) => {
                        let got = (0..*windows).map_while(|_| walk.next()).flatten().collect();
                        want.truncate(Vec::len(&got));
                        got
                    }
                };
                prop_assert_eq!(got, want, "{}", factory.name());
            }
        }
    }

    #[test]
    fn a_walk_sees_what_was_there_and_perhaps_what_came(
        entries in entries(300),
        old in 0..300_usize,
        range in (bound(), bound()),
        backward: bool,
    ) {
        let (old, new) = entries.split_at(old.min(entries.len()));
        let before = model_of(old);
        let after = model_of(&entries);
        for factory in all() {
            let table = filled(&factory, old);
            let mut walk = Walk::new(&table);
            walk.seek(borrow(&range), backward);
            let mut new = new.iter();
            let mut got = Vec::new();
            loop {
                new.by_ref().take(30).for_each(|entry| insert(&table, entry));
                let Some(entries) = walk.next() else { break };
                got.extend(entries);
            }
            if backward {
                got.reverse();
            }
            let ordered = |pair: &[Entry]| pair[0].as_ref().order(&pair[1].as_ref()).is_lt();
            prop_assert!(got.windows(2).all(ordered), "each once, in order");
            let seqnos: BTreeSet<_> = got.iter().map(|entry| entry.seqno).collect();
            for entry in in_range(&before, borrow(&range)) {
                prop_assert!(seqnos.contains(&entry.seqno), "{} lost an entry", factory.name());
            }
            let possible = in_range(&after, borrow(&range));
            prop_assert!(got.iter().all(|entry| possible.contains(entry)));
        }
    }
}

#[test]
fn values_larger_than_a_window_come_one_by_one() {
    for factory in all() {
        let large = |i: u8| Entry::put([i], u64::from(i) + 1, vec![i; 100_000]);
        let entries: Vec<_> = (0..5).map(large).collect();
        let table = filled(&factory, &entries);
        let mut walk = Walk::new(&table);
        for backward in [false, true] {
            walk.seek(ALL, backward);
            for i in 0..5 {
                let i = if backward { 4 - i } else { i };
                assert_eq!(walk.next(), Some(vec![large(i)]), "{}", factory.name());
            }
            assert_eq!(walk.next(), None);
        }
    }
}

#[test]
fn many_entries_come_back_from_both_ends() {
    for factory in all() {
        let entry = |i: u64| Entry::put((i * 7919 % 20_000).to_be_bytes(), i + 1, []);
        let mut entries: Vec<_> = (0..20_000).map(entry).collect();
        let table = filled(&factory, &entries);
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        let mut walk = Walk::new(&table);
        walk.seek(ALL, false);
        assert!(walk.rest() == entries, "{} forward", factory.name());
        entries.reverse();
        walk.seek(ALL, true);
        assert!(walk.rest() == entries, "{} backward", factory.name());
    }
}

#[test]
fn a_cursor_keeps_its_memtable_alive() {
    for factory in all() {
        let table = create(&factory, 1 << 10);
        insert(&table, &Entry::put("k", 1, "v"));
        let mut walk = Walk::new(&table);
        drop(table);
        walk.seek(ALL, true);
        assert_eq!(walk.rest(), [Entry::put("k", 1, "v")]);
    }
}
