//! How many of the reads that a cache serves, for caches of a tenth and a quarter of the blocks.
//!
//! `cargo run --release -p lsmer-cache --example hit_rates`

#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shares of counts"
)]

use std::collections::{BTreeMap, HashMap};

use lsmer_cache::SlotCache;
use lsmer_core::{Block, BlockCache, BlockId, BlockKind, TableId};
use quick_cache::{Weighter, sync::Cache};

const BLOCKS: u64 = 20_000;
const BLOCK_BYTES: usize = 4096;
const READS: u64 = 400_000;

fn main() {
    let all = BLOCKS as usize * (BLOCK_BYTES + 200);
    println!("| reads | capacity | SlotCache | quick_cache | LRU |");
    println!("|---|---|---|---|---|");
    for (name, workload) in WORKLOADS {
        for part in [10, 4] {
            let capacity = all / part;
            let slot_cache = SlotCache::new(capacity);
            let slot = rate(*workload, |id| through(&slot_cache, id));
            let quick_cache = Cache::with_weighter(BLOCKS as usize / part, capacity as u64, Bytes);
            let quick = rate(*workload, |block| {
                let hit = quick_cache.get(&block).is_some();
                if !hit {
                    quick_cache.insert(block, ());
                }
                hit
            });
            let mut lru = Lru::new(BLOCKS as usize / part);
            let least = rate(*workload, |id| lru.read(id));
            println!("| {name} | {} % | {slot:.1} % | {quick:.1} % | {least:.1} % |", 100 / part);
        }
    }
}

type Workload = fn(&mut Random, u64) -> u64;

const WORKLOADS: &[(&str, Workload)] =
    &[
        ("uniform", |random, _| random.below(BLOCKS)),
        ("zipfian 0.99", |random, _| random.zipfian()),
        ("zipfian, and a scan of all", |random, at| {
            if at % 2 == 0 { at / 2 % BLOCKS } else { random.zipfian() }
        }),
        ("zipfian, and scans of 200 now and then", |random, at| {
            if at % 1000 < 200 { (at / 1000 * 7919 + at % 1000) % BLOCKS } else { random.zipfian() }
        }),
        ("zipfian over a set that moves", |random, at| {
            (random.zipfian() + at / 200_000 * 3000) % BLOCKS
        }),
        ("a loop over a third", |_, at| at % (BLOCKS / 3)),
    ];

/// The share of reads that are served, after as many to warm up.
fn rate(workload: Workload, mut read: impl FnMut(u64) -> bool) -> f64 {
    let mut random = Random(1);
    let mut hits = 0_u64;
    for at in 0..2 * READS {
        let hit = read(workload(&mut random, at));
        hits += u64::from(hit && at >= READS);
    }
    hits as f64 * 100.0 / READS as f64
}

fn through(cache: &dyn BlockCache, block: u64) -> bool {
    let table = TableId { epoch: 1, number: block / 8000 };
    let id = BlockId { table, offset: block % 8000 * 4137, kind: BlockKind::Data };
    let hit = cache.get(&id).is_some();
    if !hit {
        cache.insert(id, Block::opaque(vec![0; BLOCK_BYTES]));
    }
    hit
}

/// What each block takes in the other cache.
#[derive(Clone, Copy)]
struct Bytes;

impl Weighter<u64, ()> for Bytes {
    fn weight(&self, _block: &u64, (): &()) -> u64 {
        BLOCK_BYTES as u64 + 200
    }
}

#[derive(Default)]
struct Lru {
    blocks: usize,
    clock: u64,
    used: HashMap<u64, u64>,
    order: BTreeMap<u64, u64>,
}

impl Lru {
    fn new(blocks: usize) -> Self {
        Self { blocks, ..Self::default() }
    }

    fn read(&mut self, block: u64) -> bool {
        self.clock += 1;
        let before = self.used.insert(block, self.clock);
        self.order.insert(self.clock, block);
        if let Some(before) = before {
            self.order.remove(&before);
            return true;
        }
        if self.used.len() > self.blocks {
            let (_, oldest) = self.order.pop_first().expect("it is full");
            self.used.remove(&oldest);
        }
        false
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// One of the blocks, scattered, the `k`th of them in proportion to `k^-0.99` (nearly).
    fn zipfian(&mut self) -> u64 {
        let uniform = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        // The inverse of the integral of x^-0.99 from 1 to n + 1.
        let n = BLOCKS as f64 + 1.0;
        let x = (1.0 + uniform * (n.powf(0.01) - 1.0)).powf(100.0);
        (x as u64 - 1).min(BLOCKS - 1) * 15_485_863 % BLOCKS
    }
}
