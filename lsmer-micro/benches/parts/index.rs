//! The index of a table: a cursor's seek, which looks for the block and says nothing of it, so that
//! the next seek need not wait; and a lookup of a key, which searches filter, index and block, all
//! of them cached.

use std::{cell::LazyCell, ops::Bound, sync::Arc};

use criterion::{BenchmarkId, Criterion};
use lsmer::{
    Compression,
    parts::{
        BlockedBloom, SlotCache,
        core::{
            BlockCache, BlockReader, BlockShelf, Cursor, FilterPolicy, Probe, SeqNo, Step, Table,
            TableFormat, TableMeta, VfsFile, Window,
        },
    },
};
use lsmer_micro::keys::{Shape, is_value, shuffled};

use crate::{
    cpu_time::CpuTime,
    sizes::{Chain, scaled},
    table::{BLOCK_BYTES, build, formats, sorted, windows},
};

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    for shape in Shape::ALL {
        // About 300 and 17,000 blocks.
        for entries in [10_000, scaled(600_000)] {
            for format in formats() {
                let case = format!("{}/{}/{entries}", format.name(), shape.name());
                let opened = LazyCell::new(|| {
                    let windows = windows(&sorted(shape, entries));
                    let (file, meta) = build(&*format, &windows, BLOCK_BYTES, Compression::None);
                    Opened::new(&*format, &*file, meta, shape)
                });
                searches(criterion, &case, &opened);
            }
        }
    }
}

/// A table with all of its blocks in a cache.
struct Opened {
    table: Arc<dyn Table>,
    cache: SlotCache,
    /// Numbers of its entries and their keys, in no order.
    wanted: Vec<(u64, Vec<u8>)>,
}

impl Opened {
    fn new(format: &dyn TableFormat, file: &dyn VfsFile, meta: TableMeta, shape: Shape) -> Self {
        let cache = SlotCache::new(512 << 20);
        let mut shelf = BlockShelf::default();
        let meta = Arc::new(meta);
        let filter: Arc<dyn FilterPolicy> = Arc::new(BlockedBloom::new());
        let table = loop {
            let mut blocks = BlockReader::new(&cache, &mut shelf);
            match format.open(&meta, &filter, &mut blocks).expect("it was just built") {
                Step::Done(table) => break table,
                Step::Miss => deliver(format, file, &mut shelf),
            }
        };
        for request in table.blocks() {
            let mut raw = vec![0; request.bytes as usize];
            file.read_exact_at(&mut raw, request.id.offset).expect("files in memory do not fail");
            let block = format.decode(&request.id, raw.into()).expect("it was just built");
            cache.insert(request.id, block);
        }
        let order = shuffled(meta.entries, 1);
        let wanted = order.into_iter().map(|n| (n, shape.key(n))).collect();
        Self { table, cache, wanted }
    }
}

fn deliver(format: &dyn TableFormat, file: &dyn VfsFile, shelf: &mut BlockShelf) {
    for request in shelf.missing().to_vec() {
        let mut raw = vec![0; request.bytes as usize];
        file.read_exact_at(&mut raw, request.id.offset).expect("files in memory do not fail");
        let block = format.decode(&request.id, raw.into()).expect("it was just built");
        shelf.deliver(request.id, block);
    }
}

fn searches<F: FnOnce() -> Opened>(
    criterion: &mut Criterion<CpuTime>,
    case: &str,
    opened: &LazyCell<Opened, F>,
) {
    let mut group = criterion.benchmark_group("table");
    group.bench_function(BenchmarkId::new("seek", case), |bencher| {
        let Opened { table, cache, wanted } = &**opened;
        let mut shelf = BlockShelf::default();
        let mut blocks = BlockReader::new(cache, &mut shelf);
        let mut cursor = Arc::clone(table).cursor();
        for (_, key) in &wanted[..100] {
            assert_eq!(first_at(&mut *cursor, key, &mut blocks), *key);
        }
        let mut chain = Chain::new(wanted);
        bencher.iter(|| {
            chain.step(|(_, key)| {
                let range = (Bound::Included(key.as_slice()), Bound::Unbounded);
                matches!(cursor.seek(range, false, &mut blocks), Ok(Step::Done(())))
            });
        });
    });
    group.bench_function(BenchmarkId::new("get", case), |bencher| {
        let Opened { table, cache, wanted } = &**opened;
        let mut shelf = BlockShelf::default();
        let mut blocks = BlockReader::new(cache, &mut shelf);
        let mut chain = Chain::new(wanted);
        bencher.iter(|| {
            chain.step(|(n, key)| {
                let found = table.get(&Probe::new(key, SeqNo::MAX), &mut blocks);
                let Ok(Step::Done(Some(lookup))) = found else { return false };
                is_value(lookup.value(), *n)
            });
        });
    });
    group.finish();
}

/// Returns the first key that a cursor shows after it was sent to `key`.
fn first_at(cursor: &mut dyn Cursor, key: &[u8], blocks: &mut BlockReader<'_>) -> Vec<u8> {
    let range = (Bound::Included(key), Bound::Unbounded);
    assert!(matches!(cursor.seek(range, false, blocks), Ok(Step::Done(()))));
    let mut window = Window::default();
    assert!(matches!(cursor.next_window(&mut window, blocks), Ok(Step::Done(()))));
    match window {
        Window::Rows { block, rows } => block.entry(rows.start, &mut Vec::new()).key.to_vec(),
        Window::Batch(batch) => batch.entry(0).key.to_vec(),
        Window::End => Vec::new(),
    }
}
