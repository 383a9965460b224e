//! The filter: probes for keys that are there and for others, and how long it takes to build.

use std::{cell::LazyCell, sync::Arc};

use criterion::{BenchmarkId, Criterion, Throughput};
use lsmer::parts::{
    BlockedBloom,
    core::{FilterPolicy, hash},
};
use lsmer_micro::keys::Shape;

use crate::{
    cpu_time::CpuTime,
    sizes::{Chain, scaled},
};

const BITS_PER_KEY: u8 = 10;
/// Probes that are repeated: more than a branch predictor learns by heart.
const PROBES: u64 = 100_000;

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    // 12 KB, which stay in the fastest cache, and 20 MB, which do not.
    for keys in [10_000, scaled(16_000_000)] {
        let hashes: LazyCell<Vec<u64>, _> =
            LazyCell::new(|| (0..keys).map(|n| hash(&Shape::Random.key(n))).collect());
        build(criterion, keys, &|| &hashes);
        probe(criterion, keys, &|| &hashes);
    }
}

fn build<'a>(criterion: &mut Criterion<CpuTime>, keys: u64, hashes: &dyn Fn() -> &'a [u64]) {
    let mut group = criterion.benchmark_group("filter");
    group.throughput(Throughput::Elements(keys));
    group.bench_function(BenchmarkId::new("build", keys), |bencher| {
        let hashes = hashes();
        bencher.iter(|| {
            let filter = BlockedBloom::new().build(hashes, BITS_PER_KEY);
            assert!(filter.len() >= hashes.len());
        });
    });
    group.finish();
}

fn probe<'a>(criterion: &mut Criterion<CpuTime>, keys: u64, hashes: &dyn Fn() -> &'a [u64]) {
    let filter = LazyCell::new(|| {
        let policy = BlockedBloom::new();
        policy.open(Arc::from(policy.build(hashes(), BITS_PER_KEY)))
    });
    let mut group = criterion.benchmark_group("filter");
    group.bench_function(BenchmarkId::new("there", keys), |bencher| {
        let step = usize::try_from((keys / PROBES).max(1)).expect("it is small");
        let there: Vec<u64> = hashes().iter().step_by(step).copied().collect();
        let (filter, mut chain) = (&**filter, Chain::new(&there));
        bencher.iter(|| chain.step(|hash| filter.may_contain(*hash)));
    });
    group.bench_function(BenchmarkId::new("absent", keys), |bencher| {
        // Of keys that it lets pass, as it may, nothing can be checked.
        let strangers = (0..PROBES).map(|n| hash(&Shape::Random.absent(n)));
        let (passed, absent): (Vec<u64>, Vec<u64>) =
            strangers.partition(|hash| filter.may_contain(*hash));
        assert!(passed.len() < absent.len() / 20, "{} of {PROBES} passed", passed.len());
        let mut chain = Chain::new(&absent);
        bencher.iter(|| chain.step(|hash| !filter.may_contain(*hash)));
    });
    group.finish();
}
