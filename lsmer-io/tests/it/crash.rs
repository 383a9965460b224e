//! What is left after a crash.

use std::{path::Path, sync::Arc};

use lsmer_core::{FileClass, LockMode, OpenOptions, SyncKind, Vfs};
use lsmer_io::{Crash, MemVfs};
use lsmer_sync::Mutex;
use proptest::{collection::vec, prelude::*};

use crate::disk::Disk;

/// A file system with a durable, empty `/db`, and the same as a [`Disk`].
fn durable() -> (MemVfs, Disk) {
    let vfs = MemVfs::new();
    let disk = Disk::on(vfs.clone());
    vfs.sync_dir(Path::new("/")).unwrap();
    (vfs, disk)
}

/// Returns all files with what they contain.
fn image(vfs: &MemVfs) -> Vec<(String, Vec<u8>)> {
    let read = |(path, _): (std::path::PathBuf, u64)| {
        let bytes = vfs.read_all(&path).unwrap();
        (path.to_str().unwrap().to_owned(), bytes)
    };
    vfs.list().into_iter().map(read).collect()
}

fn names(vfs: &MemVfs) -> Vec<String> {
    image(vfs).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn a_kill_leaves_everything_written() {
    let (vfs, disk) = durable();
    disk.create("a", b"1");
    disk.create("b", b"2").sync(SyncKind::Data).unwrap();
    disk.vfs.rename(&disk.path("a"), &disk.path("c")).unwrap();
    assert_eq!(image(&vfs.crash_clone(Crash::Kill)), image(&vfs));
}

#[test]
fn a_synced_file_without_a_durable_name_is_lost() {
    let (vfs, disk) = durable();
    disk.create("a", b"1").sync(SyncKind::All).unwrap();
    assert!(names(&vfs.crash_clone(Crash::Min)).is_empty());
    vfs.sync_dir(&disk.dir).unwrap();
    assert_eq!(image(&vfs.crash_clone(Crash::Min)), [("/db/a".into(), b"1".to_vec())]);
}

#[test]
fn a_durable_name_without_a_sync_is_an_empty_file() {
    let (vfs, disk) = durable();
    disk.create("a", b"1");
    vfs.sync_dir(&disk.dir).unwrap();
    assert_eq!(image(&vfs.crash_clone(Crash::Min)), [("/db/a".into(), vec![])]);
}

#[test]
fn a_folder_without_a_durable_name_is_lost_with_what_it_contains() {
    let vfs = MemVfs::new();
    let disk = Disk::on(vfs.clone());
    disk.create("a", b"1").sync(SyncKind::All).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    let crashed = vfs.crash_clone(Crash::Min);
    assert!(names(&crashed).is_empty());
    assert!(crashed.read_dir(&disk.dir).is_err());
    vfs.sync_dir(Path::new("/")).unwrap();
    assert_eq!(names(&vfs.crash_clone(Crash::Min)), ["/db/a"]);
}

#[test]
fn a_removed_file_comes_back_until_the_folder_is_synced() {
    let (vfs, disk) = durable();
    disk.create("a", b"1").sync(SyncKind::Data).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    disk.vfs.remove_file(&disk.path("a")).unwrap();
    assert_eq!(image(&vfs.crash_clone(Crash::Min)), [("/db/a".into(), b"1".to_vec())]);
    assert!(names(&vfs.crash_clone(Crash::Kill)).is_empty());
    vfs.sync_dir(&disk.dir).unwrap();
    assert!(names(&vfs.crash_clone(Crash::Min)).is_empty());
    assert_eq!(vfs.pending(), 0);
}

#[test]
fn a_rename_is_there_or_not() {
    let (vfs, disk) = durable();
    for (name, bytes) in [("new", b"new"), ("target", b"old")] {
        disk.create(name, bytes).sync(SyncKind::Data).unwrap();
    }
    vfs.sync_dir(&disk.dir).unwrap();
    vfs.rename(&disk.path("new"), &disk.path("target")).unwrap();

    assert_eq!(vfs.pending(), 1);
    assert_eq!(names(&vfs.crash_clone(Crash::Prefix(0))), ["/db/new", "/db/target"]);
    let after = vfs.crash_clone(Crash::Prefix(1));
    assert_eq!(image(&after), [("/db/target".into(), b"new".to_vec())]);
}

#[test]
fn the_halves_of_a_rename_between_folders_become_durable_with_their_folders() {
    let (vfs, disk) = durable();
    vfs.create_dir(&disk.path("sub")).unwrap();
    disk.create("a", b"1").sync(SyncKind::Data).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    vfs.rename(&disk.path("a"), &disk.path("sub/a")).unwrap();
    assert_eq!(vfs.pending(), 1);
    assert_eq!(names(&vfs.crash_clone(Crash::Prefix(1))), ["/db/sub/a"]);

    vfs.sync_dir(&disk.path("sub")).unwrap();
    assert_eq!(vfs.pending(), 1, "the other half");
    assert_eq!(names(&vfs.crash_clone(Crash::Min)), ["/db/a", "/db/sub/a"]);
    vfs.sync_dir(&disk.dir).unwrap();
    assert_eq!(names(&vfs.crash_clone(Crash::Min)), ["/db/sub/a"]);
}

#[test]
fn a_prefix_keeps_the_order_over_all_files_and_folders() {
    let (vfs, disk) = durable();
    let (a, b) = (disk.create("a", b""), disk.create("b", b""));
    b.write_all_at(b"1", 0).unwrap();
    a.write_all_at(b"2", 0).unwrap();
    b.set_len(0).unwrap();
    disk.vfs.remove_file(&disk.path("a")).unwrap();

    let file = |name: &str, bytes: &[u8]| (format!("/db/{name}"), bytes.to_vec());
    let want = [
        vec![],
        vec![file("a", b"")],
        vec![file("a", b""), file("b", b"")],
        vec![file("a", b""), file("b", b"1")],
        vec![file("a", b"2"), file("b", b"1")],
        vec![file("a", b"2"), file("b", b"")],
        vec![file("b", b"")],
    ];
    assert_eq!(vfs.pending(), 6);
    for (count, want) in (0..).zip(want) {
        assert_eq!(image(&vfs.crash_clone(Crash::Prefix(count))), want, "{count}");
    }
}

#[test]
fn a_sync_takes_the_operations_of_its_file_out_of_the_order() {
    let (vfs, disk) = durable();
    let (a, b) = (disk.create("a", b"1"), disk.create("b", b"2"));
    vfs.sync_dir(&disk.dir).unwrap();
    b.sync(SyncKind::Data).unwrap();
    assert_eq!(vfs.pending(), 1);
    a.write_all_at(b"3", 1).unwrap();
    let crashed = vfs.crash_clone(Crash::Prefix(1));
    assert_eq!(image(&crashed), [("/db/a".into(), b"1".to_vec()), ("/db/b".into(), b"2".to_vec())]);
}

#[test]
fn a_torn_write_ends_between_two_sectors() {
    let (vfs, disk) = durable();
    let file = disk.create("a", &[1; 2000]);
    file.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    let torn = |count| {
        let bytes = vfs.crash_clone(Crash::Torn(count)).read_all("/db/a").unwrap();
        (bytes.iter().take_while(|byte| **byte == 2).count(), bytes.len())
    };

    file.write_all_at(&[2; 1500], 0).unwrap();
    assert_eq!(torn(0), (0, 2000), "nothing of it");
    assert_eq!(torn(1), (512, 2000));
    assert_eq!(torn(2), (1500, 2000), "no such operation: all is there");

    file.sync(SyncKind::Data).unwrap();
    file.write_all_at(&[2; 1100], 1500).unwrap();
    assert_eq!(torn(1), (2048, 2048), "a torn write extends as far as it got");
    file.sync(SyncKind::Data).unwrap();
    file.write_all_at(&[2; 10], 2600).unwrap();
    assert_eq!(torn(1), (2600, 2600), "a sector is all or nothing");
}

#[test]
fn a_tear_spares_the_operations_before() {
    let (vfs, disk) = durable();
    let file = disk.create("a", b"");
    vfs.sync_dir(&disk.dir).unwrap();
    file.write_all_at(&[1; 1024], 0).unwrap();
    file.write_all_at(&[2; 1024], 0).unwrap();
    let bytes = vfs.crash_clone(Crash::Torn(2)).read_all("/db/a").unwrap();
    assert_eq!(bytes, [[2; 512], [1; 512]].concat());
    file.set_len(3).unwrap();
    let bytes = vfs.crash_clone(Crash::Torn(3)).read_all("/db/a").unwrap();
    assert_eq!(bytes, [2; 3], "only writes are torn");
}

#[test]
fn an_unsynced_ring_survives_a_kill_and_no_power_loss() {
    let (vfs, disk) = durable();
    let ring = vfs.open(&disk.path("ring"), OpenOptions::create(FileClass::Ring)).unwrap();
    ring.allocate(0, 4096).unwrap();
    ring.sync(SyncKind::All).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    ring.write_all_at(b"record", 0).unwrap();
    let read = |how| vfs.crash_clone(how).read_all("/db/ring").unwrap();
    assert_eq!(&read(Crash::Kill)[..6], b"record");
    assert_eq!(read(Crash::Min), [0; 4096]);
}

#[test]
fn names_of_one_file_stay_names_of_one_file() {
    let (vfs, disk) = durable();
    disk.create("a", b"1");
    vfs.hard_link(&disk.path("a"), &disk.path("b")).unwrap();
    let crashed = vfs.crash_clone(Crash::Kill);
    let file = crashed.open(&disk.path("a"), OpenOptions::write(FileClass::Tmp)).unwrap();
    file.write_all_at(b"2", 0).unwrap();
    assert_eq!(crashed.read_all("/db/b").unwrap(), b"2");
    assert_eq!(vfs.read_all("/db/b").unwrap(), b"1", "the original is another disk");
}

#[test]
fn a_crashed_disk_starts_anew() {
    let (vfs, disk) = durable();
    let lock = vfs.lock(&disk.path("LOCK"), LockMode::Exclusive).unwrap();
    vfs.set_disk_limit(Some(0));
    let file = disk.create("a", b"");
    let crashed = vfs.crash_clone(Crash::Kill);
    crashed.lock(&disk.path("LOCK"), LockMode::Exclusive).unwrap();
    assert_eq!((crashed.pending(), crashed.op_count(), crashed.sync_points()), (0, 1, 0));
    let copy = crashed.open(&disk.path("a"), OpenOptions::write(FileClass::Tmp)).unwrap();
    copy.write_all_at(b"1", 0).unwrap();
    assert!(file.is_empty().unwrap());
    drop(lock);
}

#[test]
fn an_install_is_the_old_or_the_new_file_at_every_crash() {
    let (vfs, disk) = durable();
    disk.vfs.install(&disk.dir, "CURRENT", FileClass::Current, &[1; 2000]).unwrap();
    let seen = Arc::new(Mutex::new([0; 2]));
    let counts = Arc::clone(&seen);
    vfs.on_sync(Arc::new(move |vfs| {
        let prefixes = (0..=vfs.pending()).flat_map(|n| [Crash::Prefix(n), Crash::Torn(n)]);
        for how in prefixes.chain([Crash::Kill, Crash::Min]) {
            let bytes = vfs.crash_clone(how).read_all("/db/CURRENT").unwrap();
            let new = usize::from(bytes[0] - 1);
            assert_eq!(bytes, [vec![1; 2000], vec![2; 3000]][new], "{how:?}");
            counts.lock()[new] += 1;
        }
    }));
    disk.vfs.install(&disk.dir, "CURRENT", FileClass::Current, &[2; 3000]).unwrap();
    vfs.clear_on_sync();
    let [old, new] = *seen.lock();
    assert!(old > 10 && new > 3, "{old} old, {new} new");
    let min = vfs.crash_clone(Crash::Min).read_all("/db/CURRENT").unwrap();
    assert_eq!(min, [2; 3000]);
}

#[test]
fn the_callback_sees_the_disk_before_and_after_each_sync() {
    let (vfs, disk) = durable();
    let file = disk.create("a", b"1");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    vfs.on_sync(Arc::new(move |vfs| log.lock().push((vfs.sync_points(), vfs.pending()))));
    let before = vfs.sync_points();
    file.sync(SyncKind::Data).unwrap();
    vfs.sync_dir(&disk.dir).unwrap();
    let seen: Vec<_> = seen.lock().iter().map(|(at, pending)| (at - before, *pending)).collect();
    assert_eq!(seen, [(0, 2), (1, 1), (1, 1), (2, 0)]);
}

#[test]
fn thousands_of_clones_share_their_bytes() {
    let (vfs, disk) = durable();
    for number in 0..100 {
        let file = disk.create(&number.to_string(), &vec![7; 256 << 10]);
        file.sync(SyncKind::Data).unwrap();
    }
    vfs.sync_dir(&disk.dir).unwrap();
    // All alive at once: 50 GB, if they did not share.
    let clones: Vec<_> = (0..2000).map(|_| vfs.crash_clone(Crash::Min)).collect();
    let first = clones[0].open(&disk.path("0"), OpenOptions::write(FileClass::Tmp)).unwrap();
    first.write_all_at(&[8], 0).unwrap();
    let bytes = clones[1].read_all("/db/0").unwrap();
    assert!(bytes.iter().all(|byte| *byte == 7));
}

#[test]
fn without_crashes_everything_is_durable_at_once() {
    let vfs = MemVfs::without_crashes();
    let disk = Disk::on(vfs.clone());
    disk.create("a", b"1");
    vfs.rename(&disk.path("a"), &disk.path("b")).unwrap();
    assert_eq!(vfs.pending(), 0);
    let crashed = vfs.crash_clone(Crash::Min);
    assert_eq!(image(&crashed), [("/db/b".into(), b"1".to_vec())]);
    let file = crashed.open(&disk.path("b"), OpenOptions::write(FileClass::Tmp)).unwrap();
    file.write_all_at(b"2", 0).unwrap();
    assert_eq!(crashed.pending(), 0);
}

#[derive(Clone, Debug)]
enum Change {
    Create(u8),
    Write(u8, u16, u16),
    SetLen(u8, u16),
    Rename(u8, u8),
    Link(u8, u8),
    Remove(u8),
    Sync(u8),
    SyncDir,
    /// Both.
    Save(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let name = || 0_u8..3;
    prop_oneof![
        name().prop_map(Change::Create),
        (name(), 0_u16..2000, 0_u16..2000).prop_map(|(n, at, len)| Change::Write(n, at, len)),
        (name(), 0_u16..2000).prop_map(|(n, len)| Change::SetLen(n, len)),
        (name(), name()).prop_map(|(from, to)| Change::Rename(from, to)),
        (name(), name()).prop_map(|(from, to)| Change::Link(from, to)),
        name().prop_map(Change::Remove),
        name().prop_map(Change::Sync),
        Just(Change::SyncDir),
        name().prop_map(Change::Save),
    ]
}

fn apply(disk: &Disk, change: &Change, fill: u8) -> std::io::Result<()> {
    let path = |name: &u8| disk.path(&name.to_string());
    let open = |name| disk.vfs.open(&path(name), OpenOptions::write(FileClass::Tmp));
    match change {
        Change::Create(name) => {
            disk.vfs.open(&path(name), OpenOptions::create(FileClass::Tmp)).map(drop)
        }
        Change::Write(name, at, len) => {
            open(name)?.write_all_at(&vec![fill; usize::from(*len)], u64::from(*at))
        }
        Change::SetLen(name, len) => open(name)?.set_len(u64::from(*len)),
        Change::Rename(from, to) => disk.vfs.rename(&path(from), &path(to)),
        Change::Link(from, to) => disk.vfs.hard_link(&path(from), &path(to)),
        Change::Remove(name) => disk.vfs.remove_file(&path(name)),
        Change::Sync(name) => open(name)?.sync(SyncKind::Data),
        Change::SyncDir => disk.vfs.sync_dir(&disk.dir),
        Change::Save(name) => {
            open(name)?.sync(SyncKind::Data)?;
            disk.vfs.sync_dir(&disk.dir)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// Without syncs, the prefixes are exactly what the disk was after each operation.
    #[test]
    fn prefixes_are_the_past(changes in vec(change(), 0..20)) {
        let (vfs, disk) = durable();
        let mut past = vec![image(&vfs)];
        for (change, fill) in changes.iter().zip(1..) {
            if matches!(change, Change::Sync(_) | Change::SyncDir | Change::Save(_)) {
                continue;
            }
            let pending = vfs.pending();
            if apply(&disk, change, fill).is_ok() && vfs.pending() > pending {
                past.push(image(&vfs));
            }
        }
        // What nothing names any more on the disk or in its past does not count as pending.
        prop_assume!(vfs.pending() + 1 == past.len() as u64);
        for (count, want) in (0..).zip(&past) {
            prop_assert_eq!(&image(&vfs.crash_clone(Crash::Prefix(count))), want);
        }
    }

    #[test]
    fn crashes_keep_what_was_synced_and_end_at_what_was_written(
        changes in vec(change(), 0..30),
    ) {
        let (vfs, disk) = durable();
        for (change, fill) in changes.iter().zip(1..) {
            let done = apply(&disk, change, fill);
            let min = vfs.crash_clone(Crash::Min);
            match change {
                Change::SyncDir => prop_assert_eq!(names(&min), names(&vfs)),
                Change::Save(name) if done.is_ok() => {
                    let path = disk.path(&name.to_string());
                    prop_assert_eq!(min.read_all(&path).unwrap(), vfs.read_all(&path).unwrap());
                }
                _ => {}
            }
            prop_assert_eq!(min.pending(), 0);
            prop_assert_eq!(image(&vfs.crash_clone(Crash::Prefix(0))), image(&min));
            let all = vfs.crash_clone(Crash::Prefix(vfs.pending()));
            prop_assert_eq!(image(&all), image(&vfs));
            prop_assert_eq!(image(&vfs.crash_clone(Crash::Kill)), image(&vfs));
        }
        for name in 0..3 {
            apply(&disk, &Change::Sync(name), 0).ok();
        }
        vfs.sync_dir(&disk.dir).unwrap();
        prop_assert_eq!(image(&vfs.crash_clone(Crash::Min)), image(&vfs));
        prop_assert_eq!(vfs.pending(), 0);
    }
}
