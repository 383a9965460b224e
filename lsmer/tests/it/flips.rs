//! One flipped bit in every byte of every file of a closed database: the right value or an error,
//! never a wrong value, a shorter log, a panic or a hang. What may be flipped without any effect
//! is listed here, and counted.

use std::{collections::BTreeMap, path::Path};

use lsmer::{
    Db, ErrorKind, KeyspaceOptions, WriteBatch,
    parts::io::{Crash, MemVfs},
};

use crate::harness::Shape;

type State = BTreeMap<String, Vec<(Vec<u8>, Vec<u8>)>>;

/// Size of a mark in the manifest.
const MARK_BYTES: usize = 21;
const SHAPE: Shape = Shape { parts: 0, seed: 1 };

/// Makes a closed database with tables on two levels, and entries that are only in the log.
fn database(fast_ring: bool) -> (MemVfs, State) {
    let vfs = MemVfs::new();
    vfs.set_fast_ring(fast_ring);
    let db = SHAPE.open(&vfs).unwrap().db;
    let tiny = KeyspaceOptions::default().with_block_bytes(200);
    let other = db.keyspace("other", tiny).unwrap();
    for round in 0..3_u32 {
        let mut batch = WriteBatch::new();
        for n in 0..20_u32 {
            batch.put(format!("key{:02}", n * (round + 1)), format!("{round}/{n}"));
            batch.put_in(&other, format!("{n}"), vec![b'v'; 20]);
        }
        batch.delete(format!("key{round:02}"));
        db.write(&batch).unwrap();
        db.sync().unwrap();
        match round {
            0 => db.compact(..).unwrap(),
            1 => db.flush().unwrap(),
            _ => {}
        }
    }
    db.put("last", "only in the log").unwrap();
    let state = contents(&db).unwrap();
    drop(other);
    db.close().unwrap();
    drop(db);
    (vfs.crash_clone(Crash::Kill), state)
}

fn contents(db: &Db) -> lsmer::Result<State> {
    let mut state = State::new();
    for space in db.keyspaces() {
        let mut entries = Vec::new();
        let mut scan = space.iter()?;
        while let Some((key, value)) = scan.next()? {
            entries.push((key.to_vec(), value.to_vec()));
        }
        state.insert(space.name().to_owned(), entries);
    }
    Ok(state)
}

/// What came of one flip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Refused,
    FailedRead,
    Unharmed,
}

fn flip(vfs: &MemVfs, path: &Path, offset: u64, want: &State, read_only: bool) -> Outcome {
    let vfs = vfs.crash_clone(Crash::Kill);
    let bit = u8::try_from(offset % 8).expect("under 8");
    vfs.flip(path, offset, bit).unwrap();
    let (builder, _exec) = SHAPE.builder(&vfs);
    let builder = if read_only { builder.read_only() } else { builder };
    let at = format!("{} byte {offset} bit {bit}", path.display());
    let db = match builder.open() {
        Ok(db) => db,
        Err(error) => {
            let kind = error.kind();
            let told = [ErrorKind::Corruption, ErrorKind::Unsupported];
            assert!(told.contains(&kind), "{at}: {error:?}");
            return Outcome::Refused;
        }
    };
    match contents(&db) {
        Ok(found) => {
            assert_eq!(found, *want, "{at}");
            for (name, entries) in want {
                let spaces = db.keyspaces();
                let space = spaces.iter().find(|space| space.name() == name).unwrap();
                for (key, value) in entries {
                    match space.get(key) {
                        Ok(found) => assert_eq!(found.as_deref(), Some(&value[..]), "{at}"),
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Corruption, "{at}"),
                    }
                }
            }
            // Verification reads also what no read needs.
            let faults = db.verify().faults;
            if faults.is_empty() { Outcome::Unharmed } else { Outcome::FailedRead }
        }
        Err(error) => {
            let told = [ErrorKind::Corruption, ErrorKind::Unsupported];
            assert!(told.contains(&error.kind()), "{at}: {error:?}");
            assert!(error.file().is_some(), "{at}: it says where: {error:?}");
            Outcome::FailedRead
        }
    }
}

