//! Memtables: insert, get and iterate.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use lsmer::parts::{
    BTreeArena, CrossbeamMemtable, NoCache, SkipArena,
    core::{
        ALL, BlockReader, BlockShelf, EntryRef, Kind, Memtable, MemtableFactory, MemtableSpec,
        Probe, SeqNo, Step, Window,
    },
};
use lsmer_micro::keys::{Shape, VALUE_BYTES, is_value, shuffled, value};

use crate::{
    cpu_time::CpuTime,
    sizes::{Chain, memtables},
};

/// Those that ship.
fn factories() -> Vec<Arc<dyn MemtableFactory>> {
    vec![SkipArena::factory(), BTreeArena::factory(), CrossbeamMemtable::factory()]
}

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    for entries in memtables() {
        for shape in Shape::ALL {
            let mut keys = shape.keys(entries);
            for factory in factories() {
                let case = format!("{}/{}/{entries}", factory.name(), shape.name());
                inserts(criterion, &*factory, &format!("random/{case}"), &keys);
                gets(criterion, &*factory, &case, shape, &keys);
                iterate(criterion, &*factory, &case, &keys);
            }
            if shape == Shape::Random {
                keys.sort_unstable();
                for factory in factories() {
                    let case = format!("ascending/{}/{}/{entries}", factory.name(), shape.name());
                    inserts(criterion, &*factory, &case, &keys);
                }
            }
        }
    }
}

fn inserts(
    criterion: &mut Criterion<CpuTime>,
    factory: &dyn MemtableFactory,
    case: &str,
    keys: &[Vec<u8>],
) {
    let mut group = criterion.benchmark_group("memtable");
    group.throughput(Throughput::Elements(keys.len() as u64));
    let value = value(0);
    group.bench_function(BenchmarkId::new("insert", case), |bencher| {
        bencher.iter_batched(
            || create(factory, keys.len()),
            |memtable| {
                for (n, key) in (1..).zip(keys) {
                    put(&*memtable, key, SeqNo(n), &value);
                }
                memtable
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn gets(
    criterion: &mut Criterion<CpuTime>,
    factory: &dyn MemtableFactory,
    case: &str,
    shape: Shape,
    keys: &[Vec<u8>],
) {
    let memtable = filled(factory, keys);
    let mut group = criterion.benchmark_group("memtable");
    let order = shuffled(keys.len() as u64, 1);
    let there: Vec<_> = order.iter().map(|n| (*n, shape.key(*n))).collect();
    let mut chain = Chain::new(&there);
    group.bench_function(BenchmarkId::new("get", case), |bencher| {
        bencher.iter(|| {
            chain.step(|(n, key)| {
                let mut right = false;
                let found = &mut |entry: EntryRef<'_>| right = is_value(entry.value, *n);
                memtable.get(&Probe::new(key, SeqNo::MAX), found) && right
            });
        });
    });
    let absent: Vec<_> = order.iter().map(|n| shape.absent(*n)).collect();
    let mut chain = Chain::new(&absent);
    group.bench_function(BenchmarkId::new("get-absent", case), |bencher| {
        bencher.iter(|| {
            chain.step(|key| !memtable.get(&Probe::new(key, SeqNo::MAX), &mut |_| ()));
        });
    });
    group.finish();
}

fn iterate(
    criterion: &mut Criterion<CpuTime>,
    factory: &dyn MemtableFactory,
    case: &str,
    keys: &[Vec<u8>],
) {
    let memtable = filled(factory, keys);
    let mut group = criterion.benchmark_group("memtable");
    group.throughput(Throughput::Elements(keys.len() as u64));
    group.bench_function(BenchmarkId::new("iterate", case), |bencher| {
        bencher.iter(|| assert_eq!(walk(&memtable), keys.len()));
    });
    group.finish();
}

/// Returns how many entries a walk over everything shows.
fn walk(memtable: &Arc<dyn Memtable>) -> usize {
    let mut shelf = BlockShelf::default();
    let mut blocks = BlockReader::new(&NoCache, &mut shelf);
    let mut cursor = Arc::clone(memtable).cursor();
    let mut window = Window::default();
    assert!(matches!(cursor.seek(ALL, false, &mut blocks), Ok(Step::Done(()))));
    let mut seen = 0;
    loop {
        assert!(matches!(cursor.next_window(&mut window, &mut blocks), Ok(Step::Done(()))));
        match &window {
            Window::Batch(batch) => {
                for row in 0..batch.len() {
                    seen += usize::from(black_box(batch.entry(row)).value.len() == VALUE_BYTES);
                }
            }
            Window::Rows { .. } => panic!("a memtable has no blocks"),
            Window::End => return seen,
        }
    }
}

fn create(factory: &dyn MemtableFactory, entries: usize) -> Arc<dyn Memtable> {
    factory.create(&MemtableSpec { bytes: entries * (2 * VALUE_BYTES + 200) })
}

fn filled(factory: &dyn MemtableFactory, keys: &[Vec<u8>]) -> Arc<dyn Memtable> {
    let memtable = create(factory, keys.len());
    for (n, key) in (0..).zip(keys) {
        put(&*memtable, key, SeqNo(n + 1), &value(n));
    }
    memtable
}

fn put(memtable: &dyn Memtable, key: &[u8], seqno: SeqNo, value: &[u8]) {
    assert!(memtable.reserve(1, key.len() + value.len()), "the memtable is large enough");
    memtable.insert(EntryRef { key, seqno, kind: Kind::Put, value });
}
