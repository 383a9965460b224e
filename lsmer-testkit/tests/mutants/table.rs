//! A simple table format, with flaws.

mod toy;
mod walk;

use lsmer_sync::atomic::AtomicU32;
use lsmer_testkit::table as suite;

use self::toy::Toy;
use crate::{Mutant, all_are_killed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    LosesOneInAHundred,
    LooksIntoOneBlock,
    WalksPastTheLastBlock,
    CountsNoDeletes,
    ReportsTheLastSeqno,
    ListsTooLittle,
    TakesNothing,
    HashesVersions,
    TrustsAnyFilter,
    KnowsItsOpenerOnly,
    ChecksNothing,
    LeavesAByteUnchecked,
    PanicsOnShortBlocks,
    ForgetsThePlace,
    ForgetsTheKind,
    TrustsTheIndex,
    RemembersAMiss,
    GoesOnAtAMiss,
    BuildsDiffer,
    StoresAnotherName,
    DropsErrors,
    ForgetsShortWrites,
    TakesExcludedBounds,
    HasNoUpperBound,
    SkipsWhatFailed,
    NeverForgetsAFailure,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "loses one entry in a hundred",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_what_was_added_comes_back(&toy(Flaw::LosesOneInAHundred));
        },
    },
    Mutant {
        name: "looks into the first block of a key only",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_what_was_added_comes_back(&toy(Flaw::LooksIntoOneBlock));
        },
    },
    Mutant {
        name: "walks past the last block",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_what_was_added_comes_back(&toy(Flaw::WalksPastTheLastBlock));
        },
    },
    Mutant {
        name: "counts no deletes",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_the_description_is_true(&toy(Flaw::CountsNoDeletes));
        },
    },
    Mutant {
        name: "takes the last seqno for the largest",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_the_description_is_true(&toy(Flaw::ReportsTheLastSeqno));
        },
    },
    Mutant {
        name: "does not list its last data block",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_the_description_is_true(&toy(Flaw::ListsTooLittle));
        },
    },
    Mutant {
        name: "makes a table of nothing",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_the_description_is_true(&toy(Flaw::TakesNothing));
        },
    },
    Mutant {
        name: "gives other hashes to its filter than it asks for",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_a_filter_hides_nothing(&toy(Flaw::HashesVersions));
        },
    },
    Mutant {
        name: "asks the filter of another policy",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_a_filter_hides_nothing(&toy(Flaw::TrustsAnyFilter));
        },
    },
    Mutant {
        name: "finds nothing in another thread",
        obligation: "TABLE-01",
        run: || {
            suite::table_01_threads_share_a_table(&toy(Flaw::KnowsItsOpenerOnly));
        },
    },
    Mutant {
        name: "checks no checksum",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_a_flipped_bit_is_refused(&toy(Flaw::ChecksNothing));
        },
    },
    Mutant {
        name: "leaves a byte out of the checksum",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_a_flipped_bit_is_refused(&toy(Flaw::LeavesAByteUnchecked));
        },
    },
    Mutant {
        name: "panics on a short block",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_a_file_cut_short_is_refused(&toy(Flaw::PanicsOnShortBlocks));
        },
    },
    Mutant {
        name: "takes a block from any place",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_a_block_of_another_place_is_refused(&toy(Flaw::ForgetsThePlace));
        },
    },
    Mutant {
        name: "takes a block of any kind",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_a_block_of_another_place_is_refused(&toy(Flaw::ForgetsTheKind));
        },
    },
    Mutant {
        name: "trusts its index",
        obligation: "TABLE-02",
        run: || {
            suite::table_02_no_bytes_make_reading_panic(&toy(Flaw::TrustsTheIndex));
        },
    },
    Mutant {
        name: "remembers a miss as an absence",
        obligation: "TABLE-03",
        run: || {
            suite::table_03_a_miss_changes_nothing(&toy(Flaw::RemembersAMiss));
        },
    },
    Mutant {
        name: "reads a block that it does not list",
        obligation: "TABLE-03",
        run: || {
            suite::table_03_a_miss_changes_nothing(&toy(Flaw::ListsTooLittle));
        },
    },
    Mutant {
        name: "goes on at a miss",
        obligation: "TABLE-03",
        run: || {
            suite::table_03_a_miss_changes_nothing(&toy(Flaw::GoesOnAtAMiss));
        },
    },
    Mutant {
        name: "writes other bytes each time",
        obligation: "TABLE-04",
        run: || {
            suite::table_04_a_name_stands_for_the_same_bytes(&toy(Flaw::BuildsDiffer));
        },
    },
    Mutant {
        name: "stores another name",
        obligation: "TABLE-04",
        run: || {
            suite::table_04_a_name_stands_for_the_same_bytes(&toy(Flaw::StoresAnotherName));
        },
    },
    Mutant {
        name: "drops the error of a write",
        obligation: "TABLE-05",
        run: || {
            suite::table_05_a_write_that_fails_is_told(&toy(Flaw::DropsErrors));
        },
    },
    Mutant {
        name: "takes a short write for a whole one",
        obligation: "TABLE-05",
        run: || {
            suite::table_05_a_write_that_fails_is_told(&toy(Flaw::ForgetsShortWrites));
        },
    },
    Mutant {
        name: "shows an excluded key",
        obligation: "CURSOR-01",
        run: || {
            suite::cursor_01_windows_hold_the_range_once_and_in_order(&toy(
                Flaw::TakesExcludedBounds,
            ));
        },
    },
    Mutant {
        name: "has no upper bound",
        obligation: "CURSOR-01",
        run: || {
            suite::cursor_01_windows_hold_the_range_once_and_in_order(&toy(Flaw::HasNoUpperBound));
        },
    },
    Mutant {
        name: "has a cursor that goes on at a miss",
        obligation: "CURSOR-02",
        run: || {
            suite::cursor_02_a_miss_leaves_the_cursor_where_it_stood(&toy(Flaw::GoesOnAtAMiss));
        },
    },
    Mutant {
        name: "skips a block that it refused",
        obligation: "CURSOR-03",
        run: || {
            suite::cursor_03_a_cursor_that_failed_stays_failed(&toy(Flaw::SkipsWhatFailed));
        },
    },
    Mutant {
        name: "stays failed after a seek",
        obligation: "CURSOR-03",
        run: || {
            suite::cursor_03_a_cursor_that_failed_stays_failed(&toy(Flaw::NeverForgetsAFailure));
        },
    },
];

fn toy(flaw: Flaw) -> Toy {
    Toy(flaw, AtomicU32::new(0))
}

#[test]
fn a_table_format_without_a_flaw_conforms() {
    suite::conforms(&toy(Flaw::None));
}

#[test]
fn each_flaw_of_a_table_format_is_caught() {
    all_are_killed("table", MUTANTS);
}