fn is(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

/// Flips a bit in every `step`th byte of a file and counts what happens, by outcome.
fn sweep(vfs: &MemVfs, path: &Path, want: &State, step: usize) -> Vec<(u64, Outcome)> {
    let bytes = vfs.read_all(path).unwrap().len() as u64;
    (0..bytes)
        .step_by(step)
        .map(|offset| (offset, flip(vfs, path, offset, want, offset % 2 == 0)))
        .collect()
}

#[test]
fn a_flipped_bit_is_noticed_or_harmless_in_every_byte_of_every_file() {
    let (vfs, want) = database(false);
    let mut ignored = BTreeMap::new();
    let mut swept = 0;
    for (path, _) in vfs.list() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let content = vfs.read_all(&path).unwrap();
        let outcomes = sweep(&vfs, &path, &want, 1);
        swept += outcomes.len();
        let unharmed: Vec<u64> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == Outcome::Unharmed)
            .map(|(offset, _)| *offset)
            .collect();
        ignored.insert(name.clone(), unharmed.len());
        if is(&name, "tbl") || name == "CURRENT" {
            assert_eq!(unharmed, [], "every byte of {name} counts");
        } else if is(&name, "wal") {
            // The unused rest of a segment: zeros behind its last record.
            let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |at| at as u64 + 1);
            let inside: Vec<u64> = unharmed.into_iter().filter(|at| *at + 8 < used).collect();
            assert_eq!(inside, [], "every record of {name} counts");
        } else if name.starts_with("MANIFEST-") {
            // Marks say that what precedes them was synced; losing one is no harm. Behind the
            // last one the file is room for more, and zeros.
            let runs = unharmed.chunk_by(|a, b| a + 1 == *b);
            let mut lengths: Vec<usize> = runs.map(<[u64]>::len).collect();
            let rest = lengths.pop().expect("there are marks");
            let used = content.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
            assert!(rest <= content.len() - used + 2 * MARK_BYTES, "the end of {name} counts");
            let marks = lengths.iter().all(|bytes| bytes.is_multiple_of(MARK_BYTES));
            assert!(marks, "every edit of {name} counts: {lengths:?}");
        } else {
            assert_eq!(name, "LOCK", "an unknown file");
        }
    }
    println!("{swept} flips; without effect: {ignored:?}");
    assert!(swept > 5_000);
}

#[test]
fn a_flipped_bit_of_the_ring_of_a_closed_database_has_no_effect() {
    let (vfs, want) = database(true);
    let ring = Path::new("db/ring");
    let outcomes = sweep(&vfs, ring, &want, 511);
    assert!(outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Unharmed));
}

#[test]
fn a_truncated_file_is_noticed() {
    let (vfs, want) = database(false);
    for (path, bytes) in vfs.list() {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "LOCK" || bytes == 0 {
            continue;
        }
        for keep in [0, bytes / 3, bytes - 1] {
            let vfs = vfs.crash_clone(Crash::Kill);
            let file = lsmer::parts::core::OpenOptions::write(lsmer::parts::core::FileClass::Tmp);
            lsmer::parts::core::Vfs::open(&vfs, &path, file).unwrap().set_len(keep).unwrap();
            match SHAPE.open(&vfs) {
                Err(error) => assert_eq!(error.kind(), ErrorKind::Corruption, "{name} {keep}"),
                Ok(opened) => {
                    // Only zeros were cut off, or the last mark.
                    let spare = is(&name, "wal") || name.starts_with("MANIFEST-");
                    assert!(spare && keep > 0, "{name} cut to {keep} of {bytes}");
                    assert_eq!(contents(&opened.db).unwrap(), want, "{name} {keep}");
                }
            }
        }
    }
}
