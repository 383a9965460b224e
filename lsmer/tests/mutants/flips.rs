//! A bit is flipped in a file of a closed database: every read gives what was written, or an error.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use lsmer::{
    Db, ErrorKind, Keyspace, KeyspaceOptions, Result, WriteBatch, WriteOptions,
    parts::{
        self,
        io::{Crash, MemVfs},
    },
};

type State = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

/// One of so many bytes is looked at with a seed.
pub(crate) const STEP: u64 = 16;

fn open(vfs: &MemVfs) -> Result<Db> {
    let (env, _exec, _clock) = parts::io::manual(vfs.clone(), 1);
    Db::builder("db").env(env).memory_budget(1 << 20).segment_bytes(4 << 10, 8 << 10).open()
}

/// Makes a closed database with tables on two levels, and entries that are only in the log.
fn database() -> (MemVfs, State) {
    let vfs = MemVfs::new();
    vfs.set_fast_ring(false);
    let db = open(&vfs).unwrap();
    let other = db.keyspace("other", KeyspaceOptions::default().with_block_bytes(200)).unwrap();
    for round in 0..3_u32 {
        let mut batch = WriteBatch::new();
        for n in 0..20_u32 {
            batch.put(format!("key{:02}", n * (round + 1)), format!("{round}/{n}"));
            batch.put_in(&other, format!("{n}"), vec![b'v'; 20]);
        }
        batch.delete(format!("key{round:02}"));
        db.write_with(&batch, WriteOptions::sync()).unwrap();
        match round {
            0 => db.compact(..).unwrap(),
            1 => db.flush().unwrap(),
            _ => {}
        }
    }
    let gone = db.keyspace("gone", KeyspaceOptions::default()).unwrap();
    gone.put("gone", "with its keyspace").unwrap();
    db.drop_keyspace(&gone).unwrap();
    db.put("last", "only in the log").unwrap();
    let spaces = db.keyspaces();
    let state = spaces.iter().map(|space| (space.name().to_owned(), read(space).unwrap()));
    let state = state.collect();
    drop(spaces);
    drop((other, gone));
    db.close().unwrap();
    drop(db);
    (vfs.crash_clone(Crash::Kill), state)
}

/// Reads a keyspace; a scan that fails must stay failed.
fn read(space: &Keyspace) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut entries = Vec::new();
    let mut scan = space.iter()?;
    loop {
        match scan.next() {
            Ok(Some((key, value))) => entries.push((key.to_vec(), value.to_vec())),
            Ok(None) => return Ok(entries),
            Err(error) => {
                assert!(scan.next().is_err(), "a scan goes on behind an error");
                return Err(error);
            }
        }
    }
}

/// Reads in every way, and compares what can be read.
fn check(db: &Db, want: &State, at: &str) {
    let spaces = db.keyspaces();
    assert_eq!(spaces.len(), want.len(), "{at}: another number of keyspaces");
    for (name, entries) in want {
        let space = spaces.iter().find(|space| space.name() == name);
        let space = space.unwrap_or_else(|| panic!("{at}: keyspace {name} is gone"));
        if let Ok(found) = read(space) {
            assert!(found == *entries, "{at}: a scan gives something else");
        }
        let keys: Vec<&Vec<u8>> = entries.iter().map(|(key, _)| key).collect();
        if let Ok(values) = space.multi_get(&keys) {
            let same = values.iter().zip(entries).all(|(v, (_, want))| v.as_deref() == Some(want));
            assert!(same, "{at}: multi_get gives something else");
        }
        for (key, value) in entries {
            if let Ok(found) = space.get(key) {
                assert!(found.as_deref() == Some(value), "{at}: get gives something else");
            }
        }
    }
}

fn flip(vfs: &MemVfs, path: &Path, offset: u64, want: &State) {
    let vfs = vfs.crash_clone(Crash::Kill);
    vfs.flip(path, offset, u8::try_from(offset / STEP % 8).unwrap()).unwrap();
    let at = format!("{} byte {offset}", path.display());
    match open(&vfs) {
        Ok(db) => {
            check(&db, want, &at);
            // A merge reads every entry: if it says that it is done, nothing damaged is left.
            if db.compact(..).is_ok() {
                let faults = db.verify().faults;
                assert!(faults.is_empty(), "{at}: a merge leaves {faults:?}");
            }
        }
        Err(error) => {
            let told = [ErrorKind::Corruption, ErrorKind::Unsupported].contains(&error.kind());
            assert!(told, "{at}: {error:?}");
        }
    }
}

/// Flips one of [`STEP`] bytes of all files.
pub(crate) fn look(seed: u64) {
    let (vfs, want) = database();
    let files: Vec<(PathBuf, u64)> = vfs.list();
    for (path, bytes) in files {
        for offset in (seed % STEP..bytes).step_by(usize::try_from(STEP).unwrap()) {
            flip(&vfs, &path, offset, &want);
        }
    }
}
