//! Tables: how long one takes to build, for each entry.

use std::{cell::LazyCell, path::Path, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput};
use lsmer::{
    Compression,
    parts::{
        BlockedBloom, ColumnarFormat, SortedArrayFormat,
        core::{
            EntryBatch, EntryRef, FileClass, Kind, OpenOptions, SeqNo, TableFormat, TableId,
            TableMeta, TableSpec, Vfs, VfsFile, Window,
        },
        io::MemVfs,
    },
};
use lsmer_micro::keys::{Shape, value};

use crate::{cpu_time::CpuTime, sizes::scaled};

/// Blocks of the default size.
pub(crate) const BLOCK_BYTES: u32 = 4 << 10;

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    let entries = scaled(100_000);
    let mut group = criterion.benchmark_group("table");
    group.throughput(Throughput::Elements(entries));
    for shape in Shape::ALL {
        let windows = LazyCell::new(|| windows(&sorted(shape, entries)));
        for format in formats() {
            for compression in [Compression::None, Compression::Lz4] {
                let case = format!("{}/{}/{compression:?}", format.name(), shape.name());
                group.bench_function(BenchmarkId::new("build", case), |bencher| {
                    let windows = &*windows;
                    bencher.iter(|| {
                        let (_, meta) = build(&*format, windows, BLOCK_BYTES, compression);
                        assert_eq!(meta.entries, entries);
                    });
                });
            }
        }
    }
    group.finish();
}

/// Those that ship.
pub(crate) fn formats() -> Vec<Arc<dyn TableFormat>> {
    vec![Arc::new(ColumnarFormat::default()), Arc::new(SortedArrayFormat::default())]
}

/// Returns the keys of `0..count` in order, with their numbers.
pub(crate) fn sorted(shape: Shape, count: u64) -> Vec<(Vec<u8>, u64)> {
    let mut pairs: Vec<_> = (0..count).map(|n| (shape.key(n), n)).collect();
    pairs.sort_unstable();
    pairs
}

/// Returns windows as a merge hands them on.
pub(crate) fn windows(pairs: &[(Vec<u8>, u64)]) -> Vec<Window> {
    let window = |pairs: &[(Vec<u8>, u64)]| {
        let mut batch = EntryBatch::default();
        for (key, n) in pairs {
            batch.push(EntryRef { key, seqno: SeqNo(n + 1), kind: Kind::Put, value: &value(*n) });
        }
        Window::Batch(batch)
    };
    pairs.chunks(EntryBatch::MAX_ENTRIES as usize).map(window).collect()
}

/// Writes a table to a file in memory.
pub(crate) fn build(
    format: &dyn TableFormat,
    windows: &[Window],
    block_bytes: u32,
    compression: Compression,
) -> (Arc<dyn VfsFile>, TableMeta) {
    let spec = TableSpec {
        id: TableId { epoch: 1, number: 1 },
        block_bytes,
        compression,
        filter_bits: 10,
        filter: Arc::new(BlockedBloom::new()),
        path: "table".into(),
    };
    let how = OpenOptions::create(FileClass::Table);
    let vfs = MemVfs::without_crashes();
    let file = vfs.open(Path::new("table"), how).expect("files in memory do not fail");
    let mut builder = format.builder(Arc::clone(&file), &spec).expect("the settings are in range");
    for window in windows {
        builder.add(window, window.range()).expect("files in memory do not fail");
    }
    let meta = builder.finish().expect("files in memory do not fail");
    (file, meta)
}
