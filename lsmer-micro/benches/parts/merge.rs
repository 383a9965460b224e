//! Merges: a scan over everything, from one run to sixteen whose keys lie between each other's.

use std::cell::LazyCell;

use criterion::{BenchmarkId, Criterion, Throughput};
use lsmer::{
    Db, Result,
    parts::io::{MemVfs, manual},
};
use lsmer_micro::keys::{Shape, VALUE_BYTES, value};

use crate::{cpu_time::CpuTime, sizes::scaled};

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    let entries = scaled(100_000);
    let mut group = criterion.benchmark_group("merge");
    group.throughput(Throughput::Elements(entries));
    for shape in Shape::ALL {
        for runs in [1, 2, 4, 8, 16] {
            let db =
                LazyCell::new(|| prepared(shape, entries, runs).expect("memory does not fail"));
            for (direction, backward) in [("forward", false), ("backward", true)] {
                let case = format!("{}/{runs}", shape.name());
                group.bench_function(BenchmarkId::new(direction, case), |bencher| {
                    let db = &*db;
                    bencher.iter(|| {
                        let seen = walk(db, backward).expect("files in memory do not fail");
                        assert_eq!(seen, entries);
                    });
                });
            }
        }
    }
    group.finish();
}

/// Makes a database with its entries spread over some runs, all of it in the cache.
fn prepared(shape: Shape, entries: u64, runs: u64) -> Result<Db> {
    let (env, ..) = manual(MemVfs::without_crashes(), 0);
    let db = Db::builder("db")
        .env(env)
        .memory_budget(512 << 20)
        .memtable_bytes(64 << 20)
        .compaction_jobs(0)
        .open()?;
    for run in 0..runs {
        for n in (0..entries).filter(|n| n % runs == run) {
            db.put(shape.key(n), value(n))?;
        }
        db.flush()?;
    }
    walk(&db, false)?;
    Ok(db)
}

fn walk(db: &Db, backward: bool) -> Result<u64> {
    let mut scan = db.iter()?;
    let mut seen = 0;
    while let Some((key, value)) = if backward { scan.next_back()? } else { scan.next()? } {
        seen += u64::from(!key.is_empty() && value.len() == VALUE_BYTES);
    }
    Ok(seen)
}
