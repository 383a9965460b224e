//! What may notice a mutant: each takes a seed, and panics if it finds something wrong.

use std::sync::Arc;

use lsmer::{
    Db, ErrorKind,
    parts::{
        BTreeArena, BlockedBloom, ColumnarFormat, CrossbeamMemtable, Leveled, SegmentedWal,
        SkipArena, SlotCache, SortedArrayFormat, Tiered,
        io::{MemVfs, manual},
    },
};
use lsmer_testkit::{
    cache,
    engine::{
        Effort, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
    },
    filter, memtable, strategy, table, wal,
};

use crate::{compositions, faults, flips, versions};

/// Runs that the crash detector makes with a seed.
const RUNS: u64 = 8;

/// A way to find mistakes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detector {
    /// What the list calls it.
    pub(crate) name: &'static str,
    /// How many seeds are tried.
    pub(crate) seeds: u64,
    /// Looks for mistakes with a seed.
    pub(crate) look: fn(u64),
}

/// All of them, the cheapest first.
pub(crate) const ALL: [Detector; 13] = [
    Detector { name: "lock", seeds: 1, look: lock },
    Detector { name: "versions", seeds: 4, look: versions::look },
    Detector { name: "model", seeds: 60, look: model },
    Detector { name: "reckless", seeds: 60, look: reckless },
    Detector { name: "flips", seeds: flips::STEP, look: flips::look },
    Detector { name: "faults", seeds: faults::STEP, look: faults::look },
    Detector { name: "crash", seeds: 10, look: crash },
    Detector { name: "cache", seeds: 1, look: caches },
    Detector { name: "filter", seeds: 1, look: filters },
    Detector { name: "memtable", seeds: 1, look: memtables },
    Detector { name: "table", seeds: 1, look: tables },
    Detector { name: "strategy", seeds: 1, look: strategies },
    Detector { name: "log", seeds: 2, look: logs },
];

/// Two openings at a time.
fn lock(_seed: u64) {
    let (env, _exec, _clock) = manual(MemVfs::new(), 1);
    let open = || Db::builder("db").env(env.clone()).open();
    let _first = open().unwrap();
    assert_eq!(open().unwrap_err().kind(), ErrorKind::Fenced, "it is open already");
}

/// All reads of a run.
fn model(seed: u64) {
    engine_01_reads_are_those_of_an_ordered_map(&compositions::shipped_parts(), one_run(seed));
}

/// The same with a strategy that plans anything.
fn reckless(seed: u64) {
    engine_01_reads_are_those_of_an_ordered_map(&compositions::reckless(), one_run(seed));
}

fn one_run(seed: u64) -> Effort {
    Effort { seed, runs: 1, operations: 200, states: 0, shrink: false }
}

/// Disks after crashes of some runs.
fn crash(seed: u64) {
    let seed = 1 + (seed - 1) * RUNS;
    let effort = Effort { seed, runs: 1, operations: 60, states: 1600, shrink: false };
    engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(
        &compositions::shipped_parts(),
        effort,
    );
}

fn caches(_seed: u64) {
    cache::conforms(&|bytes| Arc::new(SlotCache::new(bytes)));
}

fn filters(_seed: u64) {
    filter::conforms(&BlockedBloom::new());
}

fn memtables(_seed: u64) {
    memtable::conforms(&*BTreeArena::factory());
    memtable::conforms(&*SkipArena::factory());
    memtable::conforms(&*CrossbeamMemtable::factory());
}

fn tables(_seed: u64) {
    table::conforms(&ColumnarFormat::default());
    table::conforms(&SortedArrayFormat::default());
}

/// Those properties of a log that a whole engine shows too seldom.
fn logs(seed: u64) {
    match seed {
        1 => wal::wal_06_after_a_failed_sync_none_succeeds(&SegmentedWal),
        _ => wal::wal_02_an_error_of_the_disk_is_not_the_end(&SegmentedWal),
    }
}

fn strategies(_seed: u64) {
    strategy::conforms(&Leveled::default());
    strategy::conforms(&Tiered::default());
}
