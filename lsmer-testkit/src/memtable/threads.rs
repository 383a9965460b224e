//! `MEM-01` to `MEM-04` while several threads insert and others read.

use std::sync::Arc;

use lsmer_core::{ALL, EntryRef, Kind, Memtable, MemtableFactory, MemtableSpec, SeqNo, hash};
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread,
};

use super::{assert_ordered, get, walk};
use crate::{conformance::joined, seed::Seeded};

const THREADS: usize = 4;
const WRITERS: u64 = THREADS as u64;
/// Entries of each writer.
const ENTRIES: u64 = 1_500;
/// A writer waits for a reader after so many entries, so that they do run beside each other.
const TURN: u64 = 50;

/// What a reader does again and again until all writers are done, and once more then.
type Read = fn(&Race, &Seeded);

/// `MEM-01`, `MEM-02`: while four threads insert versions of the same keys, each entry whose
/// insert has returned is found at its seqno, and nothing else; in the end all are there.
///
/// # Panics
///
/// If not.
pub fn mem_02_no_insert_of_several_threads_is_lost(factory: &dyn MemtableFactory) {
    let race = Race::run(factory, |race, random| {
        let known = race.inserted();
        for (writer, count) in (0..).zip(known) {
            for number in count.saturating_sub(20)..count {
                race.finds(writer, number, random);
            }
        }
    });
    let random = Seeded::new();
    for writer in 0..WRITERS {
        for number in 0..ENTRIES {
            race.finds(writer, number, &random);
        }
    }
}

/// `MEM-03`: while four threads insert, walks in both directions are in order, hold every entry
/// whose insert had returned before the seek, each once, and nothing that nobody inserted.
///
/// # Panics
///
/// If not.
pub fn mem_03_a_cursor_stays_in_order_beside_inserts(factory: &dyn MemtableFactory) {
    Race::run(factory, |race, random| {
        for backward in [false, true] {
            let known = race.inserted();
            let seen = walk(&race.table, ALL, backward, || ());
            assert_ordered(&seen, "MEM-03", random);
            let mut numbers = [const { Vec::new() }; THREADS];
            for (version, value) in seen {
                let (writer, number) = place(version.1.0);
                let (key, put) = entry(writer, number);
                let whole = version.0 == key && value == put;
                assert!(whole, "MEM-03: {version:?} was inserted by nobody; {random}");
                numbers[usize::try_from(writer).expect("few")].push(number);
            }
            for (numbers, known) in numbers.iter_mut().zip(known) {
                numbers.sort_unstable();
                let missing = (0..known).find(|number| numbers.binary_search(number).is_err());
                let way = if backward { "backward" } else { "forward" };
                assert!(
                    missing.is_none(),
                    "MEM-03: entry {missing:?} of {known} was there before the seek, and a walk \
                     {way} does not show it; {random}"
                );
            }
        }
    });
}

/// `MEM-04`: while four threads insert, no reader sees the size fall.
///
/// # Panics
///
/// If one does.
pub fn mem_04_bytes_do_not_decrease_beside_inserts(factory: &dyn MemtableFactory) {
    Race::run(factory, |race, random| {
        let mut last = 0;
        for _ in 0..100 {
            let now = race.table.bytes();
            assert!(now >= last, "MEM-04: {last} became {now}; {random}");
            last = now;
            thread::yield_now(); // also with one processor the others get their turn
        }
    });
}

/// A memtable that threads insert into.
struct Race {
    table: Arc<dyn Memtable>,
    /// How many inserts of each writer have returned.
    inserted: [AtomicU64; THREADS],
    /// How often readers have read.
    reads: AtomicU64,
    /// How many readers are left.
    readers: AtomicU64,
}

impl Race {
    /// Runs four writers and two readers to the end.
    fn run(factory: &dyn MemtableFactory, read: Read) -> Arc<Self> {
        let table = factory.create(&MemtableSpec { bytes: 8 << 20 });
        let inserted = [0; THREADS].map(AtomicU64::new);
        let (reads, readers) = (AtomicU64::new(0), AtomicU64::new(2));
        let race = Arc::new(Self { table, inserted, reads, readers });
        let readers = [1, 2].map(|number| {
            let race = Arc::clone(&race);
            thread::Builder::new().spawn(move || race.read(number, read))
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let race = Arc::clone(&race);
                thread::Builder::new().spawn(move || race.write(writer))
            })
            .collect();
        for writer in writers {
            joined("MEM-01", writer);
        }
        for reader in readers {
            joined("MEM-02", reader);
        }
        race
    }

    fn write(&self, writer: u64) {
        for number in 0..ENTRIES {
            let (key, value) = entry(writer, number);
            assert!(self.table.reserve(1, key.len() + value.len()), "MEM-01: there was room");
            let (seqno, kind) = (seqno(writer, number), Kind::Put);
            self.table.insert(EntryRef { key: &key, seqno, kind, value: &value });
            let mine = &self.inserted[usize::try_from(writer).expect("few")];
            mine.store(number + 1, Ordering::Release);
            let seen = self.reads.load(Ordering::Acquire);
            let waits = || {
                let alone = self.readers.load(Ordering::Acquire) == 0;
                !alone && self.reads.load(Ordering::Acquire) == seen
            };
            while number % TURN == 0 && waits() {
                thread::yield_now();
            }
        }
    }

    fn read(&self, number: u64, read: Read) {
        let _leaves = Leaves(&self.readers);
        let random = Seeded::new().fork(number);
        let mut done = false;
        while !done {
            done = self.inserted() == [ENTRIES; THREADS];
            read(self, &random);
            self.reads.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns how many inserts of each writer have returned.
    fn inserted(&self) -> [u64; THREADS] {
        std::array::from_fn(|writer| self.inserted[writer].load(Ordering::Acquire))
    }

    /// Looks up an entry whose insert has returned.
    fn finds(&self, writer: u64, number: u64, random: &Seeded) {
        let ((key, value), seqno) = (entry(writer, number), seqno(writer, number));
        let got = get(&*self.table, &key, seqno);
        let same = got.as_ref().is_some_and(|got| *got == (seqno, value));
        let got = got.map(|(seqno, _)| seqno);
        assert!(same, "MEM-02: {key:?} at {seqno}, once inserted, is {got:?}; {random}");
    }
}

/// Counts a reader off, also if it panics: then nobody waits for it.
struct Leaves<'a>(&'a AtomicU64);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Returns an entry: few keys, which all writers share, and a value of its own.
fn entry(writer: u64, number: u64) -> (Vec<u8>, Vec<u8>) {
    let seqno = seqno(writer, number).0;
    let pick = hash(&number.to_le_bytes()) % 61;
    (format!("key{pick}").into_bytes(), [seqno; 4].map(u64::to_be_bytes).concat())
}

fn seqno(writer: u64, number: u64) -> SeqNo {
    SeqNo(number * WRITERS + writer + 1)
}

/// Returns whose entry has a seqno, and which one it is.
fn place(seqno: SeqNo) -> (u64, u64) {
    ((seqno.0 - 1) % WRITERS, (seqno.0 - 1) / WRITERS)
}
