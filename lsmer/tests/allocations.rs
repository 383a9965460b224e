//! How often the front door allocates: never for a put, a lookup of a cached block or a step of a
//! scan, once things are warm; on a miss for each block, and not for each entry of it.
//!
//! Only what the calling thread allocates is counted. Left out are rotations: a memtable and a
//! segment of the log are made once in many puts, and here they are large enough for all of them.

#![expect(unsafe_code, reason = "a global allocator that counts")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
    ops::Bound,
};

use lsmer::{Builder, Db, Durability, Scan, WriteBatch, WriteOptions, parts};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    COUNT.set(COUNT.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: all calls go to the system's allocator unchanged; the counters allocate nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller's word; it was allocated by `System`.
        unsafe { System.dealloc(pointer, layout) };
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        count(bytes);
        // SAFETY: by the caller's word; it was allocated by `System`.
        unsafe { System.realloc(pointer, layout, bytes) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Operations that are measured.
const OPERATIONS: u32 = 10_000;
const VALUE_BYTES: usize = 100;
const ENTRIES: u32 = 20_000;

/// What some operations allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Allocations {
    count: u64,
    bytes: u64,
}

const NONE: Allocations = Allocations { count: 0, bytes: 0 };

fn allocations(run: impl FnOnce()) -> Allocations {
    let (count, bytes) = (COUNT.get(), BYTES.get());
    run();
    Allocations { count: COUNT.get() - count, bytes: BYTES.get() - bytes }
}

fn key(n: u32) -> [u8; 16] {
    let mut key = *b"user key ....   ";
    key[9..13].copy_from_slice(&n.to_be_bytes());
    key
}

fn value(n: u32) -> [u8; VALUE_BYTES] {
    let mut value = [b'.'; VALUE_BYTES];
    value[..4].copy_from_slice(&n.to_be_bytes());
    value
}

/// A database in which nothing rotates while it is measured.
fn builder(folder: &tempfile::TempDir) -> Builder {
    Db::builder(folder.path().join("db"))
        .memory_budget(256 << 20)
        .memtable_bytes(64 << 20)
        .segment_bytes(64 << 20, 64 << 20)
}

fn fill(db: &Db) {
    for n in 0..ENTRIES {
        db.put(key(n), value(n)).unwrap();
    }
}

/// A database whose entries are all in one run, with every block in the cache.
fn warm(folder: &tempfile::TempDir) -> Db {
    let db = builder(folder).open().unwrap();
    fill(&db);
    db.compact(..).unwrap();
    for n in 0..ENTRIES {
        assert!(db.contains_key(key(n)).unwrap());
    }
    db
}

#[test]
fn the_counter_counts() {
    let one = allocations(|| drop(black_box(Box::new([1_u8; 40]))));
    assert_eq!(one, Allocations { count: 1, bytes: 40 });
}

#[test]
fn a_put_allocates_nothing() {
    for durability in [Durability::Process, Durability::Sync] {
        let folder = tempfile::tempdir().unwrap();
        let db = builder(&folder).durability(durability).open().unwrap();
        let operations = if durability == Durability::Sync { 500 } else { OPERATIONS };
        let put = |from: u32| {
            for n in from..from + operations {
                db.put(key(n), value(n)).unwrap();
            }
        };
        put(0);
        assert_eq!(allocations(|| put(operations)), NONE, "puts of new keys, {durability:?}");
        assert_eq!(allocations(|| put(0)), NONE, "puts of old keys, {durability:?}");
        let delete = || (0..operations).for_each(|n| db.delete(key(n)).unwrap());
        assert_eq!(allocations(delete), NONE, "deletes, {durability:?}");
        assert_eq!(db.stats().flushes, 0, "nothing rotated");
    }
}

#[test]
fn a_batch_that_is_used_again_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = builder(&folder).open().unwrap();
    let mut batch = WriteBatch::new();
    let mut write = |n: u32| {
        batch.clear();
        batch.put(key(n), value(n));
        batch.delete(key(n + 1));
        db.write_with(&batch, WriteOptions::process()).unwrap();
    };
    write(0);
    assert_eq!(allocations(|| (1..OPERATIONS).for_each(write)), NONE);
}

#[test]
fn a_lookup_of_what_is_in_memory_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = builder(&folder).open().unwrap();
    fill(&db);
    assert_lookups_are_free(&db, "in the memtable");
    drop(db);
    let folder = tempfile::tempdir().unwrap();
    assert_lookups_are_free(&warm(&folder), "in the cache");
}

