//! Disks of every size that is too small: nothing is lost, and it goes on once there is room.

use lsmer_testkit::figures;

use crate::{
    case::Case,
    run::run_or_fail,
    sweep::{asked, case},
};

/// Sizes to try, in bytes; a crash ring takes half a MiB of its own.
const STEP: u64 = 1100;
const RING: u64 = 512 << 10;

#[test]
fn a_disk_of_any_size_that_is_too_small_loses_nothing() {
    if asked() {
        return;
    }
    let (mut runs, mut noticed) = (0, 0);
    for ring in [true, false] {
        let base = if ring { RING } else { 0 };
        let mut room = 0;
        loop {
            let case = Case { room: Some(base + room), ..case(ring) };
            let report = run_or_fail(&case);
            runs += 1;
            if report.errors == 0 {
                break;
            }
            noticed += 1;
            room += STEP;
        }
        for room in [0, base / 2] {
            run_or_fail(&Case { room: Some(room), ..case(ring) });
            runs += 1;
        }
    }
    figures("fault-room", &[("runs", runs), ("noticed", noticed)]);
    assert!(noticed > 20, "{noticed}");
}
