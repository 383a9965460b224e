//! A database that is composed of the memtable, and of parts that ship, at work.

use std::sync::Arc;

use lsmer::{Db, Result};
use stranger::SortedVecs;

const KEYS: usize = 1_000;
const WRITES: usize = 10_000;

fn key(n: usize) -> String {
    format!("key {:03}", n * 7 % KEYS) // each key once in KEYS writes, in no order
}

#[test]
fn it_is_written_merged_closed_and_read_again() -> Result<()> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = || {
        let builder = Db::builder(folder.path().join("db"));
        builder.memtable(Arc::new(SortedVecs)).memtable_bytes(64 << 10)
    };

    let db = builder().open()?;
    for n in 0..WRITES {
        db.put(key(n), format!("value {n}"))?;
    }
    db.flush()?;
    db.wait_until_quiet()?;
    let stats = db.stats();
    assert!(stats.flushes > 1 && stats.compactions > 0, "{stats:?}");
    assert_eq!(stats.illegal_plans, 0);
    db.close()?;

    let db = builder().open()?;
    for n in WRITES - KEYS..WRITES {
        assert_eq!(db.get(key(n))?.expect("it was put"), format!("value {n}").as_bytes());
    }
    let mut entries = 0;
    let mut scan = db.iter()?;
    while scan.next()?.is_some() {
        entries += 1;
    }
    drop(scan);
    assert_eq!(entries, KEYS);
    assert_eq!(db.verify().faults.len(), 0);
    db.close()
}
