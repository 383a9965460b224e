//! Databases that live in one thread and in memory.

use lsmer::{
    Builder, Db, Result,
    parts::io::{MemVfs, manual},
};
use lsmer_micro::keys::{Shape, value};

/// The keys of all operations.
pub(crate) const SHAPE: Shape = Shape::Random;

/// Entries of the databases that are read.
pub(crate) const ENTRIES: u64 = 20_000;

/// Returns a builder with the default parts; nothing rotates or is merged that was not asked to.
pub(crate) fn builder(vfs: &MemVfs) -> Builder {
    small_segments(vfs).segment_bytes(32 << 20, 32 << 20)
}

/// The same, but the log's segments begin small and grow, as they do by default: an open looks
/// through the empty end of the last one.
pub(crate) fn small_segments(vfs: &MemVfs) -> Builder {
    let (env, ..) = manual(vfs.clone(), 0);
    Db::builder("db").env(env).memory_budget(256 << 20).memtable_bytes(32 << 20).compaction_jobs(0)
}

/// Opens an empty database.
pub(crate) fn empty() -> Result<Db> {
    builder(&MemVfs::without_crashes()).open()
}

/// Puts the keys of these numbers.
pub(crate) fn fill(db: &Db, numbers: impl IntoIterator<Item = u64>) -> Result<()> {
    numbers.into_iter().try_for_each(|n| db.put(SHAPE.key(n), value(n)))
}

/// Opens a database with [`ENTRIES`] entries in one run.
pub(crate) fn one_run(builder: Builder) -> Result<Db> {
    let db = builder.open()?;
    fill(&db, 0..ENTRIES)?;
    db.compact(..)?;
    Ok(db)
}

/// Opens a database with [`ENTRIES`] entries spread at random over `runs` runs, which overlap.
pub(crate) fn runs(runs: u64) -> Result<Db> {
    let db = empty()?;
    for run in 0..runs {
        fill(&db, (0..ENTRIES).filter(|n| n % runs == run))?;
        db.flush()?;
    }
    Ok(db)
}
