//! A database that uses the strategy, at work.

use lsmer::{Db, Result};
use third_party_strategy::Staircase;

#[test]
fn a_database_is_kept_in_the_shape_of_a_staircase() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = || Db::builder(folder.path().join("db")).compaction(Staircase);

    let db = builder().memtable_bytes(64 << 10).open()?;
    for n in 0..50_000_u32 {
        // Each key five times, in no order.
        db.put((n * 7919 % 10_000).to_be_bytes(), n.to_be_bytes())?;
    }
    db.flush()?;
    db.wait_until_quiet()?;
    let stats = db.stats();
    let runs: u64 = stats.keyspaces[0].levels.iter().map(|level| level.runs).sum();
    assert!(stats.flushes > 20 && runs < 10, "{stats:?}");
    assert_eq!(stats.illegal_plans, 0);
    db.close()?;

    let db = builder().open()?;
    for key in 0..10_000_u32 {
        assert!(db.contains_key(key.to_be_bytes())?, "{key}");
    }
    assert_eq!(db.verify().faults.len(), 0);
    db.close()
}
