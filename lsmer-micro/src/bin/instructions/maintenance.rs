//! Flush and compaction for each entry, an open of many tables, and one of a long log for each entry.

use lsmer::{Db, Result, parts::io::MemVfs};

use crate::{
    Case, counted,
    world::{ENTRIES, SHAPE, empty, fill, runs, small_segments},
};

pub(crate) const CASES: &[Case] = &[
    ("flush-entry", flush),
    ("compact-entry", compact),
    ("open-100-tables", open),
    ("replay-entry", replay),
];

/// Tables of the database that is opened.
const TABLES: u64 = 100;
const TABLE_ENTRIES: u64 = 20;

fn flush() -> Result<u64> {
    let db = empty()?;
    fill(&db, 0..ENTRIES)?;
    counted(&mut || db.flush())?;
    assert_eq!(db.stats().flushes, 1);
    assert_there(&db, ENTRIES)
}

fn compact() -> Result<u64> {
    let db = runs(4)?;
    counted(&mut || db.compact(..))?;
    assert_eq!(db.stats().compactions, 1);
    assert_there(&db, ENTRIES)
}

fn open() -> Result<u64> {
    let vfs = MemVfs::without_crashes();
    let db = small_segments(&vfs).open()?;
    for table in 0..TABLES {
        fill(&db, table * TABLE_ENTRIES..(table + 1) * TABLE_ENTRIES)?;
        db.flush()?;
    }
    db.close()?;
    drop(db);
    assert_there(&count_open(&vfs)?, TABLES * TABLE_ENTRIES)?;
    Ok(1)
}

fn replay() -> Result<u64> {
    let vfs = MemVfs::without_crashes();
    let db = small_segments(&vfs).open()?;
    fill(&db, 0..ENTRIES)?;
    db.close()?;
    drop(db);
    assert_there(&count_open(&vfs)?, ENTRIES)
}

fn count_open(vfs: &MemVfs) -> Result<Db> {
    let mut opened = None;
    counted(&mut || {
        opened = Some(small_segments(vfs).open()?);
        Ok(())
    })?;
    Ok(opened.expect("it was opened"))
}

fn assert_there(db: &Db, entries: u64) -> Result<u64> {
    for n in 0..entries {
        assert!(db.contains_key(SHAPE.key(n))?);
    }
    Ok(entries)
}
