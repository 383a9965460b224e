//! Which blocks a table asks for: no more than it needs, and ahead of a walk.

use std::{ops::Bound, sync::Arc};

use lsmer_cache::NoCache;
use lsmer_core::{
    ALL, BlockReader, BlockRequest, BlockShelf, FilterPolicy, Probe, SeqNo, Step, Table, TableSpec,
    Window,
};
use lsmer_filter::NoFilter;

use crate::support::*;

fn open(entries: &[Entry], block_bytes: u32) -> (Driver, Arc<dyn Table>) {
    let format = columnar();
    let spec = TableSpec { block_bytes, ..spec() };
    let (file, meta) = build(&*format, &spec, entries).unwrap();
    let mut driver = Driver::new(&format, &file);
    let table = driver.open(&meta).unwrap();
    driver.fetched = 0;
    (driver, table)
}

#[test]
fn opening_asks_for_index_and_filter_at_once() {
    let format = columnar();
    let (_, meta) = build(&*format, &spec(), &puts(10, 10)).unwrap();
    let mut shelf = BlockShelf::default();
    let opened =
        format.open(&Arc::new(meta), &bloom(), &mut BlockReader::new(&NoCache, &mut shelf));
    assert!(matches!(opened, Ok(Step::Miss)));
    assert_eq!(shelf.missing().len(), 2);
}

#[test]
fn a_filter_of_another_policy_is_left_unread() {
    let format = columnar();
    let (file, meta) = build(&*format, &spec(), &puts(10, 10)).unwrap();
    let mut driver = Driver::new(&format, &file);
    let policy: Arc<dyn FilterPolicy> = Arc::new(NoFilter);
    let meta = Arc::new(meta);
    let table = driver.run(|blocks| format.open(&meta, &policy, blocks)).unwrap();
    assert_eq!(driver.fetched, 1);
    assert!(driver.get(&table, b"key00003", 100).unwrap().is_some());
}

#[test]
fn a_lookup_reads_one_block_and_an_absent_key_none() {
    let (mut driver, table) = open(&puts(1000, 100), 4096);
    for entry in puts(1000, 100).iter().step_by(37) {
        driver.get(&table, &entry.key, 2000).unwrap().expect("it is there");
        assert_eq!(std::mem::take(&mut driver.fetched), 1);
    }
    let absent = |i: u32| format!("key{i:05}x").into_bytes();
    for i in 0..1000 {
        assert_eq!(driver.get(&table, &absent(i), 2000).unwrap(), None);
    }
    assert!(driver.fetched < 50, "{} false positives of 1000", driver.fetched);
    driver.fetched = 0;
    for key in [&b"a"[..], b"z"] {
        assert_eq!(driver.get(&table, key, 2000).unwrap(), None);
    }
    assert_eq!(driver.fetched, 0, "outside of the bounds");
}

#[test]
fn a_lookup_goes_on_only_while_the_key_does() {
    let mut entries = vec![Entry::put(b"a", 1, b"")];
    entries.extend((1..=40).rev().map(|seqno| Entry::put(b"b", seqno, &[0; 30])));
    entries.push(Entry::put(b"c", 1, b""));
    // A block of three rows holds about 100 bytes.
    let (mut driver, table) = open(&entries, 100);
    let blocks = table.blocks().len() - 3;
    assert!(blocks > 10);
    let mut last = 0;
    for snapshot in (1..=40).rev() {
        let found = driver.get(&table, b"b", snapshot).unwrap().expect("it is there");
        assert_eq!(found.seqno, snapshot);
        let fetched = std::mem::take(&mut driver.fetched);
        assert!(fetched == last || fetched == last + 1, "no block is skipped or read in vain");
        last = fetched;
    }
    assert!(last >= blocks - 1);
    // No version is visible: every block of the key, and none after it.
    assert_eq!(driver.get(&table, b"b", 0).unwrap(), None);
    assert!(driver.fetched <= blocks);
    driver.fetched = 0;
    assert_eq!(driver.get(&table, b"a", 0).unwrap(), None);
    assert_eq!(driver.fetched, 1);
}

