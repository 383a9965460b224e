//! Lookups agree with the model at every snapshot (`MEM-02`).

use std::{cmp::Reverse, sync::Arc};

use lsmer_core::{Memtable, Probe, SeqNo};
use proptest::prelude::*;

use crate::model::{Entry, all, create, entries, filled, insert, key, model_of};

pub(crate) fn get(table: &Arc<dyn Memtable>, key: &[u8], snapshot: u64) -> Option<Entry> {
    let mut entry = None;
    let answer = table.get(&Probe::new(key, SeqNo(snapshot)), &mut |found| {
        assert!(entry.is_none(), "found is called once");
        entry = Some(Entry::from(found));
    });
    assert_eq!(answer, entry.is_some());
    entry
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn get_finds_the_newest_entry_at_every_snapshot(
        entries in entries(40),
        others in proptest::collection::vec(key(), 0..20),
    ) {
        let model = model_of(&entries);
        let keys = entries.iter().map(|entry| &entry.key).chain(&others);
        for factory in all() {
            let table = filled(&factory, &entries);
            for key in keys.clone() {
                for snapshot in (0..=entries.len() as u64 + 1).chain([u64::MAX]) {
                    let want = model
                        .range((key.clone(), Reverse(snapshot))..)
                        .next()
                        .filter(|((found, _), _)| found == key)
                        .map(|((_, seqno), (kind, value))| {
                            Entry { kind: *kind, ..Entry::put(key.clone(), seqno.0, value.clone()) }
                        });
                    prop_assert_eq!(get(&table, key, snapshot), want, "{}", factory.name());
                }
            }
        }
    }
}

#[test]
fn an_untouched_memtable_is_empty() {
    for factory in all() {
        let table = create(&factory, 1 << 20);
        assert_eq!(get(&table, b"", u64::MAX), None);
        assert_eq!(table.bytes(), 0);
    }
}

#[test]
fn every_seqno_can_be_looked_up() {
    for factory in all() {
        let table = create(&factory, 1 << 20);
        for seqno in [0, 1, u64::MAX - 1, u64::MAX] {
            let entry = Entry::put("k", seqno, seqno.to_string());
            insert(&table, &entry);
            assert_eq!(get(&table, b"k", seqno), Some(entry), "{}", factory.name());
        }
        assert_eq!(get(&table, b"k", 77).unwrap().seqno, 1);
    }
}
