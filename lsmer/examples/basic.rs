//! A tour of the front door: write, read, scan, look back, and come back.
//!
//! Run with `cargo run -p lsmer --example basic`.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use lsmer::{Db, KeyspaceOptions, Result, WriteBatch, WriteOptions};

fn main() -> Result<()> {
    let folder = tempfile::tempdir().expect("a folder to play in");
    let path = folder.path().join("garden.db");

    // The folder becomes a database if it is not one yet.
    let db = Db::open(&path)?;
    db.put("flower/rose", "red")?;
    db.put("flower/tulip", "yellow")?;
    db.put("tree/quince", "old")?;
    assert_eq!(db.get("flower/rose")?.expect("just planted"), "red");
    assert!(db.get("flower/nettle")?.is_none());

    // A keyspace is an ordered map of its own, with settings of its own.
    let log = db.keyspace("log", KeyspaceOptions::default().with_filter_bits(0))?;

    // A snapshot is one moment of all keyspaces: no write after it shows.
    let before = db.snapshot();

    // A batch happens as a whole or not at all, over keyspaces and crashes. This one is also safe
    // from a power loss once it returns; without `sync`, a write is safe from the death of the
    // process only.
    let mut batch = WriteBatch::new();
    batch.delete("tree/quince");
    batch.put("tree/apple", "young");
    batch.put_in(&log, "0001", "felled the quince, planted an apple");
    db.write_with(&batch, WriteOptions::sync())?;

    // Scans lend each entry until the next step, so they allocate nothing per entry.
    println!("flowers, last first:");
    let mut flowers = db.prefix("flower/")?;
    while let Some((key, value)) = flowers.next_back()? {
        println!("  {} is {}", key.escape_ascii(), value.escape_ascii());
    }

    // As an iterator, a scan hands out copies that may be kept.
    println!("everything from \"t\" on:");
    for entry in db.range("t"..)?.owned() {
        let (key, value) = entry?;
        println!("  {key:?} is {value:?}");
    }

    println!("in the log: {:?}", log.get("0001")?);
    println!("the quince before: {:?}", before.get("tree/quince")?);
    println!("the quince now: {:?}", db.get("tree/quince")?);
    assert!(before.in_keyspace(&log).get("0001")?.is_none(), "it was written later");

    // Closing waits for background work, syncs, and lets others open the database. Dropping the
    // last handle does the same, but cannot tell what went wrong.
    db.close()?;

    let db = Db::builder(&path).read_only().open()?;
    assert_eq!(db.keyspaces().len(), 2);
    assert_eq!(db.get("tree/apple")?.expect("it was closed in order"), "young");
    println!("all of it is still there");
    Ok(())
}
