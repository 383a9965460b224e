//! Memory stays within the budget and a fixed allowance, while importing and while recovering.
//!
//! A child measures the peak of its own resident memory, as the kernel counts it, above what it
//! took before it opened the database.

#![expect(clippy::print_stdout, reason = "how much memory it took")]

use std::{ffi::OsStr, fs, path::Path};

use lsmer::{
    Builder, Db,
    parts::{core::Rng, io::SeededRng},
};

use crate::child::{Child, is_long, say, told};

const MIB: u64 = 1 << 20;
const BUDGET: u64 = 32 * MIB;
/// What may come on top: code, stacks, what the allocator keeps.
const ALLOWANCE: u64 = 64 * MIB;
/// What a log is written with, so that nothing is flushed.
const LARGE_BUDGET: u64 = 1 << 30;
const IMPORT: u64 = 256 * MIB;
const LONG_IMPORT: u64 = 2 << 30;
const LOG: u64 = 200 * MIB;

const PEAK: u8 = b'p';
const ENTRIES: u8 = b'e';

/// Returns the peak of this process's resident memory, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it has a peak");
    let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
    kib.expect("a number of KiB") << 10
}

fn builder(budget: u64) -> Builder {
    Db::builder(told("FOLDER")).memory_budget(usize::try_from(budget).expect("64-bit only"))
}

/// Entry `n` of those that are written: keys in no order, values of 1 to 64 KiB.
fn entry(n: u64) -> ([u8; 8], Vec<u8>) {
    let rng = SeededRng::new(n);
    let key = rng.next_u64().to_be_bytes();
    let bytes = usize::try_from((1 << 10) + rng.next_u64() % (63 << 10)).expect("it is small");
    let mut value = Vec::with_capacity(bytes + 8);
    while value.len() < bytes {
        value.extend(rng.next_u64().to_le_bytes());
    }
    (key, value)
}

/// Writes so many bytes; returns how many entries.
fn write(db: &Db, bytes: u64) -> u64 {
    let mut written = 0;
    let mut entries = 0;
    while written < bytes {
        let (key, value) = entry(entries);
        db.put(key, &value).expect("nothing is wrong with the disk");
        written += value.len() as u64;
        entries += 1;
    }
    entries
}

fn check(db: &Db, entries: u64) {
    for n in (0..entries).step_by(97).chain([entries - 1]) {
        let (key, value) = entry(n);
        assert_eq!(db.get(key).expect("it can be read").as_deref(), Some(&value[..]), "entry {n}");
    }
}

/// The part of a child: imports, reads all of it, and says what the peak was.
pub(crate) fn import() {
    let before = peak();
    let db = builder(BUDGET).open().expect("it opens");
    let entries = write(&db, if is_long() { LONG_IMPORT } else { IMPORT });
    say(PEAK, peak() - before);
    let mut scan = db.iter().expect("it can be read");
    let mut found = 0;
    while scan.next().expect("it can be read").is_some() {
        found += 1;
    }
    assert_eq!(found, entries);
    check(&db, entries);
    say(PEAK, peak() - before);
    db.compact(..).expect("nothing is wrong with the disk");
    db.close().expect("nothing is wrong with the disk");
    say(PEAK, peak() - before);
}

/// The part of a child: writes a log and waits to be killed.
pub(crate) fn write_log() {
    let large = usize::try_from(LARGE_BUDGET).expect("64-bit only");
    let db = builder(LARGE_BUDGET).memtable_bytes(large).open().expect("it opens");
    let entries = write(&db, LOG);
    assert_eq!(db.stats().flushes, 0, "all of it is in the log only");
    say(ENTRIES, entries);
    std::io::Read::read_to_end(&mut std::io::stdin(), &mut Vec::new()).expect("input ends");
}

/// The part of a child: recovers, reads all of it, and says what the peak was.
pub(crate) fn recover() {
    let before = peak();
    let db = builder(BUDGET).open().expect("it opens");
    say(PEAK, peak() - before);
    check(&db, told("ENTRIES").parse().expect("a number"));
    db.close().expect("nothing is wrong with the disk");
    say(PEAK, peak() - before);
}

fn assert_peaks(role: &str, folder: &Path, entries: u64) {
    let entries = entries.to_string();
    let told: [(&str, &OsStr); 2] = [("FOLDER", folder.as_ref()), ("ENTRIES", entries.as_ref())];
    let mut child = Child::start(role, &told);
    assert!(child.begin(), "the child plays its part");
    let peaks: Vec<u64> = child.finish().iter().map(|mark| mark.n).collect();
    println!("{role}: {:?} MiB", peaks.iter().map(|bytes| bytes / MIB).collect::<Vec<_>>());
    let most = *peaks.iter().max().expect("it says so");
    let limit = BUDGET + ALLOWANCE;
    assert!(most <= limit, "{role}: it took {} MiB, not {}", most / MIB, limit / MIB);
}

#[test]
fn memory_stays_within_the_budget_while_importing() {
    let temp = tempfile::tempdir().unwrap();
    assert_peaks("import", &temp.path().join("db"), 0);
}

#[test]
fn memory_stays_within_the_budget_while_a_larger_log_is_recovered() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let mut child = Child::start("write a log", &[("FOLDER", folder.as_ref())]);
    assert!(child.begin(), "the child plays its part");
    let entries = child.next().expect("it writes a log").n;
    child.kill();
    assert_peaks("recover", &folder, entries);
}
