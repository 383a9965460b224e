//! Memtables: insert, get and iterate.

use std::{cell::LazyCell, hint::black_box, sync::Arc};

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

/// What is measured; nothing of it is made before it is needed.
#[derive(Clone, Copy)]
struct Case<'a> {
    factory: &'a dyn MemtableFactory,
    shape: Shape,
    entries: u64,
}

impl Case<'_> {
    fn id(&self, what: &str) -> BenchmarkId {
        let Self { factory, shape, entries } = self;
        BenchmarkId::new(what, format!("{}/{}/{entries}", factory.name(), shape.name()))
    }

    fn filled(&self) -> Arc<dyn Memtable> {
        let memtable = create(self.factory, self.entries);
        for n in 0..self.entries {
            put(&*memtable, &self.shape.key(n), SeqNo(n + 1), &value(n));
        }
        memtable
    }
}

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    for entries in memtables() {
        for shape in Shape::ALL {
            for factory in factories() {
                let case = Case { factory: &*factory, shape, entries };
                inserts(criterion, &case, "insert-random", &|| shape.keys(entries));
                inserts(criterion, &case, "insert-ascending", &|| {
                    let mut keys = shape.keys(entries);
                    keys.sort_unstable();
                    keys
                });
                reads(criterion, &case);
            }
        }
    }
}

fn inserts(
    criterion: &mut Criterion<CpuTime>,
    case: &Case<'_>,
    name: &str,
    keys: &dyn Fn() -> Vec<Vec<u8>>,
) {
    let keys = LazyCell::new(keys);
    let mut group = criterion.benchmark_group("memtable");
    group.throughput(Throughput::Elements(case.entries));
    let value = value(0);
    group.bench_function(case.id(name), |bencher| {
        let keys = &*keys;
        bencher.iter_batched(
            || create(case.factory, case.entries),
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

fn reads(criterion: &mut Criterion<CpuTime>, case: &Case<'_>) {
    let Case { shape, entries, .. } = *case;
    let memtable = LazyCell::new(|| case.filled());
    let order = || shuffled(entries, 1).into_iter();
    let there = LazyCell::new(|| order().map(|n| (n, shape.key(n))).collect::<Vec<_>>());
    let absent = LazyCell::new(|| order().map(|n| shape.absent(n)).collect::<Vec<_>>());
    let mut group = criterion.benchmark_group("memtable");
    group.bench_function(case.id("get"), |bencher| {
        let (memtable, mut chain) = (&**memtable, Chain::new(&there));
        bencher.iter(|| {
            chain.step(|(n, key)| {
                let mut right = false;
                let found = &mut |entry: EntryRef<'_>| right = is_value(entry.value, *n);
                memtable.get(&Probe::new(key, SeqNo::MAX), found) & right
            });
        });
    });
    group.bench_function(case.id("get-absent"), |bencher| {
        let (memtable, mut chain) = (&**memtable, Chain::new(&absent));
        bencher.iter(|| {
            chain.step(|key| !memtable.get(&Probe::new(key, SeqNo::MAX), &mut |_| ()));
        });
    });
    group.throughput(Throughput::Elements(entries));
    group.bench_function(case.id("iterate"), |bencher| {
        let memtable = &*memtable;
        bencher.iter(|| assert_eq!(walk(memtable), entries));
    });
    group.finish();
}

/// Returns how many entries a walk over everything shows.
fn walk(memtable: &Arc<dyn Memtable>) -> u64 {
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
                    seen += u64::from(black_box(batch.entry(row)).value.len() == VALUE_BYTES);
                }
            }
            Window::Rows { .. } => panic!("a memtable has no blocks"),
            Window::End => return seen,
        }
    }
}

fn create(factory: &dyn MemtableFactory, entries: u64) -> Arc<dyn Memtable> {
    let entries = usize::try_from(entries).expect("it is in memory");
    factory.create(&MemtableSpec { bytes: entries * (2 * VALUE_BYTES + 200) })
}

fn put(memtable: &dyn Memtable, key: &[u8], seqno: SeqNo, value: &[u8]) {
    assert!(memtable.reserve(1, key.len() + value.len()), "the memtable is large enough");
    memtable.insert(EntryRef { key, seqno, kind: Kind::Put, value });
}