#[test]
fn a_walk_reads_ahead_ever_more_blocks() {
    let (mut driver, table) = open(&puts(2000, 100), 512);
    let data: Vec<BlockRequest> = table.blocks();
    let data = &data[..data.len() - 3];
    assert!(data.len() > 100);
    for backward in [false, true] {
        let order: Vec<_> =
            if backward { data.iter().rev().collect() } else { data.iter().collect() };
        let mut shelf = BlockShelf::default();
        let mut cursor = Arc::clone(&table).cursor();
        let seek = cursor.seek(ALL, backward, &mut BlockReader::new(&NoCache, &mut shelf));
        assert!(matches!(seek, Ok(Step::Done(()))));
        let (mut window, mut shown, mut batches) = (Window::End, 0, Vec::new());
        while shown < data.len() {
            let mut blocks = BlockReader::new(&NoCache, &mut shelf);
            if let Step::Done(()) = cursor.next_window(&mut window, &mut blocks).unwrap() {
                shown += 1;
                continue;
            }
            let missing = shelf.missing().to_vec();
            // CURSOR-02: asked again, it lacks the same.
            let mut blocks = BlockReader::new(&NoCache, &mut shelf);
            assert_eq!(cursor.next_window(&mut window, &mut blocks).unwrap(), Step::Miss);
            assert_eq!(shelf.missing(), missing);
            assert!(missing.iter().zip(&order[shown..]).all(|(asked, next)| asked == *next));
            batches.push(missing.len());
            shelf.drop_used();
            for request in missing {
                let block = driver.fetch(request).unwrap();
                shelf.deliver(request.id, block);
            }
        }
        assert_eq!(batches[..7], [1, 2, 3, 5, 9, 17, 17]);
        assert_eq!(batches.iter().sum::<usize>(), data.len(), "nothing is read twice");
        // A new walk begins with small steps, and does not read past its range.
        shelf.clear();
        let (one, many) = (&b"key01000"[..], &b"key01900"[..]);
        let few = (Bound::Included(one), Bound::Included(one));
        for range in [(Bound::Included(one), Bound::Included(many)), few] {
            let mut blocks = BlockReader::new(&NoCache, &mut shelf);
            assert_eq!(cursor.seek(range, backward, &mut blocks).unwrap(), Step::Done(()));
            assert_eq!(cursor.next_window(&mut window, &mut blocks).unwrap(), Step::Miss);
            assert_eq!(shelf.missing().len(), 1);
            shelf.clear();
        }
    }
}

#[test]
fn a_range_reads_only_the_blocks_it_needs() {
    let entries = puts(400, 100);
    let (mut driver, table) = open(&entries, 512);
    let blocks = table.blocks();
    let mut keys = Vec::new();
    for request in &blocks[..blocks.len() - 3] {
        let block = driver.fetch(*request).unwrap();
        let mut key = Vec::new();
        block.key_into(0, &mut key);
        let first = key.clone();
        block.key_into(block.len() - 1, &mut key);
        keys.push((first, key));
    }
    driver.fetched = 0;
    for backward in [false, true] {
        for (first, last) in &keys {
            let range = (Bound::Included(&**first), Bound::Included(&**last));
            let found = driver.scan(&table, range, backward).unwrap();
            assert_eq!(found, model_scan(&entries, range));
            assert!(std::mem::take(&mut driver.fetched) <= 2);
            let range = (Bound::Excluded(&**first), Bound::Excluded(&**last));
            assert_eq!(driver.scan(&table, range, backward).unwrap(), model_scan(&entries, range));
            assert_eq!(std::mem::take(&mut driver.fetched), 1);
        }
    }
    let empty = (Bound::Included(&b"key2"[..]), Bound::Excluded(&b"key1"[..]));
    assert!(driver.scan(&table, empty, false).unwrap().is_empty());
    assert_eq!(driver.fetched, 0);
}

#[test]
fn memory_of_a_table_is_accounted_for() {
    let (_, small) = open(&puts(10, 100), 4096);
    let (_, large) = open(&puts(10_000, 100), 4096);
    let blocks = large.blocks().len();
    assert!(small.bytes() < 1000);
    assert!(large.bytes() > 10_000 * 10 / 8 + blocks * 24);
    assert!(large.bytes() < 10_000 * 10 / 8 + blocks * 60);
    let probe = Probe::new(b"key00001", SeqNo::MAX);
    let mut shelf = BlockShelf::default();
    let got = large.get(&probe, &mut BlockReader::new(&NoCache, &mut shelf));
    assert!(matches!(got, Ok(Step::Miss)));
}
