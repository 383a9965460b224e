//! Searches in one block: for a key that is there, for one that is not, for a bound.

use std::cell::LazyCell;

use criterion::{BenchmarkId, Criterion};
use lsmer::parts::core::{Block, BlockBuilder, EntryRef, Kind, Probe, SeqNo};
use lsmer_micro::keys::{Shape, is_value, shuffled, value};

use crate::{
    cpu_time::CpuTime,
    sizes::{Chain, scaled},
};

/// As many as go into a block of the default size.
const ROWS: usize = 35;

/// A key, its number, its block and its row.
struct Place {
    n: u64,
    key: Vec<u8>,
    block: usize,
    row: u32,
}

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    for shape in Shape::ALL {
        // 0.5 MB, which stay in the caches of a core, and 100 MB, which do not.
        for count in [100, scaled(20_000)] {
            let case = format!("{}/{count}", shape.name());
            searches(criterion, &case, &LazyCell::new(|| Blocks::new(shape, count)));
        }
    }
}

struct Blocks {
    blocks: Vec<Block>,
    places: Vec<Place>,
}

impl Blocks {
    fn new(shape: Shape, count: u64) -> Self {
        let mut pairs: Vec<_> = (0..count * ROWS as u64).map(|n| (shape.key(n), n)).collect();
        pairs.sort_unstable();
        let blocks = pairs.chunks(ROWS).map(build).collect();
        let place = |n: u64| {
            let at = usize::try_from(n).expect("an index");
            let (key, n) = pairs[at].clone();
            let row = u32::try_from(at % ROWS).expect("a row");
            Place { n, key, block: at / ROWS, row }
        };
        let places = shuffled(pairs.len() as u64, 1).into_iter().map(place).collect();
        Self { blocks, places }
    }
}

fn build(pairs: &[(Vec<u8>, u64)]) -> Block {
    let mut builder = BlockBuilder::new();
    for (key, n) in pairs {
        let seqno = SeqNo(n + 1);
        builder.add(EntryRef { key, seqno, kind: Kind::Put, value: &value(*n) });
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    Block::rows(bytes).expect("it was just built")
}

fn searches<F: FnOnce() -> Blocks>(
    criterion: &mut Criterion<CpuTime>,
    case: &str,
    made: &LazyCell<Blocks, F>,
) {
    let absent = LazyCell::new(|| {
        let absent = |place: &Place| (place.block, [&place.key[..], b"!"].concat());
        made.places.iter().map(absent).collect::<Vec<_>>()
    });
    let mut group = criterion.benchmark_group("block");
    group.bench_function(BenchmarkId::new("find", case), |bencher| {
        let Blocks { blocks, places } = &**made;
        let mut chain = Chain::new(places);
        bencher.iter(|| {
            chain.step(|place| {
                let block = &blocks[place.block];
                let row = block.find(&Probe::new(&place.key, SeqNo::MAX));
                row.is_some_and(|row| is_value(block.value(row), place.n))
            });
        });
    });
    group.bench_function(BenchmarkId::new("find-absent", case), |bencher| {
        let (blocks, mut chain) = (&made.blocks, Chain::new(&absent));
        bencher.iter(|| {
            chain.step(|(block, key)| blocks[*block].find(&Probe::new(key, SeqNo::MAX)).is_none());
        });
    });
    group.bench_function(BenchmarkId::new("lower-bound", case), |bencher| {
        let Blocks { blocks, places } = &**made;
        let mut chain = Chain::new(places);
        bencher.iter(|| {
            chain.step(|place| blocks[place.block].lower_bound(&place.key) == place.row);
        });
    });
    group.finish();
}
