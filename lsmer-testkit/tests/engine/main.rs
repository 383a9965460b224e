//! Engines under the suite for whole engines: a little one that is right, the same with one flaw
//! at a time, and engines of others.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod files;
mod fjall;
mod flaw;
mod kill;
mod memory;
mod mutants;
mod record;
mod redb;
mod report;
mod toy;

use lsmer_testkit::engine::{
    Effort, Subject, engine_01_reads_are_those_of_an_ordered_map,
    engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
    engine_03_every_subset_of_what_was_pending_is_survived,
    engine_04_a_fault_loses_nothing_that_was_acknowledged,
};

use crate::{flaw::Flaw, toy::Toy};

/// Makes the engine of a name, in a process that knows no more of it.
fn subject(name: &str) -> Box<dyn Subject> {
    match name {
        "fjall" => Box::new(fjall::Fjall::default()),
        "redb" => Box::new(redb::Redb::new("redb")),
        "toy" => Box::new(Toy::new("toy", Flaw::None)),
        "late-toy" => Box::new(Toy::new("late-toy", Flaw::WritesLate)),
        unknown => panic!("no such engine: {unknown}"),
    }
}

#[test]
fn an_engine_without_a_flaw_passes() {
    let toy = Toy::new("toy", Flaw::None);
    let effort = Effort { runs: 101, ..Effort::SMOKE };
    let mut counts = engine_01_reads_are_those_of_an_ordered_map(&toy, effort);
    counts.add(&engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&toy, effort));
    counts.add(&engine_03_every_subset_of_what_was_pending_is_survived(&toy, effort));
    counts.add(&engine_04_a_fault_loses_nothing_that_was_acknowledged(&toy, effort));
    counts.report("toy");
}
