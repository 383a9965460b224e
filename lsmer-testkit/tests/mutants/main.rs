//! Parts that are broken on purpose: the suites catch each one by the obligation that it breaks.
//!
//! One file per seam: a simple part with a switchable flaw, and a table of [`Mutant`]s.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod cache;
mod exec;
mod filter;
mod memtable;
mod strategy;
mod table;
mod vfs;
mod wal;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A broken part before the property that has to notice.
struct Mutant {
    /// What is wrong with the part.
    name: &'static str,
    /// The obligation that it breaks: its id must stand in the failure.
    obligation: &'static str,
    /// Runs a property on it.
    run: fn(),
}

/// Runs every mutant and counts them.
///
/// # Panics
///
/// If one is not noticed, or is noticed by something else than its obligation.
fn all_are_killed(seam: &str, mutants: &[Mutant]) {
    let mut wrong = Vec::new();
    for Mutant { name, obligation, run } in mutants {
        let Err(panic) = catch_unwind(AssertUnwindSafe(run)) else {
            wrong.push(format!("{name}: lives; {obligation} should have killed it"));
            continue;
        };
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        if !text.contains(obligation) {
            wrong.push(format!("{name}: killed, but not by {obligation}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{seam}: {wrong:#?}");
    let count = mutants.len() as u64;
    lsmer_testkit::figures(&format!("part-mutants-{seam}"), &[("killed", count)]);
}
