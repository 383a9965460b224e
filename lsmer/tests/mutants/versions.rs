//! Many versions of few keys, each of which a snapshot sees: more than fit into a table.

use std::path::Path;

use lsmer::{Db, KeyspaceOptions, Snapshot};
use lsmer_io::{MemVfs, manual};

/// Keys, a snapshot after each round of writes.
const KEYS: u64 = 5;

/// Writes them, merges them, and reads them all.
pub(crate) fn look(seed: u64) {
    let vfs = MemVfs::new();
    let (env, exec, _clock) = manual(vfs.clone(), seed);
    let builder = Db::builder("db").env(env).memory_budget(1 << 20).memtable_bytes(4 << 10);
    let db = builder.open().unwrap();
    let tiny = KeyspaceOptions::default().with_block_bytes(128).with_table_bytes(1 << 10);
    let space = db.keyspace("versions", tiny).unwrap();
    let value = |key: u64, round: u64| format!("{key} in round {round}");
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for round in 0..100 + seed {
        for key in 0..KEYS {
            space.put(key.to_be_bytes(), value(key, round)).unwrap();
            let found = space.get(key.to_be_bytes()).unwrap();
            assert_eq!(found.as_deref(), Some(value(key, round).as_bytes()), "the newest");
        }
        snapshots.push(space.snapshot());
        if round % 30 == 29 {
            db.flush().unwrap();
        }
    }
    db.compact(..).unwrap();
    let stats = db.stats();
    let levels = stats.keyspaces.iter().flat_map(|keyspace| &keyspace.levels);
    assert_eq!(
        levels.map(|level| level.runs).sum::<u64>(),
        1,
        "a merge of everything leaves a run"
    );
    for (snapshot, round) in snapshots.iter().zip(0..) {
        for key in 0..KEYS {
            let found = snapshot.get(key.to_be_bytes()).unwrap();
            let want = value(key, round);
            assert_eq!(found.as_deref(), Some(want.as_bytes()), "version {round} of key {key}");
        }
    }
    drop(snapshots);
    db.wait_until_quiet().unwrap();
    exec.run_until_idle();
    let report = db.verify();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    let is_table = |path: &Path| path.extension().is_some_and(|extension| extension == "tbl");
    let tables = vfs.list().iter().filter(|(path, _)| is_table(path)).count();
    assert_eq!(tables as u64, report.tables, "tables on the disk that nobody needs");
}
