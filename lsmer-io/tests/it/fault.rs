//! Operations that fail on demand.

use std::{io::ErrorKind, path::Path};

use lsmer_core::{FileClass, OpenOptions, SyncKind, Vfs};
use lsmer_io::{Crash, MemVfs, Op};

use crate::disk::Disk;

fn disk() -> (MemVfs, Disk) {
    let vfs = MemVfs::new();
    (vfs.clone(), Disk::on(vfs))
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().expect("it must fail").kind()
}

#[test]
fn the_nth_operation_fails_and_the_next_works() {
    let (vfs, disk) = disk();
    let file = disk.create("a", b"12");
    vfs.fail_nth(Op::Write, None, 1, ErrorKind::Other, false);
    file.write_all_at(b"3", 0).unwrap();
    assert_eq!(kind(file.write_all_at(b"4", 0)), ErrorKind::Other);
    assert_eq!(disk.read("a"), b"32", "without effect");
    file.write_all_at(b"5", 0).unwrap();
}

#[test]
fn a_sticky_fault_lasts_until_it_is_cleared() {
    let (vfs, disk) = disk();
    vfs.fail_nth(Op::Rename, None, 0, ErrorKind::Other, true);
    disk.create("a", b"");
    for _ in 0..3 {
        assert_eq!(kind(vfs.rename(&disk.path("a"), &disk.path("b"))), ErrorKind::Other);
    }
    vfs.clear_faults();
    vfs.rename(&disk.path("a"), &disk.path("b")).unwrap();
}

#[test]
fn a_class_chooses_files() {
    let (vfs, disk) = disk();
    let table = vfs.open(&disk.path("t"), OpenOptions::create(FileClass::Table)).unwrap();
    let log = vfs.open(&disk.path("l"), OpenOptions::create(FileClass::Wal)).unwrap();
    vfs.fail_nth(Op::Any, Some(FileClass::Wal), 0, ErrorKind::StorageFull, true);
    table.write_all_at(b"x", 0).unwrap();
    table.sync(SyncKind::Data).unwrap();
    assert_eq!(kind(log.write_all_at(b"x", 0)), ErrorKind::StorageFull);
    assert_eq!(kind(log.allocate(0, 9)), ErrorKind::StorageFull);
    assert_eq!(kind(vfs.remove_file(&disk.path("l"))), ErrorKind::StorageFull);
    vfs.remove_file(&disk.path("t")).unwrap();
}

#[test]
fn every_operation_counts_and_can_fail() {
    let run = |vfs: &MemVfs| -> std::io::Result<()> {
        let dir = Path::new("/db");
        vfs.create_dir(dir)?;
        let _lock = vfs.lock(&dir.join("LOCK"), lsmer_core::LockMode::Exclusive)?;
        let file = vfs.open(&dir.join("a"), OpenOptions::create(FileClass::Table))?;
        file.allocate(0, 10)?;
        file.set_len(5)?;
        file.write_all_at(b"123", 0)?;
        file.sync(SyncKind::Data)?;
        vfs.rename(&dir.join("a"), &dir.join("b"))?;
        vfs.hard_link(&dir.join("b"), &dir.join("c"))?;
        vfs.sync_dir(dir)?;
        vfs.read_dir(dir)?;
        file.read_exact_at(&mut [0; 3], 0)?;
        file.read_batch(&mut [])?;
        vfs.remove_file(&dir.join("b"))
    };
    let vfs = MemVfs::new();
    run(&vfs).unwrap();
    let count = vfs.op_count();
    assert_eq!(count, 14);
    for nth in 0..count {
        let vfs = MemVfs::new();
        vfs.fail_nth(Op::Any, None, nth, ErrorKind::Other, false);
        assert_eq!(kind(run(&vfs)), ErrorKind::Other);
        assert_eq!(vfs.op_count(), nth + 1, "it stops there");
    }
}

#[test]
fn a_failed_sync_makes_nothing_durable() {
    let (vfs, disk) = disk();
    vfs.sync_dir(Path::new("/")).unwrap();
    let file = disk.create("a", b"1");
    vfs.fail_nth(Op::Sync, None, 0, ErrorKind::Other, false);
    vfs.fail_nth(Op::SyncDir, None, 0, ErrorKind::Other, false);
    assert_eq!(kind(file.sync(SyncKind::Data)), ErrorKind::Other);
    assert_eq!(kind(vfs.sync_dir(&disk.dir)), ErrorKind::Other);
    assert_eq!(vfs.pending(), 2);
    assert!(vfs.crash_clone(Crash::Min).list().is_empty());
    vfs.sync_dir(&disk.dir).unwrap();
    file.sync(SyncKind::Data).unwrap();
    assert_eq!(vfs.crash_clone(Crash::Min).read_all("/db/a").unwrap(), b"1");
}

#[test]
fn a_full_disk_refuses_growth_only() {
    let (vfs, disk) = disk();
    let file = disk.create("a", &[1; 600]);
    vfs.hard_link(&disk.path("a"), &disk.path("link")).unwrap();
    vfs.set_disk_limit(Some(1000));
    let other = disk.create("b", &[2; 400]);
    assert_eq!(kind(other.write_all_at(b"xx", 399)), ErrorKind::StorageFull);
    assert_eq!(kind(other.allocate(0, 401)), ErrorKind::StorageFull);
    assert_eq!(kind(other.set_len(401)), ErrorKind::StorageFull);
    assert_eq!(disk.read("b"), [2; 400], "nothing was changed");
    file.write_all_at(&[3; 600], 0).unwrap();

    vfs.remove_file(&disk.path("a")).unwrap();
    assert_eq!(kind(other.set_len(401)), ErrorKind::StorageFull, "the link keeps the bytes");
    vfs.remove_file(&disk.path("link")).unwrap();
    other.set_len(1000).unwrap();
    vfs.set_disk_limit(None);
    other.set_len(5000).unwrap();
}

#[test]
fn a_flipped_bit_is_there_now_and_after_a_crash() {
    let (vfs, disk) = disk();
    vfs.sync_dir(Path::new("/")).unwrap();
    let file = disk.create("a", &[0; 4]);
    file.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    file.write_all_at(&[0; 4], 4).unwrap();
    vfs.flip("/db/a", 2, 7).unwrap();
    assert_eq!(disk.read("a"), [0, 0, 128, 0, 0, 0, 0, 0]);
    let min = vfs.crash_clone(Crash::Min);
    assert_eq!(min.read_all("/db/a").unwrap(), [0, 0, 128, 0]);
    assert_eq!(kind(vfs.flip("/db/a", 8, 0)), ErrorKind::InvalidInput);
    assert_eq!(kind(vfs.flip("/db/a", 0, 8)), ErrorKind::InvalidInput);
    assert_eq!(kind(vfs.flip("/db", 0, 0)), ErrorKind::IsADirectory);
}
