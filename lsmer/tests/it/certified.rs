//! The suite for whole engines, over the shipped parts: model, crashes, and syncs that lie.

#![expect(clippy::print_stdout, reason = "the matrix of what came together is worth seeing")]

use lsmer_testkit::{
    Composed,
    engine::{
        Counts, Effort, Subject, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
        engine_03_every_subset_of_what_was_pending_is_survived,
        engine_04_a_fault_loses_nothing_that_was_acknowledged, syncs_that_lie,
    },
    figures, shipped,
};

/// Together with the other half: 3,000 runs, 200,000 disks.
const EFFORT: Effort = Effort { states: 95_000, ..Effort::FULL };

/// Where the seeds of the other half begin.
const OTHER: u64 = 1 << 32;

/// Syncs without which no crash breaks a promise, and whether they are of a folder:
/// - that of the manifest's last mark, which only says how far the rest was synced;
/// - that of the folder before a second manifest, and that of the tables' names in a checkpoint: it is
///   synced again before `CURRENT` names the manifest;
/// - that at the start of a recovery, of the names that it found: a power loss must follow the
///   death of a process, which the crashes inside of recoveries show, and this test does not try;
/// - that of a spare file of the log, in which nothing stands: it spares others the wait.
const NOT_NEEDED: [(&str, bool); 4] = [
    ("lsmer-engine/src/checkpoint.rs", true),
    ("lsmer-manifest/src/manifest.rs", true),
    ("lsmer-manifest/src/writer.rs", false),
    ("lsmer-wal/src/spare.rs", false),
];

fn subject() -> impl Subject {
    Composed::new("lsmer", |builder, config| shipped(builder, config.parts >> 8))
}

fn effort(seed: u64) -> Effort {
    EFFORT.from_seed(seed).or_as_asked()
}

/// Prints what came together, and fails if a pair of features never did.
fn all_pairs(name: &str, counts: &Counts, but: &str) {
    counts.report(name);
    println!("{}", counts.pairs);
    let missing = counts.pairs.missing(|feature| format!("{feature:?}") != but);
    assert_eq!(missing, [], "these never came together: make more runs, or other ones");
}

#[test]
fn reads_are_those_of_an_ordered_map() {
    let counts = engine_01_reads_are_those_of_an_ordered_map(&subject(), effort(1));
    all_pairs("model-1", &counts, "Crash");
}

#[test]
fn reads_are_those_of_an_ordered_map_for_more_seeds() {
    let counts = engine_01_reads_are_those_of_an_ordered_map(&subject(), effort(OTHER));
    all_pairs("model-2", &counts, "Crash");
}

#[test]
fn a_crash_leaves_a_prefix_with_all_that_was_acknowledged() {
    let counts =
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&subject(), effort(1));
    all_pairs("crash-1", &counts, "");
}

#[test]
fn a_crash_leaves_a_prefix_for_more_seeds() {
    let counts =
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&subject(), effort(OTHER));
    all_pairs("crash-2", &counts, "");
}

#[test]
fn every_subset_of_what_was_pending_is_survived() {
    let effort = Effort { states: 20_000, ..effort(1) };
    engine_03_every_subset_of_what_was_pending_is_survived(&subject(), effort).report("subsets");
}

#[test]
fn a_fault_loses_nothing_that_was_acknowledged() {
    let effort = Effort { runs: 500, ..effort(1) };
    engine_04_a_fault_loses_nothing_that_was_acknowledged(&subject(), effort).report("faulty");
}

#[test]
fn a_sync_that_lies_is_noticed() {
    let effort = Effort { runs: 5, ..Effort::SMOKE };
    let (sites, unnoticed) = syncs_that_lie(&subject(), effort);
    let needed = (sites.len() - unnoticed.len()) as u64;
    figures("syncs", &[("sites", sites.len() as u64), ("needed", needed)]);
    let file = |site: &str| site.split(':').next().unwrap_or_default().to_owned();
    let unnoticed: Vec<_> = unnoticed.iter().map(|(site, dir)| (file(site), *dir)).collect();
    let unnoticed: Vec<_> = unnoticed.iter().map(|(file, dir)| (&file[..], *dir)).collect();
    assert_eq!(unnoticed, NOT_NEEDED, "{sites:?}");
}
