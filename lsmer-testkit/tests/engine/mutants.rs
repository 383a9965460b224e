//! Flaws of an engine: each one is caught, and by the property that it breaks first.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lsmer_testkit::{
    engine::{
        Effort, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
        engine_03_every_subset_of_what_was_pending_is_survived,
        engine_04_a_fault_loses_nothing_that_was_acknowledged,
    },
    figures,
};

use crate::{flaw::Flaw, toy::Toy};

/// A property of the suite; a later one is looked at only if the earlier ones notice nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    Reads,
    Crashes,
    Subsets,
    Faults,
}

use Property::{Crashes, Faults, Reads, Subsets};

const PROPERTIES: [Property; 4] = [Reads, Crashes, Subsets, Faults];

const EFFORT: Effort = Effort { runs: 20, states: 12_000, shrink: false, ..Effort::SMOKE };

/// What is wrong, which property notices it, and what stands in the failure.
const MUTANTS: &[(Flaw, Property, &str)] = &[
    (Flaw::WalkSeesWrites, Reads, "walk "),
    (Flaw::EndsCross, Reads, "next_back: "),
    (Flaw::SeekPassesItsKey, Reads, "walk "),
    (Flaw::SnapshotNotIsolated, Reads, "a snapshot: "),
    (Flaw::BatchBackwards, Reads, "expected"),
    (Flaw::EmptyDeletes, Reads, "of 0 bytes"),
    (Flaw::HashOrder, Reads, "a second run of the same plan did something else"),
    (Flaw::ReplayForgetsDeletes, Reads, "expected"),
    (Flaw::DropNotLogged, Reads, "expected"),
    (Flaw::WritesLate, Crashes, "operations are expected"),
    (Flaw::SyncsNothing, Crashes, "operations are expected"),
    (Flaw::SyncsFirst, Crashes, "operations are expected"),
    (Flaw::FolderNotSynced, Crashes, "operations are expected"),
    (Flaw::CloseNotSynced, Crashes, "operations are expected"),
    (Flaw::DropNotSynced, Crashes, "operations are expected"),
    (Flaw::BatchInPieces, Crashes, "a state that never was"),
    (Flaw::ChecksumIgnored, Crashes, "a state that never was"),
    (Flaw::ChecksumOfFourBits, Crashes, "a state that never was"),
    (Flaw::ChecksumOfTheBeginning, Crashes, "a state that never was"),
    (Flaw::ZerosAreARecord, Crashes, "a state that never was"),
    (Flaw::SkipsBadRecords, Crashes, "a state that never was"),
    (Flaw::RecoveryRewrites, Crashes, "are expected"),
    (Flaw::RecoveryNotSynced, Crashes, "in the recovery"),
    (Flaw::EndNotCut, Crashes, "in the recovery"),
    (Flaw::FailuresForgotten, Faults, "expected"),
    (Flaw::RecoveryNotWritten, Faults, "operations are expected"),
];

#[test]
fn each_flaw_of_an_engine_is_caught() {
    let wrong: Vec<_> = MUTANTS.iter().filter_map(survives).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let by = |property| MUTANTS.iter().filter(|mutant| mutant.1 == property).count() as u64;
    let names = [("reads", Reads), ("crashes", Crashes), ("subsets", Subsets), ("faults", Faults)];
    figures("engine-mutants", &names.map(|(name, property)| (name, by(property))));
}

/// Says why a mutant does not count as killed.
fn survives((flaw, property, sign): &(Flaw, Property, &str)) -> Option<String> {
    let found = PROPERTIES.into_iter().find_map(|at| Some((at, failure(*flaw, at)?)));
    match found {
        None => Some(format!("{flaw:?} lives")),
        Some((by, _)) if by != *property => Some(format!("{flaw:?} was killed by {by:?}")),
        Some((_, text)) if !text.contains(sign) => Some(format!("{flaw:?} was killed: {text}")),
        Some(_) => None,
    }
}

/// Returns how a property fails, if it does.
fn failure(flaw: Flaw, property: Property) -> Option<String> {
    let toy = Toy::new("broken-toy", flaw);
    let faulty = Effort { runs: 100, ..EFFORT };
    let run = || match property {
        // The run of this seed is done twice.
        Reads if flaw == Flaw::HashOrder => engine_01_reads_are_those_of_an_ordered_map(
            &toy,
            Effort { runs: 1, ..EFFORT.from_seed(100) },
        ),
        Reads => engine_01_reads_are_those_of_an_ordered_map(&toy, EFFORT),
        Crashes => engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&toy, EFFORT),
        Subsets => engine_03_every_subset_of_what_was_pending_is_survived(&toy, EFFORT),
        Faults => engine_04_a_fault_loses_nothing_that_was_acknowledged(&toy, faulty),
    };
    let panic = catch_unwind(AssertUnwindSafe(run)).err()?;
    Some(*panic.downcast::<String>().unwrap())
}
