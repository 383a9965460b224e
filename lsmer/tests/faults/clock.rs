//! A clock that jumps, at every time it is read: nobody waits for ever, and nothing is lost.

use std::{sync::Arc, time::Duration};

use lsmer_io::ManualClock;
use lsmer_testkit::{
    SimVfs,
    fault::{JumpClock, Jumped},
    figures,
};

use crate::{
    model::contents,
    run::caught,
    world::{open, open_at},
};

const WRITES: usize = 240;

/// Writes faster than tables can be made, so that writers are made to wait; returns how often the
/// clock was read.
fn run(at: u64, by: Jumped) -> Result<u64, String> {
    let vfs = Arc::new(SimVfs::new());
    let manual = Arc::new(ManualClock::new());
    let clock = Arc::new(JumpClock::new(Arc::<ManualClock>::clone(&manual), at, by));
    let clocks = (Arc::<JumpClock>::clone(&clock) as Arc<_>, manual);
    let work = || {
        let opened = open_at(Arc::<SimVfs>::clone(&vfs), "db", 3.into(), clocks)?;
        for n in 0..WRITES {
            opened.db.put((n as u64).to_be_bytes(), [7; 400])?;
        }
        opened.db.compact(..)?;
        opened.db.close()?;
        contents(&open(Arc::<SimVfs>::clone(&vfs), "db", 3)?.db)
    };
    let found = caught(|| work().map_err(|error| format!("{error:?}")))?;
    let entries = found["default"].len();
    if entries == WRITES { Ok(clock.reads()) } else { Err(format!("{entries} entries")) }
}

#[test]
fn a_clock_that_jumps_ahead_or_back_changes_nothing() {
    let day = Duration::from_secs(86_400);
    let reads = run(u64::MAX, Jumped::Forward(day)).unwrap();
    assert!(reads > 20, "writers were made to wait: {reads}");
    let mut runs = 0;
    for by in [Jumped::Forward(day), Jumped::Back(day), Jumped::Forward(Duration::MAX)] {
        for at in 0..reads {
            let outcome = run(at, by);
            outcome.unwrap_or_else(|error| panic!("{by:?} at read {at}: {error}"));
            runs += 1;
        }
    }
    figures("fault-clock", &[("reads", reads), ("runs", runs)]);
}
