//! Commits of several threads: one order, whole batches, nothing acknowledged before it is seen.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::thread;

use lsmer_core::{Env, KeyspaceOptions, WriteBatch};
use lsmer_io::MemVfs;

use crate::{Components, Engine, Keyspace, Options, WriteOptions};

const WRITERS: u64 = 4;
const WRITES: u64 = if cfg!(lsmer_tsan) { 200 } else { 2_000 };

fn engine() -> Engine {
    let env: Env = lsmer_io::memory(MemVfs::without_crashes(), 2);
    let parts = Components::shipped(env);
    // Small memtables, so that commits meet rotations and flushes all the time.
    let options = Options { memtable_bytes: 16 << 10, ..Options::new("db") };
    Engine::open(options, parts).unwrap()
}

fn number(value: &[u8]) -> u64 {
    u64::from_le_bytes(*value.first_chunk().unwrap())
}

/// Writes the same number under a key of both keyspaces, again and again.
fn write(default: &Keyspace, other: &Keyspace, writer: u64) {
    let mut batch = WriteBatch::new();
    for n in 1..=WRITES {
        batch.clear();
        batch.put([u8::try_from(writer).unwrap()], n.to_le_bytes());
        batch.put_in(other, [u8::try_from(writer).unwrap()], n.to_le_bytes());
        let how = if n % 50 == 0 { WriteOptions::sync() } else { WriteOptions::process() };
        default.write_with(&batch, how).unwrap();
        let seen = default.get([u8::try_from(writer).unwrap()]).unwrap().unwrap();
        assert_eq!(number(&seen), n, "a writer sees what was acknowledged to it");
    }
}

/// Takes snapshots and checks that each writer's batches are whole and never go back.
fn read(default: &Keyspace, other: &Keyspace) {
    let mut last = vec![0; usize::try_from(WRITERS).unwrap()];
    while last.iter().any(|n| *n < WRITES) {
        let snapshot = default.snapshot();
        let in_other = snapshot.in_keyspace(other);
        for (writer, last) in (0_u8..).zip(&mut last) {
            let one = snapshot.get([writer]).unwrap().map(|value| number(&value));
            let two = in_other.get([writer]).unwrap().map(|value| number(&value));
            assert_eq!(one, two, "a batch is whole in every snapshot");
            let one = one.unwrap_or(0);
            assert!(one >= *last, "time does not go back");
            *last = one;
        }
    }
}

#[test]
fn snapshots_of_one_thread_see_whole_batches_of_the_other_threads() {
    let engine = engine();
    let default = engine.default_keyspace();
    let other = engine.keyspace("other", KeyspaceOptions::default()).unwrap();
    let mut threads = Vec::new();
    for writer in 0..WRITERS {
        let (default, other) = (default.clone(), other.clone());
        threads.push(thread::Builder::new().spawn(move || write(&default, &other, writer)));
    }
    {
        let (default, other) = (default.clone(), other.clone());
        threads.push(thread::Builder::new().spawn(move || read(&default, &other)));
    }
    for thread in threads {
        thread.unwrap().join().unwrap();
    }
    let seqno = default.snapshot().seqno();
    assert_eq!(seqno.0, WRITERS * WRITES * 2, "dense: one seqno for each entry");
    engine.wait_until_quiet().unwrap();
    let stats = engine.stats();
    assert!(stats.flushes > 0, "the test met rotations");
    assert!(stats.compactions > 0 || cfg!(lsmer_tsan), "the readers raced with merges");
    assert!(engine.verify().faults.is_empty());
}

#[test]
fn scans_beside_writing_threads_are_in_order_and_hold_still() {
    let engine = engine();
    let default = engine.default_keyspace();
    let writer = {
        let default = default.clone();
        thread::Builder::new().spawn(move || {
            for n in 0..WRITES {
                default.put((n * 7_919 % WRITES).to_be_bytes(), n.to_le_bytes()).unwrap();
            }
        })
    };
    let mut longest = 0;
    while longest < WRITES {
        let mut scan = default.iter().unwrap();
        let mut last: Option<Vec<u8>> = None;
        let mut count = 0;
        while let Some((key, _)) = scan.next().unwrap() {
            assert!(last.as_deref().is_none_or(|last| last < key), "ascending");
            last = Some(key.to_vec());
            count += 1;
        }
        assert!(count >= longest, "nothing that was seen is lost");
        longest = count;
    }
    writer.unwrap().join().unwrap();
}
