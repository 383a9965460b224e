//! The suite for whole engines, over the shipped parts.

use lsmer::{Builder, parts};
use lsmer_testkit::{
    Composed,
    engine::{
        Config, Effort, Subject, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
        engine_03_every_subset_of_what_was_pending_is_survived,
    },
};

/// Chooses one of the alternatives for each part that has some.
fn any(mut builder: Builder, config: Config) -> Builder {
    let bit = |n: u32| config.parts >> (8 + n) & 1 == 1;
    if bit(0) {
        builder = builder.memtable(parts::CrossbeamMemtable::factory());
    }
    if bit(1) {
        builder = builder.cache(parts::NoCache);
    }
    if bit(2) {
        builder = builder.table_format(parts::SortedArrayFormat::default());
    }
    if bit(3) {
        builder = builder.compaction(parts::Tiered::default());
    }
    if bit(4) {
        builder = builder.filter(parts::NoFilter);
    }
    builder
}

fn subject() -> impl Subject {
    Composed::new("lsmer", any)
}

#[test]
fn reads_are_those_of_an_ordered_map() {
    let counts = engine_01_reads_are_those_of_an_ordered_map(&subject(), Effort::SMOKE);
    counts.report("model");
    println!("{}", counts.pairs);
}

#[test]
fn a_crash_leaves_a_prefix_with_all_that_was_acknowledged() {
    let counts =
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&subject(), Effort::SMOKE);
    counts.report("crash");
    println!("{}", counts.pairs);
}

#[test]
fn every_subset_of_what_was_pending_is_survived() {
    let counts = engine_03_every_subset_of_what_was_pending_is_survived(&subject(), Effort::SMOKE);
    counts.report("subsets");
}
