//! A database that is composed of the parts, and of those that ship: used, and certified against
//! crashes.

use std::sync::Arc;

use lsmer::{Builder, Db, Result};
use lsmer_testkit::{
    Composed,
    engine::{
        Effort, engine_01_reads_are_those_of_an_ordered_map,
        engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged,
    },
};
use stranger::{SortedVecs, Staircase};

fn compose(builder: Builder) -> Builder {
    builder.memtable(Arc::new(SortedVecs)).compaction(Staircase)
}

#[test]
fn it_is_written_merged_closed_and_read_again() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("db");
    let db = compose(Db::builder(&path)).memtable_bytes(64 << 10).open()?;
    for n in 0..10_000 {
        db.put(format!("key {:03}", n * 7 % 1_000), format!("value {n}"))?;
    }
    db.flush()?;
    db.wait_until_quiet()?;
    let stats = db.stats();
    assert!(stats.flushes > 1 && stats.compactions > 0, "{stats:?}");
    assert_eq!(stats.illegal_plans, 0);
    db.close()?;

    let db = compose(Db::builder(&path)).open()?;
    let mut entries = 0;
    let mut scan = db.iter()?;
    while let Some((key, value)) = scan.next()? {
        let n = (9_000..10_000).find(|n| format!("key {:03}", n * 7 % 1_000).as_bytes() == key);
        let newest = n.map(|n| format!("value {n}"));
        assert_eq!(newest.as_deref().map(str::as_bytes), Some(value));
        entries += 1;
    }
    assert_eq!(entries, 1_000);
    assert_eq!(db.verify().faults.len(), 0);
    drop(scan);
    db.close()
}

#[test]
fn random_runs_read_as_an_ordered_map() {
    let subject = Composed::new("stranger", |builder, _| compose(builder));
    engine_01_reads_are_those_of_an_ordered_map(&subject, EFFORT);
}

#[test]
fn crashes_leave_a_prefix_of_what_was_written() {
    let subject = Composed::new("stranger", |builder, _| compose(builder));
    engine_02_a_crash_leaves_a_prefix_with_all_that_was_acknowledged(&subject, EFFORT);
}

/// A few seconds; a release takes [`Effort::FULL`].
const EFFORT: Effort = Effort { runs: 10, states: 500, ..Effort::SMOKE };
