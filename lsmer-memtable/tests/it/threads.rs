//! Writers and readers at the same time.
//!
//! The thread sanitizer does not see the order that a contended `OnceLock` makes, nor the one at
//! the end of a scope: arenas are made before the threads, and handles are joined.

use std::{sync::Arc, thread};

use lsmer_core::{ALL, Memtable};
use lsmer_sync::atomic::{AtomicUsize, Ordering};

use crate::{
    get::get,
    model::{Entry, Walk, all, create},
};

const WRITERS: usize = 4;
const ENTRIES: usize = 3000;

/// Entry `i` of a writer. Keys of all writers are interleaved, and every third writes a key again
/// that all of them write.
fn entry(writer: usize, i: usize) -> Entry {
    let seqno = i * WRITERS + writer + 1;
    let key = if i.is_multiple_of(3) { i % 7 } else { seqno * 7919 % 50_021 };
    Entry::put(format!("a key {key:05}"), seqno as u64, seqno.to_string())
}

fn number(entry: &Entry) -> usize {
    usize::try_from(entry.seqno).expect("a small number")
}

/// Inserts entries and tells how many.
fn write(table: &Arc<dyn Memtable>, writer: usize, told: &AtomicUsize) {
    for i in 0..ENTRIES {
        let entry = entry(writer, i);
        assert!(table.reserve(1, entry.key.len() + entry.value.len()));
        table.insert(entry.as_ref());
        assert_eq!(get(table, &entry.key, entry.seqno), Some(entry));
        told.store(i + 1, Ordering::Release);
    }
}

/// Walks the memtable: it is in order and has all that was told. Returns the entries.
fn read(table: &Arc<dyn Memtable>, told: &[AtomicUsize; WRITERS], backward: bool) -> usize {
    let counts = told.each_ref().map(|told| told.load(Ordering::Acquire));
    let mut walk = Walk::new(table);
    walk.seek(ALL, backward);
    let mut entries = walk.rest();
    if backward {
        entries.reverse();
    }
    let ordered = |pair: &[Entry]| pair[0].as_ref().order(&pair[1].as_ref()).is_lt();
    assert!(entries.windows(2).all(ordered), "strictly ascending");
    let mut seen = vec![false; WRITERS * ENTRIES + 1];
    for entry in &entries {
        seen[number(entry)] = true;
    }
    for (writer, count) in (0..).zip(counts) {
        for i in 0..count {
            let entry = entry(writer, i);
            assert!(seen[number(&entry)], "{entry:?} was told and is lost");
            if i % 16 == 0 {
                assert_eq!(get(table, &entry.key, entry.seqno), Some(entry));
            }
        }
    }
    entries.len()
}

#[test]
fn readers_find_what_writers_have_told_in_order() {
    for factory in all() {
        let table = create(&factory, 8 << 20);
        let told = [const { AtomicUsize::new(0) }; WRITERS];
        assert!(table.reserve(0, 0), "the arena is made before the threads are");
        thread::scope(|scope| {
            let (table, told) = (&table, &told);
            let write = |writer: usize| scope.spawn(move || write(table, writer, &told[writer]));
            let writers: [_; WRITERS] = std::array::from_fn(write);
            let readers = [false, true].map(|backward| {
                scope.spawn(move || while read(table, told, backward) < WRITERS * ENTRIES {})
            });
            for handle in writers.into_iter().chain(readers) {
                handle.join().unwrap();
            }
        });
        assert_eq!(read(&table, &told, false), WRITERS * ENTRIES, "{}", factory.name());
    }
}

/// Lets threads reserve for two entries at a time and insert them until there is no room, and
/// checks that all entries are there.
pub(crate) fn race_to_the_limit(table: &Arc<dyn Memtable>) {
    let fill = |writer: usize| {
        let mut entries = 0;
        while table.reserve(2, 40) {
            for i in entries..entries + 2 {
                let seqno = (i * WRITERS + writer + 1) as u64;
                table.insert(Entry::put(seqno.to_be_bytes(), seqno, [1; 12]).as_ref());
            }
            entries += 2;
        }
        entries
    };
    let kept: usize = thread::scope(|scope| {
        let fill = &fill;
        let threads: [_; WRITERS] = std::array::from_fn(|writer| scope.spawn(move || fill(writer)));
        threads.map(|thread| thread.join().expect("it does not panic")).iter().sum()
    });
    let mut walk = Walk::new(table);
    walk.seek(ALL, false);
    assert_eq!(walk.rest().len(), kept);
    assert!(kept >= 2 && !table.reserve(2, 40));
}

#[test]
fn racing_reservations_never_promise_too_much() {
    for factory in all() {
        let table = create(&factory, 50_000);
        assert!(table.reserve(0, 0), "the arena is made before the threads are");
        race_to_the_limit(&table);
    }
}
