//! A full disk: what was acknowledged stays readable, what is refused changes nothing, and once
//! there is room writing goes on.
//!
//! Tried on a file system in memory with every limit in steps, on a small tmpfs, and under a limit
//! of file sizes. The tmpfs is mounted in a mount namespace of the child, so that nothing is left
//! of it however the child ends; where that is not allowed, that one test says so and is over.

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use lsmer::{
    Db, Durability, Error, ErrorKind, WriteBatch,
    parts::{
        core::Rng,
        io::{MemVfs, SeededRng},
    },
};

use crate::{
    child::{Child, say, told},
    history::{Jobs, TEST_KEY, World, builder, orphans},
};

/// A disk fills up in steps of so many bytes.
const STEP_BYTES: u64 = 1500;
const TMPFS_BYTES: u64 = 8 << 20;
/// What is freed when the tmpfs is full.
const BALLAST_BYTES: usize = 3 << 20;
/// Mounts a tmpfs of `$1` bytes at `$2` that only the command behind them sees.
const MOUNT: &str = "mount -t tmpfs -o size=\"$1\" lsmer \"$2\" && shift 2 && exec \"$@\"";
/// Limits files to `$1` blocks of 512 bytes; writing beyond is an error, not a signal.
const LIMIT: &str = "trap '' XFSZ && ulimit -f \"$1\" && shift && exec \"$@\"";
const WRITTEN: u8 = b'w';

/// Returns the most bytes that the workload has on the disk at any time, about.
fn most_bytes() -> u64 {
    let mut world = World::new(MemVfs::without_crashes(), Jobs::InTurn);
    world.run();
    world.vfs.list().into_iter().map(|(_, bytes)| bytes).sum()
}

fn try_limit(limit: u64) -> usize {
    let vfs = MemVfs::without_crashes();
    vfs.set_disk_limit(Some(limit));
    let mut world = World::new(vfs.clone(), Jobs::InTurn);
    world.run();
    let errors = world.errors.len();
    let full = |error: &&Error| error.kind() == ErrorKind::Full;
    let other = world.errors.iter().find(|error| !full(error));
    assert!(other.is_none(), "at {limit} bytes: {other:?}");
    if let Some(db) = &world.db {
        world.history.check(db);
    }

    vfs.set_disk_limit(None);
    if world.db.is_none() {
        world.open();
    }
    let db = world.db.take().unwrap_or_else(|| panic!("at {limit} bytes: {:?}", world.errors));
    db.put(TEST_KEY, [1; 3000])
        .unwrap_or_else(|error| panic!("at {limit} bytes: there is room again: {error:?}"));
    db.compact(..).unwrap_or_else(|error| panic!("at {limit} bytes: {error:?}"));
    world.history.check(&db);
    db.close().unwrap();
    drop(db);
    assert_eq!(orphans(&vfs), [""; 0], "at {limit} bytes: tables are left over");

    let db = builder(&vfs, Jobs::InTurn).open().unwrap();
    world.history.check(&db);
    assert_eq!(db.get(TEST_KEY).unwrap().unwrap(), [1; 3000].as_slice());
    assert!(db.verify().faults.is_empty(), "at {limit} bytes: {:?}", db.verify().faults);
    errors
}

#[test]
fn a_disk_of_any_size_fills_up_without_loss() {
    let most = most_bytes();
    let limits = (0..).map(|n| n * STEP_BYTES).take_while(|limit| *limit < 2 * most);
    let errors: Vec<usize> = limits.map(try_limit).collect();
    let full = errors.iter().filter(|errors| **errors > 0).count();
    println!("{full} of {} disks were too small", errors.len());
    assert!(full > 10 && full < errors.len(), "the limits are around the size of the database");
}

/// The part of a child: fills a small disk, frees some of it, and goes on.
pub(crate) fn child() {
    let folder = told("FOLDER");
    let ballast = Path::new(&folder).join("ballast");
    let limited = told("LIMITED") == "1";
    if !limited {
        fs::write(&ballast, vec![1; BALLAST_BYTES]).expect("there is room for it");
    }
    let path = Path::new(&folder).join("db");
    let open = || {
        let durability = if told("SYNC") == "1" { Durability::Sync } else { Durability::Process };
        let builder = Db::builder(&path).durability(durability).memory_budget(8 << 20);
        let (memtable, segment) = if limited { (1 << 20, 2 << 20) } else { (256 << 10, 512 << 10) };
        let builder = builder.memtable_bytes(memtable).segment_bytes(64 << 10, segment);
        builder.open().unwrap_or_else(|error| panic!("it opens: {error:?}"))
    };
    let db = open();
    let mut written = 0;
    let error = fill(&db, &mut written);
    assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    check(&db, written);
    let mut refused = 0;
    for _ in 0..100 {
        // A compaction may have made some room.
        if let Err(error) = db.put("one more", vec![2; 100 << 10]) {
            assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
            refused += 1;
        }
    }
    assert!(refused > 0, "it stays full");
    let full_at = written;
    if limited {
        // Only another process may raise the limit.
        assert_ne!(written, 0);
    } else {
        fs::remove_file(&ballast).expect("it is there");
        db.put("large", vec![3; 300 << 10]).expect("there is room again");
        let error = fill(&db, &mut written);
        assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
        assert!(written > full_at, "it went on");
    }
    check(&db, written);
    // There may be no room for what a close would like to write.
    if let Err(error) = db.close() {
        assert_eq!(error.kind(), ErrorKind::Full, "{error:?}");
    }
    drop(db);
    let db = Db::builder(&path).read_only().open().expect("reading takes no room");
    check(&db, written);
    say(WRITTEN, written);
}

