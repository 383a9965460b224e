//! The filter: probes for keys that are there and for others, and how long it takes to build.

use std::sync::Arc;

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
        let hashes: Vec<u64> = (0..keys).map(|n| hash(&Shape::Random.key(n))).collect();
        build(criterion, &hashes);
        probe(criterion, &hashes);
    }
}

fn build(criterion: &mut Criterion<CpuTime>, hashes: &[u64]) {
    let mut group = criterion.benchmark_group("filter");
    group.throughput(Throughput::Elements(hashes.len() as u64));
    group.bench_function(BenchmarkId::new("build", hashes.len()), |bencher| {
        bencher.iter(|| {
            let filter = BlockedBloom::new().build(hashes, BITS_PER_KEY);
            assert!(filter.len() >= hashes.len());
        });
    });
    group.finish();
}

fn probe(criterion: &mut Criterion<CpuTime>, hashes: &[u64]) {
    let policy = BlockedBloom::new();
    let filter = policy.open(Arc::from(policy.build(hashes, BITS_PER_KEY)));
    let mut group = criterion.benchmark_group("filter");
    let step = (hashes.len() / usize::try_from(PROBES).expect("it is small")).max(1);
    let there: Vec<u64> = hashes.iter().step_by(step).copied().collect();
    let mut chain = Chain::new(&there);
    group.bench_function(BenchmarkId::new("there", hashes.len()), |bencher| {
        bencher.iter(|| chain.step(|hash| filter.may_contain(*hash)));
    });
    // Of keys that it lets pass, as it may, nothing can be checked.
    let strangers = (0..PROBES).map(|n| hash(&Shape::Random.absent(n)));
    let (passed, absent): (Vec<u64>, Vec<u64>) =
        strangers.partition(|hash| filter.may_contain(*hash));
    assert!(passed.len() < absent.len() / 20, "{} of {PROBES} passed", passed.len());
    let mut chain = Chain::new(&absent);
    group.bench_function(BenchmarkId::new("absent", hashes.len()), |bencher| {
        bencher.iter(|| chain.step(|hash| !filter.may_contain(*hash)));
    });
    group.finish();
}
