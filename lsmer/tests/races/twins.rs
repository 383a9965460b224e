//! Races on purpose are found.

use std::{
    env,
    process::{Command, Output},
};

use lsmer_core::mutants;

use crate::schedules::explore_all;

/// The twins that must be found, and where each is looked for: a size of run, and the seed of the
/// first plan. Some races are possible in few plans only.
const TWINS: &[(&str, &str, u64)] = &[
    ("commit-acknowledged-before-it-is-visible", "small", 0),
    ("flush-does-not-wait-for-inserts", "small", 0),
    ("log-closed-since-is-synced", "rolling", 5),
    ("log-target-read-late", "rolling", 0),
    ("memtable-let-go-before-its-table", "duel", 0),
    ("snapshot-seqno-before-its-lock", "duel", 0),
    ("visible-read-before-the-view", "duel", 0),
];

/// The variable that chooses a twin in the process that is to fail.
const TWIN: &str = "LSMER_TWIN";

/// Returns the chosen twin.
pub(crate) fn chosen() -> Option<&'static str> {
    let chosen = env::var(TWIN).ok()?;
    TWINS.iter().map(|(twin, ..)| *twin).find(|twin| *twin == chosen)
}

/// Runs the test below in a process of its own: what panics inside the checker may abort.
fn again(twin: &str) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["twins::a_chosen_twin_is_found", "--exact", "--nocapture"]);
    command.env(TWIN, twin).env("RUST_BACKTRACE", "0").output().unwrap()
}

#[test]
fn a_chosen_twin_is_found() {
    let Some(chosen) = chosen() else { return };
    let (twin, size, seed) = TWINS.iter().find(|(twin, ..)| *twin == chosen).unwrap();
    mutants::with(twin, || explore_all(size, *seed..seed + 20, 500));
}

#[test]
fn every_twin_is_found() {
    let mut found = 0;
    for (twin, ..) in TWINS {
        let output = again(twin);
        let text = String::from_utf8_lossy(&output.stderr);
        let why = text.lines().find(|line| line.contains("panicked")).unwrap_or_default();
        assert!(!output.status.success(), "{twin} is not found");
        assert!(text.contains("replay with "), "{twin}: {text}");
        assert!(!why.is_empty(), "{twin}: {text}");
        found += 1;
    }
    lsmer_testkit::figures("shuttle-twins", &[("found", found)]);
}
