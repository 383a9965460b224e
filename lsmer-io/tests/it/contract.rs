//! What every file system promises, tried on both.

use std::{
    io::{ErrorKind, IoSlice},
    path::Path,
};

use lsmer_core::{DirEntry, FileClass, LockMode, OpenOptions, ReadRequest, SyncKind};

use crate::disk::Disk;

/// Runs each check on the real disk and in memory.
macro_rules! on_both {
    ($($check:ident)*) => {
        mod real {
            $(#[test] fn $check() { super::$check(&crate::disk::Disk::real()); })*
        }
        mod memory {
            $(#[test] fn $check() { super::$check(&crate::disk::Disk::memory()); })*
        }
    };
}

on_both! {
    vfs_01_a_read_returns_what_was_last_written
    vfs_01_another_handle_reads_it_too
    vfs_02_a_sync_of_what_is_there_works
    vfs_02_a_sync_of_a_missing_folder_fails
    vfs_03_a_rename_replaces_the_target
    vfs_03_an_open_file_follows_its_rename
    vfs_04_a_file_is_readable_after_its_name_is_gone
    vfs_05_a_second_exclusive_lock_fails_until_the_first_is_dropped
    vfs_05_shared_locks_go_together
    vfs_05_a_shared_lock_creates_nothing
    a_hard_link_is_another_name_of_the_same_file
    opening_keeps_to_its_flags
    a_handle_does_only_what_it_was_opened_for
    a_short_read_ends_at_the_end_of_the_file
    writes_gather_their_slices_and_leave_zeros_in_gaps
    a_batch_reads_in_any_order
    a_batch_takes_more_neighbours_than_the_kernel
    a_batch_that_reaches_beyond_the_end_fails
    set_len_cuts_and_extends_with_zeros
    allocate_extends_and_keeps_what_is_there
    a_folder_lists_sorted_with_sizes
    folders_are_created_one_by_one
    the_parent_of_a_relative_name_is_a_folder
    an_install_replaces_whole_files
    direct_io_is_for_those_who_asked_for_caps
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().expect("it must fail").kind()
}

fn vfs_01_a_read_returns_what_was_last_written(disk: &Disk) {
    let file = disk.create("a", b"old bytes");
    file.write_all_at(b"new", 0).unwrap();
    assert_eq!(disk.read("a"), b"new bytes");
    file.sync(SyncKind::Data).unwrap();
    file.write_all_at(b"NEW", 4).unwrap();
    assert_eq!(disk.read("a"), b"new NEWes");
}

fn vfs_01_another_handle_reads_it_too(disk: &Disk) {
    let one = disk.create("a", b"");
    let other = disk.vfs.open(&disk.path("a"), OpenOptions::read(FileClass::Table)).unwrap();
    one.write_all_at(b"late", 0).unwrap();
    let mut buf = [0; 4];
    other.read_exact_at(&mut buf, 0).unwrap();
    assert_eq!(&buf, b"late");
}

fn vfs_02_a_sync_of_what_is_there_works(disk: &Disk) {
    let file = disk.create("a", b"x");
    file.sync(SyncKind::Data).unwrap();
    file.sync(SyncKind::All).unwrap();
    disk.vfs.sync_dir(&disk.dir).unwrap();
}

fn vfs_02_a_sync_of_a_missing_folder_fails(disk: &Disk) {
    assert_eq!(kind(disk.vfs.sync_dir(&disk.path("no"))), ErrorKind::NotFound);
    disk.create("file", b"");
    assert_eq!(kind(disk.vfs.sync_dir(&disk.path("file"))), ErrorKind::NotADirectory);
}

fn vfs_03_a_rename_replaces_the_target(disk: &Disk) {
    disk.create("new", b"new");
    disk.create("target", b"old");
    disk.vfs.rename(&disk.path("new"), &disk.path("target")).unwrap();
    assert_eq!(disk.names(), ["target"]);
    assert_eq!(disk.read("target"), b"new");
    let gone = disk.vfs.rename(&disk.path("new"), &disk.path("target"));
    assert_eq!(kind(gone), ErrorKind::NotFound);
    assert_eq!(disk.read("target"), b"new");
}

fn vfs_03_an_open_file_follows_its_rename(disk: &Disk) {
    let file = disk.create("a", b"1");
    disk.vfs.rename(&disk.path("a"), &disk.path("b")).unwrap();
    disk.create("a", b"other");
    file.write_all_at(b"2", 1).unwrap();
    assert_eq!(disk.read("b"), b"12");
}

fn vfs_04_a_file_is_readable_after_its_name_is_gone(disk: &Disk) {
    let removed = disk.create("a", b"removed");
    let replaced = disk.create("b", b"replaced");
    disk.create("c", b"new");
    disk.vfs.remove_file(&disk.path("a")).unwrap();
    disk.vfs.rename(&disk.path("c"), &disk.path("b")).unwrap();
    for (file, want) in [(removed, &b"removed"[..]), (replaced, b"replaced")] {
        let mut buf = vec![0; want.len()];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(buf, want);
        file.sync(SyncKind::All).unwrap();
    }
    assert_eq!(kind(disk.vfs.remove_file(&disk.path("a"))), ErrorKind::NotFound);
}

fn vfs_05_a_second_exclusive_lock_fails_until_the_first_is_dropped(disk: &Disk) {
    let path = disk.path("LOCK");
    let first = disk.vfs.lock(&path, LockMode::Exclusive).unwrap();
    assert_eq!(disk.names(), ["LOCK"]);
    assert_eq!(kind(disk.vfs.lock(&path, LockMode::Exclusive)), ErrorKind::WouldBlock);
    assert_eq!(kind(disk.vfs.lock(&path, LockMode::Shared)), ErrorKind::WouldBlock);
    drop(first);
    disk.vfs.lock(&path, LockMode::Exclusive).unwrap();
}

fn vfs_05_shared_locks_go_together(disk: &Disk) {
    disk.create("LOCK", b"");
    let path = disk.path("LOCK");
    let one = disk.vfs.lock(&path, LockMode::Shared).unwrap();
    let two = disk.vfs.lock(&path, LockMode::Shared).unwrap();
    drop(one);
    assert_eq!(kind(disk.vfs.lock(&path, LockMode::Exclusive)), ErrorKind::WouldBlock);
    drop(two);
    disk.vfs.lock(&path, LockMode::Exclusive).unwrap();
}

fn vfs_05_a_shared_lock_creates_nothing(disk: &Disk) {
    let lock = disk.vfs.lock(&disk.path("LOCK"), LockMode::Shared);
    assert_eq!(kind(lock), ErrorKind::NotFound);
    assert!(disk.names().is_empty());
}

fn a_hard_link_is_another_name_of_the_same_file(disk: &Disk) {
    let file = disk.create("a", b"1");
    disk.vfs.hard_link(&disk.path("a"), &disk.path("b")).unwrap();
    file.write_all_at(b"2", 1).unwrap();
    assert_eq!(disk.read("b"), b"12");
    let taken = disk.vfs.hard_link(&disk.path("a"), &disk.path("b"));
    assert_eq!(kind(taken), ErrorKind::AlreadyExists);
    disk.vfs.rename(&disk.path("a"), &disk.path("b")).unwrap();
    assert_eq!(disk.names(), ["a", "b"], "POSIX: two names of one file stay");
    disk.vfs.remove_file(&disk.path("a")).unwrap();
    assert_eq!(disk.read("b"), b"12");
}

fn opening_keeps_to_its_flags(disk: &Disk) {
    let (class, path) = (FileClass::Table, disk.path("a"));
    assert_eq!(kind(disk.vfs.open(&path, OpenOptions::read(class))), ErrorKind::NotFound);
    assert_eq!(kind(disk.vfs.open(&path, OpenOptions::write(class))), ErrorKind::NotFound);
    disk.create("a", b"12");
    let again = disk.vfs.open(&path, OpenOptions::create(class));
    assert_eq!(kind(again), ErrorKind::AlreadyExists);
    let truncate = OpenOptions { truncate: true, ..OpenOptions::write(class) };
    assert!(disk.vfs.open(&path, truncate).unwrap().is_empty().unwrap());
    let nothing = OpenOptions { read: false, ..OpenOptions::read(class) };
    assert_eq!(kind(disk.vfs.open(&path, nothing)), ErrorKind::InvalidInput);
    let below = disk.vfs.open(&path.join("b"), OpenOptions::create(class));
    assert_eq!(kind(below), ErrorKind::NotADirectory);
    let nowhere = disk.vfs.open(&disk.path("no/b"), OpenOptions::create(class));
    assert_eq!(kind(nowhere), ErrorKind::NotFound);
}

fn a_handle_does_only_what_it_was_opened_for(disk: &Disk) {
    disk.create("a", b"12");
    let (path, class) = (disk.path("a"), FileClass::Wal);
    let file = disk.vfs.open(&path, OpenOptions::read(class)).unwrap();
    file.write_all_at(b"x", 0).unwrap_err();
    file.set_len(0).unwrap_err();
    file.allocate(0, 9).unwrap_err();
    let write = OpenOptions { read: false, ..OpenOptions::write(class) };
    let file = disk.vfs.open(&path, write).unwrap();
    file.read_at(&mut [0], 0).unwrap_err();
    file.write_all_at(b"x", 1).unwrap();
    assert_eq!(disk.read("a"), b"1x");
}

fn a_short_read_ends_at_the_end_of_the_file(disk: &Disk) {
    let file = disk.create("a", b"12345");
    let mut buf = [0; 4];
    assert_eq!(file.read_at(&mut buf, 3).unwrap(), 2);
    assert_eq!(&buf[..2], b"45");
    assert_eq!(file.read_at(&mut buf, 5).unwrap(), 0);
    assert_eq!(file.read_at(&mut buf, 500).unwrap(), 0);
    assert_eq!(kind(file.read_exact_at(&mut buf, 3)), ErrorKind::UnexpectedEof);
}

fn writes_gather_their_slices_and_leave_zeros_in_gaps(disk: &Disk) {
    let file = disk.create("a", b"");
    let slices = [&b"one"[..], b"", b"two"].map(IoSlice::new);
    assert_eq!(file.write_at(&slices, 2).unwrap(), 6);
    assert_eq!(disk.read("a"), b"\0\0onetwo");
    assert_eq!(file.write_at(&[], 99).unwrap(), 0);
    assert_eq!(file.write_at(&[IoSlice::new(b"")], 99).unwrap(), 0);
    assert_eq!(file.len().unwrap(), 8, "an empty write does not extend");

    let many = vec![IoSlice::new(b"x"); 3000];
    let count = file.write_at(&many, 0).unwrap();
    assert!((1..=3000).contains(&count), "short writes are legal");
}

fn pattern(count: usize) -> Vec<u8> {
    (0..count).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

fn a_batch_reads_in_any_order(disk: &Disk) {
    let bytes = pattern(100_000);
    let file = disk.create("a", &bytes);
    // Neighbours, a gap, backwards, overlapping, nothing.
    let ranges = [(0, 10), (10, 4096), (4106, 1), (9000, 50_000), (0, 3), (1, 3), (7, 0), (7, 2)];
    let mut bufs: Vec<Vec<u8>> = ranges.iter().map(|(_, len)| vec![0; *len]).collect();
    let mut reads: Vec<ReadRequest<'_>> = ranges
        .iter()
        .zip(&mut bufs)
        .map(|((offset, _), buf)| ReadRequest { offset: *offset, buf })
        .collect();
    file.read_batch(&mut reads).unwrap();
    for ((offset, len), buf) in ranges.iter().zip(&bufs) {
        let start = usize::try_from(*offset).unwrap();
        assert_eq!(buf, &bytes[start..start + len]);
    }
    file.read_batch(&mut []).unwrap();
}

fn a_batch_takes_more_neighbours_than_the_kernel(disk: &Disk) {
    let bytes = pattern(3000 * 3);
    let file = disk.create("a", &bytes);
    let mut got = vec![0; bytes.len()];
    let chunks = got.chunks_mut(3).zip((0..).step_by(3));
    let mut reads: Vec<_> = chunks.map(|(buf, offset)| ReadRequest { offset, buf }).collect();
    file.read_batch(&mut reads).unwrap();
    assert_eq!(got, bytes);
}

fn a_batch_that_reaches_beyond_the_end_fails(disk: &Disk) {
    let file = disk.create("a", b"12345");
    let (mut one, mut two) = ([0; 3], [0; 3]);
    let [one, two] = [&mut one, &mut two].map(|buf| &mut buf[..]);
    let mut reads = [ReadRequest { offset: 0, buf: one }, ReadRequest { offset: 3, buf: two }];
    assert_eq!(kind(file.read_batch(&mut reads)), ErrorKind::UnexpectedEof);
    assert_eq!(kind(file.read_batch(&mut reads[1..])), ErrorKind::UnexpectedEof);
}

fn set_len_cuts_and_extends_with_zeros(disk: &Disk) {
    let file = disk.create("a", &vec![7; 20_000]);
    file.set_len(3).unwrap();
    assert_eq!(disk.read("a"), [7; 3]);
    file.set_len(20_000).unwrap();
    let mut want = vec![0; 20_000];
    want[..3].fill(7);
    assert_eq!(disk.read("a"), want);
}

fn allocate_extends_and_keeps_what_is_there(disk: &Disk) {
    let file = disk.create("a", b"12345");
    file.allocate(0, 3).unwrap();
    file.allocate(77, 0).unwrap();
    assert_eq!(disk.read("a"), b"12345");
    file.allocate(2, 100_000).unwrap();
    assert_eq!(file.len().unwrap(), 100_002);
    assert_eq!(&disk.read("a")[..7], b"12345\0\0");
    assert_eq!(kind(file.allocate(u64::MAX - 1, 9)), ErrorKind::FileTooLarge);
}

fn a_folder_lists_sorted_with_sizes(disk: &Disk) {
    disk.create("b", b"12");
    disk.vfs.create_dir(&disk.path("c")).unwrap();
    disk.create("a", b"");
    let entry = |name: &str, is_dir, bytes| DirEntry { name: name.to_owned(), is_dir, bytes };
    let want = [entry("a", false, 0), entry("b", false, 2), entry("c", true, 0)];
    assert_eq!(disk.vfs.read_dir(&disk.dir).unwrap(), want);
    assert_eq!(kind(disk.vfs.read_dir(&disk.path("a"))), ErrorKind::NotADirectory);
    assert_eq!(kind(disk.vfs.read_dir(&disk.path("no"))), ErrorKind::NotFound);
}

fn folders_are_created_one_by_one(disk: &Disk) {
    assert_eq!(kind(disk.vfs.create_dir(&disk.path("x/y"))), ErrorKind::NotFound);
    disk.vfs.create_dir(&disk.path("x")).unwrap();
    disk.vfs.create_dir(&disk.path("x/y")).unwrap();
    assert_eq!(kind(disk.vfs.create_dir(&disk.path("x/y"))), ErrorKind::AlreadyExists);
    disk.create("x/y/file", b"deep");
    assert_eq!(disk.read("x/y/file"), b"deep");
    assert_eq!(kind(disk.vfs.remove_file(&disk.path("x"))), ErrorKind::IsADirectory);
}

fn the_parent_of_a_relative_name_is_a_folder(disk: &Disk) {
    let parent = Path::new("db").parent().unwrap();
    disk.vfs.sync_dir(parent).unwrap();
    disk.vfs.read_dir(parent).unwrap();
}

fn an_install_replaces_whole_files(disk: &Disk) {
    for bytes in [&b"first"[..], b"2nd"] {
        disk.vfs.install(&disk.dir, "CURRENT", FileClass::Current, bytes).unwrap();
        assert_eq!(disk.read("CURRENT"), bytes);
        disk.create("CURRENT.tmp", b"left over by a crash");
    }
}

fn direct_io_is_for_those_who_asked_for_caps(disk: &Disk) {
    let how = OpenOptions { direct: true, ..OpenOptions::read(FileClass::Table) };
    let bytes = pattern(8192);
    disk.create("a", &bytes).sync(SyncKind::All).unwrap();
    let Some(align) = disk.vfs.caps(&disk.dir).direct_align else {
        assert_eq!(kind(disk.vfs.open(&disk.path("a"), how)), ErrorKind::InvalidInput);
        return;
    };
    let file = disk.vfs.open(&disk.path("a"), how).unwrap();
    let align = usize::try_from(align).unwrap();
    let mut buf = vec![0; 3 * align];
    let skip = buf.as_ptr().align_offset(align);
    let aligned = &mut buf[skip..skip + align];
    file.read_exact_at(aligned, align as u64).unwrap();
    assert_eq!(aligned, &bytes[align..2 * align]);
}
