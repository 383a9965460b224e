//! Syncs that failed, or that a dead process did not come to, and what may be believed afterwards.

use lsmer::{Db, WriteBatch, WriteOptions};
use lsmer_testkit::{Budget, Crash, FailedSync, SimVfs, engine::world};

fn open(vfs: &SimVfs) -> Db {
    let (env, _exec) = world(vfs.clone(), 1);
    Db::builder("db").env(env).open().unwrap()
}

fn sync(db: &Db, key: &str) -> lsmer::Result<()> {
    let mut batch = WriteBatch::new();
    batch.put(key, key);
    db.write_with(&batch, WriteOptions::sync())
}

/// "Fsyncgate": after a failed sync the bytes can be read, and the next sync says that all is
/// well, but they are not on the disk. A recovery that reads and syncs them has proved nothing.
#[test]
fn the_next_opening_does_not_rely_on_bytes_whose_sync_failed() {
    let vfs = SimVfs::new();
    vfs.record();
    let db = open(&vfs);
    sync(&db, "before").unwrap();
    vfs.fail_next_sync(FailedSync::MarkedClean);
    sync(&db, "failed").unwrap_err();
    drop(db);
    let db = open(&vfs);
    assert!(db.contains_key("failed").unwrap(), "it can be read: nothing was reverted");
    sync(&db, "after").unwrap();
    db.close().unwrap();
    drop(db);
    let recording = vfs.recording();
    let mut cursor = recording.cursor();
    cursor.advance_to(recording.events().len());
    for crash in cursor.states(&Budget::LARGE, 1) {
        let db = open(&cursor.materialise(&crash).vfs());
        for key in ["before", "failed", "after"] {
            assert!(db.contains_key(key).unwrap(), "{key} after {crash}");
        }
    }
}

/// The process dies while it makes a database, at any point; the next one recovers, and power is
/// lost meanwhile: names that the first one gave and did not sync may be gone, and those that the
/// second one gave may be there.
#[test]
fn a_database_whose_maker_died_opens_after_a_power_loss_in_its_first_recovery() {
    let vfs = SimVfs::new();
    vfs.record();
    drop(open(&vfs));
    let recording = vfs.recording();
    let mut cursor = recording.cursor();
    let mut disks = 0;
    for point in 0..recording.events().len() {
        cursor.advance_to(point);
        let (vfs, begin) = cursor.resume(&Crash::KILL);
        drop(open(&vfs));
        let recovery = vfs.recording();
        let mut inner = recovery.cursor();
        for point in begin..=recovery.events().len() {
            inner.advance_to(point);
            for crash in inner.states(&Budget::SMALL, 1) {
                let db = open(&inner.materialise(&crash).vfs());
                assert!(db.iter().unwrap().next().unwrap().is_none());
                disks += 1;
            }
        }
    }
    assert!(disks > 1000, "{disks}");
}
