//! The cache: a hit, with one look at the block that it returns.

use std::cell::LazyCell;

use criterion::{BenchmarkId, Criterion};
use lsmer::parts::{
    SlotCache,
    core::{Block, BlockCache, BlockId, BlockKind, TableId},
};
use lsmer_micro::keys::shuffled;

use crate::{
    cpu_time::CpuTime,
    sizes::{Chain, scaled},
};

const BLOCK_BYTES: usize = 4 << 10;

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    let mut group = criterion.benchmark_group("cache");
    // 1.6 MB, which stay in the second cache of a core, and 160 MB, which do not.
    for blocks in [400, scaled(40_000)] {
        let made = LazyCell::new(|| (filled(blocks), shuffled(blocks, 1)));
        group.bench_function(BenchmarkId::new("hit", blocks), |bencher| {
            let (cache, order) = &*made;
            let mut chain = Chain::new(order);
            bencher.iter(|| {
                chain.step(|n| {
                    let block = cache.get(&id(*n));
                    block.is_some_and(|block| block.bytes().first_chunk() == Some(&n.to_le_bytes()))
                });
            });
        });
    }
    group.finish();
}

fn filled(blocks: u64) -> SlotCache {
    let capacity = usize::try_from(blocks).expect("it is small") * 3 * BLOCK_BYTES;
    let cache = SlotCache::new(capacity.max(64 << 20));
    for n in 0..blocks {
        let mut bytes = vec![0; BLOCK_BYTES];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        cache.insert(id(n), Block::opaque(bytes));
    }
    cache
}

fn id(n: u64) -> BlockId {
    let table = TableId { epoch: 1, number: n / 1000 };
    BlockId { table, offset: n % 1000 * BLOCK_BYTES as u64, kind: BlockKind::Data }
}