fn assert_lookups_are_free(db: &Db, place: &str) {
    let mut buffer = Vec::with_capacity(VALUE_BYTES);
    let each = |n: u32| n * 7919 % ENTRIES;
    let get_into = || {
        for n in (0..OPERATIONS).map(each) {
            assert!(db.get_into(key(n), &mut buffer).unwrap());
            assert_eq!(buffer, value(n));
        }
    };
    assert_eq!(allocations(get_into), NONE, "get_into, {place}");
    let get_with = || {
        for n in (0..OPERATIONS).map(each) {
            assert_eq!(db.get_with(key(n), |found| found == value(n)).unwrap(), Some(true));
        }
    };
    assert_eq!(allocations(get_with), NONE, "get_with, {place}");
    let absent = || {
        for n in 0..OPERATIONS {
            let mut key = key(n);
            key[15] = b'!'; // among the others
            assert!(!db.contains_key(key).unwrap());
        }
    };
    assert_eq!(allocations(absent), NONE, "contains_key of no key, {place}");
    let snapshot = db.snapshot();
    let get_with = || {
        for n in (0..OPERATIONS).map(each) {
            assert!(snapshot.get_with(key(n), |_| ()).unwrap().is_some());
        }
    };
    assert_eq!(allocations(get_with), NONE, "get_with of a snapshot, {place}");
}

fn walk(scan: &mut Scan, steps: u32, backward: bool) {
    for _ in 0..steps {
        let entry = if backward { scan.next_back() } else { scan.next() };
        assert_eq!(entry.unwrap().expect("there are more").1.len(), VALUE_BYTES);
    }
}

#[test]
fn a_step_of_a_scan_allocates_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let db = builder(&folder).open().unwrap();
    fill(&db);
    let folder = tempfile::tempdir().unwrap();
    let cached = warm(&folder);
    // Some of it twice: in the memtable, and in tables.
    let folder = tempfile::tempdir().unwrap();
    let both = warm(&folder);
    (0..ENTRIES).step_by(3).for_each(|n| both.put(key(n), value(n)).unwrap());
    for (db, place) in [(&db, "memtable"), (&cached, "cache"), (&both, "both")] {
        for backward in [false, true] {
            let mut scan = db.iter().unwrap();
            walk(&mut scan, 1000, backward);
            let steps = allocations(|| walk(&mut scan, OPERATIONS, backward));
            assert_eq!(steps, NONE, "{OPERATIONS} steps, {place}, backward: {backward}");
        }
    }
}

#[test]
fn a_short_scan_after_another_allocates_for_each_run_only() {
    let folder = tempfile::tempdir().unwrap();
    let db = builder(&folder).open().unwrap();
    fill(&db);
    let folder = tempfile::tempdir().unwrap();
    let cached = warm(&folder);
    let short = |db: &Db, n, backward| {
        let key = key(n);
        let from = (Bound::Included(&key), Bound::Unbounded);
        let to = (Bound::Unbounded, Bound::Included(&key));
        walk(&mut db.range::<[u8; 16]>(if backward { to } else { from }).unwrap(), 10, backward);
    };
    for (db, runs, place) in [(&db, 0, "memtable"), (&cached, 1, "cache")] {
        for backward in [false, true] {
            let scans = || (500..600).for_each(|n| short(db, n, backward));
            scans();
            let all = allocations(scans);
            // Its cursor, with a copy of each bound.
            let most = 100 * runs * 3;
            assert!(all.count <= most, "{all:?}, at most {most}, {place}, backward: {backward}");
        }
    }
}

#[test]
fn a_miss_allocates_for_its_block_and_not_for_its_entries() {
    let folder = tempfile::tempdir().unwrap();
    drop(warm(&folder));
    let db = builder(&folder).cache(parts::NoCache).open().unwrap();
    // Index and filter are few among them.
    let all_blocks = db.verify().blocks;
    let entries_per_block = u64::from(ENTRIES) / all_blocks;
    assert!(entries_per_block > 20, "{all_blocks} blocks");

    let blocks = u64::from(OPERATIONS) / entries_per_block;
    for backward in [false, true] {
        let mut scan = db.iter().unwrap();
        walk(&mut scan, 100, backward);
        let cold = allocations(|| walk(&mut scan, OPERATIONS, backward));
        println!("{OPERATIONS} steps over {blocks} blocks, backward: {backward}: {cold:?}");
        assert_per_block(cold, blocks);
    }
    let lookups = allocations(|| {
        for n in (0..1000).map(|n| n * 7919 % ENTRIES) {
            assert!(db.get_with(key(n), |_| ()).unwrap().is_some());
        }
    });
    println!("1000 lookups that miss: {lookups:?}");
    assert_per_block(lookups, 1000);
}

/// A block of 4 KiB costs its buffer, its memory form if that is another one, and a handful of
/// small things: who waits for it, the shelf it is put on.
fn assert_per_block(cold: Allocations, blocks: u64) {
    let Allocations { count, bytes } = cold;
    assert!(count <= 20 * blocks, "{count} allocations for {blocks} blocks");
    assert!(bytes <= blocks * 3 * (4 << 10), "{bytes} bytes for {blocks} blocks of 4 KiB");
}
