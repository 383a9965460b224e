//! A write allocates nothing once the log runs.

#![cfg(not(any(lsmer_loom, lsmer_shuttle)))]

use std::io::IoSlice;

use lsmer_core::{LogEnd, LogSpec, SeqNo, WalFormat};
use lsmer_wal::SegmentedWal;

#[test]
fn a_write_allocates_nothing() {
    let dir = tempfile::tempdir().expect("a folder for the test");
    let spec = LogSpec {
        dir: dir.path().to_path_buf(),
        env: lsmer_io::system(1),
        epoch: 1,
        min_segment_bytes: 16 << 20,
        max_segment_bytes: 16 << 20,
    };
    let wal = SegmentedWal.open(spec, &LogEnd::default()).expect("a new log");
    let payload = [7; 140];
    let write = |seqno: u64| {
        let slot = wal.reserve(payload.len()).expect("there is room");
        let written = wal.write(slot, SeqNo(seqno), 1, &[IoSlice::new(&payload)]);
        written.expect("the disk works");
    };
    write(1);
    // Enough to go around the ring several times, and to write to the segment in pieces.
    let allocated = allocation_counter::measure(|| (2..20_000).for_each(write));
    assert_eq!(allocated.count_total, 0);
}
