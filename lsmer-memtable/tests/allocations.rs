//! Memtables in arenas allocate when they are made and when buffers grow, and not for each operation.

#![expect(unsafe_code, reason = "a global allocator that counts")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::Arc,
};

use lsmer_core::{
    ALL, Block, BlockCache, BlockId, BlockReader, BlockShelf, EntryRef, Kind, Memtable,
    MemtableFactory, MemtableSpec, Probe, SeqNo, TableId, Window,
};
use lsmer_memtable::{BTreeArena, SkipArena};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: all calls go to the system's allocator unchanged; the counter allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: by the caller's word.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: by the caller's word; it was allocated by `System`.
        unsafe { System.dealloc(pointer, layout) };
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Returns how often this thread allocates in `run`.
fn allocations(run: impl FnOnce()) -> u64 {
    let before = COUNT.get();
    run();
    COUNT.get() - before
}

#[derive(Debug)]
struct NoCache;

impl BlockCache for NoCache {
    fn get(&self, _: &BlockId) -> Option<Block> {
        None
    }
    fn insert(&self, _: BlockId, _: Block) {}
    fn remove_table(&self, _: TableId) {}
    fn bytes(&self) -> usize {
        0
    }
}

fn insert(table: &Arc<dyn Memtable>, i: u64) {
    let key = (i * 7919 % 10_000).to_be_bytes();
    assert!(table.reserve(1, 108));
    table.insert(EntryRef { key: &key, seqno: SeqNo(i + 1), kind: Kind::Put, value: &[1; 100] });
}

#[test]
fn steady_operations_do_not_allocate() {
    assert!(allocations(|| drop(std::hint::black_box(Box::new(1)))) > 0, "the counter counts");
    for factory in [BTreeArena::factory(), SkipArena::factory()] {
        check(&*factory);
    }
}

fn check(factory: &dyn MemtableFactory) {
    let table = factory.create(&MemtableSpec { bytes: 4 << 20 });
    assert!(allocations(|| insert(&table, 0)) > 0, "the arena is made");

    assert_eq!(allocations(|| (1..10_000).for_each(|i| insert(&table, i))), 0, "inserts");

    let lookups = || {
        for i in 0..20_000_u64 {
            let key = i.to_be_bytes();
            let found = table.get(&Probe::new(&key, SeqNo::MAX), &mut |entry| {
                assert_eq!(entry.value, [1; 100]);
            });
            assert_eq!(found, i < 10_000);
        }
    };
    assert_eq!(allocations(lookups), 0, "gets");

    let mut cursor = Arc::clone(&table).cursor();
    let mut shelf = BlockShelf::default();
    let blocks = &mut BlockReader::new(&NoCache, &mut shelf);
    let mut window = Window::End;
    let mut walk = |backward| {
        let mut entries = 0;
        let _done = cursor.seek(ALL, backward, blocks).expect("it does not fail");
        loop {
            let _done = cursor.next_window(&mut window, blocks).expect("it does not fail");
            entries += window.range().len();
            if window.range().is_empty() {
                break;
            }
        }
        assert_eq!(entries, 10_000);
    };
    walk(false);
    assert_eq!(allocations(|| [true, false].into_iter().for_each(walk)), 0, "windows");
}
