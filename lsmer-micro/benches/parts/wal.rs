//! The log: records written so that they survive the death of the process, on real files.

use std::{io::IoSlice, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput};
use lsmer::parts::{
    SegmentedWal,
    core::{LogEnd, LogSpec, SeqNo, Wal, WalFormat},
    io,
};

use crate::{cpu_time::CpuTime, sizes::scaled};

const PAYLOAD_BYTES: usize = 140;
const SEGMENT_BYTES: u64 = 16 << 20;

pub(crate) fn bench(criterion: &mut Criterion<CpuTime>) {
    let records = scaled(50_000);
    let mut group = criterion.benchmark_group("wal");
    group.throughput(Throughput::Elements(records));
    group.bench_function(format!("append/{PAYLOAD_BYTES}-bytes"), |bencher| {
        bencher.iter_batched(
            || {
                let dir = tempfile::tempdir().expect("a folder for the log");
                (open(&dir), dir)
            },
            |(wal, dir)| {
                for n in 1..=records {
                    append(&*wal, SeqNo(n));
                }
                assert!(wal.stats().tail.0 > records * PAYLOAD_BYTES as u64);
                (wal, dir) // dropped when the time is taken, the log before its folder
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn open(dir: &tempfile::TempDir) -> Arc<dyn Wal> {
    let spec = LogSpec {
        dir: dir.path().to_path_buf(),
        env: io::system(1),
        epoch: 1,
        min_segment_bytes: SEGMENT_BYTES,
        max_segment_bytes: SEGMENT_BYTES,
    };
    SegmentedWal.open(spec, &LogEnd::default()).expect("a new log")
}

fn append(wal: &dyn Wal, seqno: SeqNo) {
    let payload = [7; PAYLOAD_BYTES];
    let slot = wal.reserve(PAYLOAD_BYTES).expect("there is room");
    wal.write(slot, seqno, 1, &[IoSlice::new(&payload)]).expect("the disk works");
}
