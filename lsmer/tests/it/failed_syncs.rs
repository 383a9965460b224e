//! Syncs that failed, and what may be believed afterwards.

use lsmer::{Db, WriteBatch, WriteOptions};
use lsmer_testkit::{Budget, FailedSync, SimVfs, engine::world};

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
