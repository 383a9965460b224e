//! Bytes that are wrong: each read of the database gives what was written, or an error.
//!
//! Damage to bytes at rest, byte by byte, is in `tests/it/flips.rs`; here the damage happens while
//! the bytes are read or written, at every such call.

use lsmer_testkit::{
    fault::{Effect, FaultPlan, Op},
    figures,
};

use crate::{
    case::Case,
    run::{bare, caught, run_or_fail, show},
    sweep::{asked, calls, case, once},
    world::{World, may_be_damaged},
};

/// Steps of the workload before the first death of the process: as long as nothing but an orderly
/// close comes between, no damage can be taken for a torn tail.
pub(crate) const ORDERLY: usize = 34;

/// What came of damage.
#[derive(Debug, Default)]
struct Totals {
    runs: u64,
    /// Somebody got an error, or verifying told of it.
    detected: u64,
    /// All was as if nothing had happened.
    harmless: u64,
}

fn damages(nth: usize) -> [Effect; 4] {
    let nth = nth as u64;
    [Effect::Flip(nth * 7919), Effect::Zeros, Effect::Swapped, Effect::Misdirected(64)]
}

#[test]
fn what_is_read_wrong_is_noticed_or_harmless_and_does_no_harm_on_disk() {
    if asked() {
        return;
    }
    let mut totals = Totals::default();
    for ring in [true, false] {
        let case = case(ring);
        let calls = calls(&case);
        for nth in (0..calls.len()).filter(|n| matches!(calls[*n].op, Op::Read | Op::ReadBatch)) {
            for damage in damages(nth) {
                let report = run_or_fail(&Case { plan: once(damage, nth), ..case.clone() });
                totals.runs += 1;
                let count =
                    if report.errors > 0 { &mut totals.detected } else { &mut totals.harmless };
                *count += 1;
            }
        }
    }
    totals.tell("fault-media-reads");
}

#[test]
fn what_is_written_wrong_is_noticed_or_harmless() {
    let orderly = |ring| Case { steps: ORDERLY, ..case(ring) };
    if let Some(case) = Case::asked() {
        let ran = write_wrong(&case, show);
        assert!(ran.is_ok(), "{ran:?}");
        return;
    }
    let mut totals = Totals::default();
    for ring in [true, false] {
        let case = orderly(ring);
        let calls = calls(&case);
        for nth in (0..calls.len()).filter(|nth| calls[*nth].op == Op::Write) {
            for damage in damages(nth).into_iter().chain([Effect::LostWrite]) {
                let case = Case { plan: once(damage, nth), ..case.clone() };
                let detected = write_wrong(&case, |_| {}).unwrap_or_else(|error| {
                    panic!("{}: {error}\nreplay with LSMER_FAULT='{case}'", calls[nth])
                });
                totals.runs += 1;
                let count = if detected { &mut totals.detected } else { &mut totals.harmless };
                *count += 1;
            }
        }
    }
    totals.tell("fault-media-writes");
}

/// Runs a case in which a write goes wrong, closes the database, and opens it again; returns
/// whether anybody noticed.
fn write_wrong(case: &Case, show: impl FnOnce(&World<'_>)) -> Result<bool, String> {
    caught(|| {
        let mut world = World::new(case, &bare);
        world.run()?;
        world.close()?;
        show(&world);
        world.faults.begin(FaultPlan::default());
        world.open()?;
        let Some(opened) = &world.opened else { return Ok(true) };
        let db = opened.db.clone();
        world.read(&db, may_be_damaged)?;
        let told = !db.verify().faults.is_empty() || !world.errors.is_empty();
        Ok(told)
    })
}

impl Totals {
    fn tell(&self, name: &str) {
        let Self { runs, detected, harmless } = *self;
        figures(
            name,
            &[("runs", runs), ("detected", detected), ("harmless", harmless), ("silent", 0)],
        );
        assert_eq!(runs, detected + harmless);
        assert!(detected > 0 && harmless > 0, "{self:?}");
    }
}
