//! What each part costs on its own, in processor time of one thread.
//!
//! `cargo xtask bench -p lsmer-micro -- memtable` runs those with the word in their names. Memtables
//! of 4,000,000 entries are left out, unless `LSMER_MICRO_LARGE` is set.
//!
//! Inputs are seeded. Every operation is checked where it is timed: the next lookup depends on
//! whether the last one found what it looked for, so that what is timed is how long one takes, and
//! not how many the processor can do beside each other.

mod blocks;
mod cache;
mod cpu_time;
mod filter;
mod index;
mod memtable;
mod merge;
mod sizes;
mod table;
mod wal;

use std::time::Duration;

use criterion::Criterion;

use self::cpu_time::CpuTime;

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    memtable::bench(&mut criterion);
    wal::bench(&mut criterion);
    blocks::bench(&mut criterion);
    index::bench(&mut criterion);
    filter::bench(&mut criterion);
    cache::bench(&mut criterion);
    table::bench(&mut criterion);
    merge::bench(&mut criterion);
    criterion.final_summary();
}
