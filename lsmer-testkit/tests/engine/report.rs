//! What is said of a failure: all that it takes to find the mistake, and to see it again.

use std::{env, panic::catch_unwind, process::Command};

use lsmer_testkit::engine::{
    Effort, Subject, engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
};

use crate::{flaw::Flaw, toy::Toy};

/// An engine that acknowledges what it has not synced.
const HASTY: Toy = Toy::new("hasty", Flaw::SyncsFirst);

/// An engine that reads on behind what is missing.
const HOLEY: Toy = Toy::new("holey", Flaw::SkipsBadRecords);

#[test]
fn a_failure_names_the_sync_that_was_acknowledged_and_is_missing() {
    let report = Report::of(&HASTY);
    let missing = report.line("no sync of event ");
    assert!(missing.contains(", before it was acknowledged"), "{missing}");
    assert_eq!(missing.matches("tests/engine/toy.rs:").count(), 1, "{missing}");
    report.check();
}

#[test]
fn a_failure_names_two_writes_in_the_wrong_order_and_who_made_them() {
    let report = Report::of(&HOLEY);
    let missing = report.line("no sync between event ");
    assert!(missing.contains(", which relies on it"), "{missing}");
    assert_eq!(missing.matches("tests/engine/toy.rs:").count(), 2, "{missing}");
    report.check();
}

/// Does again what a repro line says; without one it has nothing to do.
#[test]
fn again() {
    let Ok(repro) = env::var("LSMER_REPRO") else { return };
    for toy in [HASTY, HOLEY] {
        if repro.contains(&format!("subject={} ", toy.name())) {
            crash(&toy);
        }
    }
}

fn crash(toy: &Toy) {
    engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(toy, Effort::SMOKE);
}

/// The text of a failure.
struct Report(String);

impl Report {
    fn of(toy: &Toy) -> Self {
        Self(*catch_unwind(|| crash(toy)).unwrap_err().downcast::<String>().unwrap())
    }

    fn line(&self, begin: &str) -> &str {
        let line = self.0.lines().find(|line| line.starts_with(begin));
        line.unwrap_or_else(|| panic!("`{begin}` is not in: {}", self.0))
    }

    /// Checks that it is short, and that another process fails in the same way when told to.
    fn check(&self) {
        let Self(text) = self;
        let operations = text.lines().filter(|line| line.contains(" -> ")).count();
        assert!(operations <= 6, "{operations} operations: {text}");
        let repro = text.rsplit('\'').nth(1).unwrap();
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "report::again", "--nocapture"]).env("LSMER_REPRO", repro);
        let output = child.output().unwrap();
        let again = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "it did not fail again: {again}");
        let [error, line] = [text.lines().next().unwrap(), self.line("again with LSMER_REPRO=")];
        assert!(again.contains(error) && again.contains(line), "{again}\nis not\n{text}");
    }
}
