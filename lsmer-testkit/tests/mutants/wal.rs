//! A simple log, with flaws.

mod record;
mod scan;
mod toy;

use lsmer_sync::atomic::AtomicU64;
use lsmer_testkit::wal as suite;

use self::toy::Toy;
use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    SkipsBadRecords,
    CutsWhatItScans,
    WritesOldSegmentsAnew,
    ForgetsHowFarItWasSynced,
    ChecksNoPayload,
    TakesATornTailForDamage,
    TakesErrorsForTheEnd,
    TakesStaleRecords,
    BytesDiffer,
    HoldsBack,
    SyncsNothing,
    ForgetsTheFolder,
    LeavesTheClosedSegment,
    SyncsNothingItScanned,
    TriesAgain,
    CountsBeforeItSyncs,
    SyncsForItsOpener,
    FindsRoomTooLate,
    MovesWhenRefused,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "goes on behind a record that is damaged",
        obligation: "WAL-01",
        run: || {
            suite::wal_01_every_loss_of_a_short_log_leaves_a_prefix(&toy(Flaw::SkipsBadRecords));
        },
    },
    Mutant {
        name: "cuts the torn tail while it scans",
        obligation: "WAL-01",
        run: || {
            suite::wal_05_a_written_record_survives_a_kill(&toy(Flaw::CutsWhatItScans));
        },
    },
    Mutant {
        name: "writes its old segments anew when it is opened",
        obligation: "WAL-05",
        run: || {
            suite::wal_01_a_recovery_may_crash_and_be_repeated(&toy(Flaw::WritesOldSegmentsAnew));
        },
    },
    Mutant {
        name: "takes damage for the end of the log",
        obligation: "WAL-02",
        run: || {
            suite::wal_02_damage_before_a_synced_offset_is_corruption(&toy(
                Flaw::ForgetsHowFarItWasSynced,
            ));
        },
    },
    Mutant {
        name: "does not check payloads",
        obligation: "WAL-02",
        run: || {
            suite::wal_02_damage_before_a_synced_offset_is_corruption(&toy(Flaw::ChecksNoPayload));
        },
    },
    Mutant {
        name: "takes a torn tail for damage",
        obligation: "WAL-02",
        run: || {
            suite::wal_02_a_bad_record_that_was_not_synced_is_the_end(&toy(
                Flaw::TakesATornTailForDamage,
            ));
        },
    },
    Mutant {
        name: "takes an error for the end of the log",
        obligation: "WAL-02",
        run: || {
            suite::wal_02_an_error_of_the_disk_is_not_the_end(&toy(Flaw::TakesErrorsForTheEnd));
        },
    },
    Mutant {
        name: "finds records of an earlier use of a file",
        obligation: "WAL-03",
        run: || {
            suite::wal_03_records_of_a_recycled_file_are_not_found(&toy(Flaw::TakesStaleRecords));
        },
    },
    Mutant {
        name: "writes other bytes each time",
        obligation: "WAL-04",
        run: || {
            suite::wal_04_a_name_stands_for_the_same_bytes(&toy(Flaw::BytesDiffer));
        },
    },
    Mutant {
        name: "holds the last record back",
        obligation: "WAL-05",
        run: || {
            suite::wal_05_a_written_record_survives_a_kill(&toy(Flaw::HoldsBack));
        },
    },
    Mutant {
        name: "acknowledges a sync that it does not do",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_a_synced_record_survives_a_power_loss(&toy(Flaw::SyncsNothing));
        },
    },
    Mutant {
        name: "does not sync the folder",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_a_synced_record_survives_a_power_loss(&toy(Flaw::ForgetsTheFolder));
        },
    },
    Mutant {
        name: "does not sync a segment that is full",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_a_synced_record_survives_a_power_loss(&toy(Flaw::LeavesTheClosedSegment));
        },
    },
    Mutant {
        name: "does not sync what it scanned",
        obligation: "WAL-06",
        run: || {
            suite::wal_01_every_loss_of_a_short_log_leaves_a_prefix(&toy(
                Flaw::SyncsNothingItScanned,
            ));
        },
    },
    Mutant {
        name: "tries again after a failed sync",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_after_a_failed_sync_none_succeeds(&toy(Flaw::TriesAgain));
        },
    },
    Mutant {
        name: "acknowledges whoever waited for a failed sync",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_every_waiter_of_a_failed_sync_is_told(&toy(Flaw::CountsBeforeItSyncs));
        },
    },
    Mutant {
        name: "syncs for the thread that opened it only",
        obligation: "WAL-06",
        run: || {
            suite::wal_06_threads_sync_while_one_writes(&toy(Flaw::SyncsForItsOpener));
        },
    },
    Mutant {
        name: "finds room for a record when it writes it",
        obligation: "WAL-07",
        run: || {
            suite::wal_07_a_full_disk_is_told_by_reserve(&toy(Flaw::FindsRoomTooLate));
        },
    },
    Mutant {
        name: "moves its tail when it refuses",
        obligation: "WAL-07",
        run: || {
            suite::wal_07_a_full_disk_is_told_by_reserve(&toy(Flaw::MovesWhenRefused));
        },
    },
];

fn toy(flaw: Flaw) -> Toy {
    Toy(flaw, AtomicU64::new(0))
}

#[test]
fn a_log_without_a_flaw_conforms() {
    suite::conforms(&toy(Flaw::None));
}

#[test]
fn each_flaw_of_a_log_is_caught() {
    all_are_killed("wal", MUTANTS);
}
