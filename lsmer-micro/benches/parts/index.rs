//! The index of a table: a cursor's seek, which looks for the block, and a lookup of a key, which
//! searches filter, index and block, all of them cached.

use std::{ops::Bound, sync::Arc};

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
            let windows = windows(&sorted(shape, entries));
            for format in formats() {
                let (file, meta) = build(&*format, &windows, BLOCK_BYTES, Compression::None);
                let opened = Opened::new(format, &*file, meta);
                let case = format!("{}/{}/{entries}", opened.format.name(), shape.name());
                searches(criterion, &case, opened, shape);
            }
        }
    }
}

/// A table with all of its blocks in a cache.
struct Opened {
    format: Arc<dyn TableFormat>,
    table: Arc<dyn Table>,
    cache: SlotCache,
    shelf: BlockShelf,
}

impl Opened {
    fn new(format: Arc<dyn TableFormat>, file: &dyn VfsFile, meta: TableMeta) -> Self {
        let cache = SlotCache::new(512 << 20);
        let mut shelf = BlockShelf::default();
        let meta = Arc::new(meta);
        let filter: Arc<dyn FilterPolicy> = Arc::new(BlockedBloom::new());
        let table = loop {
            let mut blocks = BlockReader::new(&cache, &mut shelf);
            match format.open(&meta, &filter, &mut blocks).expect("it was just built") {
                Step::Done(table) => break table,
                Step::Miss => deliver(&*format, file, &mut shelf),
            }
        };
        shelf.clear();
        for request in table.blocks() {
            let mut raw = vec![0; request.bytes as usize];
            file.read_exact_at(&mut raw, request.id.offset).expect("files in memory do not fail");
            let block = format.decode(&request.id, raw.into()).expect("it was just built");
            cache.insert(request.id, block);
        }
        Self { format, table, cache, shelf }
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

fn searches(criterion: &mut Criterion<CpuTime>, case: &str, opened: Opened, shape: Shape) {
    let Opened { table, cache, mut shelf, .. } = opened;
    let mut group = criterion.benchmark_group("table");
    let order = shuffled(table.meta().entries, 1);
    let wanted: Vec<_> = order.into_iter().map(|n| (n, shape.key(n))).collect();
    let mut blocks = BlockReader::new(&cache, &mut shelf);
    let mut cursor = Arc::clone(&table).cursor();
    for (_, key) in &wanted[..100] {
        assert_eq!(first_at(&mut *cursor, key, &mut blocks), *key);
    }
    let mut chain = Chain::new(&wanted);
    group.bench_function(BenchmarkId::new("seek", case), |bencher| {
        bencher.iter(|| {
            chain.step(|(_, key)| {
                let range = (Bound::Included(key.as_slice()), Bound::Unbounded);
                matches!(cursor.seek(range, false, &mut blocks), Ok(Step::Done(())))
            });
        });
    });
    let mut chain = Chain::new(&wanted);
    group.bench_function(BenchmarkId::new("get", case), |bencher| {
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