/// Writes until it is refused; returns why.
fn fill(db: &Db, written: &mut u64) -> Error {
    loop {
        let mut batch = WriteBatch::new();
        batch.put(written.to_be_bytes(), value(*written));
        batch.put((*written | 1 << 63).to_be_bytes(), b"twin");
        match db.write(&batch) {
            Ok(()) => *written += 1,
            Err(error) => return error,
        }
        assert!(*written < 1 << 20, "the disk is small");
    }
}

/// What does not compress, of changing size.
fn value(n: u64) -> Vec<u8> {
    let rng = SeededRng::new(n);
    let words = 1 + rng.next_u64() % if n.is_multiple_of(50) { 6000 } else { 200 };
    (0..words).flat_map(|_| rng.next_u64().to_le_bytes()).collect()
}

fn check(db: &Db, written: u64) {
    for n in 0..written {
        let got = db.get(n.to_be_bytes()).expect("it can be read");
        assert_eq!(got.as_deref(), Some(&value(n)[..]), "write {n} of {written}");
        let twin = db.get((n | 1 << 63).to_be_bytes()).expect("it can be read");
        assert_eq!(twin.as_deref(), Some(&b"twin"[..]), "write {n} of {written}");
    }
    assert!(!db.contains_key(written.to_be_bytes()).expect("it can be read"), "it was refused");
}

fn under_shell<'a>(shell: &[&'a str], script: &'a str, words: &[&'a OsStr]) -> Vec<&'a OsStr> {
    let shell = shell.iter().copied().chain(["sh", "-c", script, "sh"]).map(OsStr::new);
    shell.chain(words.iter().copied()).collect()
}

/// Returns how to get a mount namespace of one's own, if that is allowed.
fn namespace() -> Option<&'static [&'static str]> {
    let ways: [&[&str]; 2] = [&["unshare", "-m"], &["unshare", "-rm"]];
    ways.into_iter().find(|way| {
        let temp = tempfile::tempdir().unwrap();
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).args(["sh", "-c", MOUNT, "sh", "1m"]).arg(temp.path()).arg("true");
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    })
}

#[test]
fn a_tmpfs_fills_up_without_loss_and_goes_on_when_there_is_room() {
    let Some(namespace) = namespace() else {
        println!("no tmpfs: this user may not mount one");
        return;
    };
    for sync in ["0", "1"] {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().as_os_str();
        let bytes = TMPFS_BYTES.to_string();
        let under = under_shell(namespace, MOUNT, &[bytes.as_ref(), folder]);
        let told = [("FOLDER", folder), ("SYNC", sync.as_ref()), ("LIMITED", "0".as_ref())];
        let mut child = Child::start_under(&under, "fill a disk", &told);
        assert!(child.begin(), "the child plays its part");
        let marks = child.finish();
        println!("{} writes went into {TMPFS_BYTES} bytes", marks.last().expect("it says so").n);
    }
}

#[test]
fn a_limit_of_file_sizes_is_a_full_disk() {
    for sync in ["0", "1"] {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().as_os_str();
        // The ring of the log just fits; segments and tables would be larger.
        let under = under_shell(&[], LIMIT, &["1300".as_ref()]);
        let told = [("FOLDER", folder), ("SYNC", sync.as_ref()), ("LIMITED", "1".as_ref())];
        let mut child = Child::start_under(&under, "fill a disk", &told);
        assert!(child.begin(), "the child plays its part");
        let written = child.finish().last().expect("it says so").n;

        let db = Db::open(temp.path().join("db")).expect("the limit is gone");
        check(&db, written);
        db.put("goes", "on").unwrap();
        db.compact(..).unwrap();
        check(&db, written);
        assert!(db.verify().faults.is_empty());
    }
}
