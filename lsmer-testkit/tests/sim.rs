//! The simulated file system: each class of disk that a crash may leave is produced, and none
//! that the promises of a file system forbid.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeSet, path::Path};

use lsmer_core::{FileClass, OpenOptions, SyncKind, Vfs};
use lsmer_testkit::{Budget, Crash, Event, Filler, Flight, Profile, Recording, SimVfs};

const CREATE: OpenOptions = OpenOptions::create(FileClass::Wal);

/// Names and contents of the files in `/`.
type Files = Vec<(String, Vec<u8>)>;

fn files(vfs: &SimVfs) -> Files {
    let vfs: &dyn Vfs = vfs;
    let read = |name: &str| vfs.read_file(&Path::new("/").join(name), FileClass::Wal, 1 << 20);
    let entries = vfs.read_dir(Path::new("/")).unwrap();
    entries.into_iter().map(|entry| (entry.name.clone(), read(&entry.name).unwrap())).collect()
}

fn record(work: impl FnOnce(&dyn Vfs)) -> Recording {
    let sim = SimVfs::new();
    sim.record();
    work(&sim);
    sim.recording()
}

/// Returns what crashes after so many events leave.
fn after(recording: &Recording, point: usize) -> BTreeSet<Files> {
    let mut cursor = recording.cursor();
    cursor.advance_to(point);
    let crashes = cursor.states(&Budget::LARGE, 1).chain(cursor.states(&Budget::LARGE, 2));
    crashes.map(|crash| files(&cursor.materialise(&crash).vfs())).collect()
}

fn at_end(recording: &Recording) -> BTreeSet<Files> {
    after(recording, recording.events().len())
}

fn of(all: &[(&str, &[u8])]) -> Files {
    all.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect()
}

fn create(vfs: &dyn Vfs, name: &str, bytes: &[u8]) {
    let file = vfs.open(Path::new(name), CREATE).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.sync(SyncKind::All).unwrap();
}

#[test]
fn a_synced_file_whose_name_is_not_durable_may_be_lost() {
    let states = at_end(&record(|vfs| create(vfs, "a", b"1")));
    assert_eq!(states, BTreeSet::from([of(&[]), of(&[("a", b"1")])]));
    let states = at_end(&record(|vfs| {
        create(vfs, "a", b"1");
        vfs.sync_dir(Path::new("/")).unwrap();
    }));
    assert_eq!(states, BTreeSet::from([of(&[("a", b"1")])]));
}

#[test]
fn a_name_may_be_there_without_the_bytes_of_its_file() {
    let states = at_end(&record(|vfs| {
        let file = vfs.open(Path::new("a"), CREATE).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        file.write_all_at(b"xy", 0).unwrap();
    }));
    let want = [&b""[..], b"xy", &[0, 0], &[0xa5, 0xa5]].map(|bytes| of(&[("a", bytes)]));
    assert_eq!(states, BTreeSet::from(want));
}

#[test]
fn the_halves_of_a_rename_may_separate() {
    let states = at_end(&record(|vfs| {
        create(vfs, "a", b"1");
        vfs.sync_dir(Path::new("/")).unwrap();
        vfs.rename(Path::new("a"), Path::new("b")).unwrap();
    }));
    let (a, b) = (("a", &b"1"[..]), ("b", &b"1"[..]));
    assert_eq!(states, BTreeSet::from([of(&[a]), of(&[b]), of(&[a, b]), of(&[])]));
}

#[test]
fn a_removed_name_may_come_back_until_the_folder_is_synced() {
    let mut states = Vec::new();
    for sync in [false, true] {
        states.push(at_end(&record(|vfs| {
            create(vfs, "a", b"1");
            vfs.sync_dir(Path::new("/")).unwrap();
            vfs.remove_file(Path::new("a")).unwrap();
            if sync {
                vfs.sync_dir(Path::new("/")).unwrap();
            }
        })));
    }
    assert_eq!(states[0], BTreeSet::from([of(&[("a", b"1")]), of(&[])]));
    assert_eq!(states[1], BTreeSet::from([of(&[])]));
}

#[test]
fn writes_to_two_files_may_change_places() {
    let recording = record(|vfs| {
        let first = vfs.open(Path::new("a"), CREATE).unwrap();
        let second = vfs.open(Path::new("b"), CREATE).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        first.write_all_at(b"1", 0).unwrap();
        second.write_all_at(b"2", 0).unwrap();
    });
    assert!(at_end(&recording).contains(&of(&[("a", b""), ("b", b"2")])));
}

#[test]
fn any_version_of_a_page_may_be_there() {
    let recording = record(|vfs| {
        create(vfs, "a", b"0");
        vfs.sync_dir(Path::new("/")).unwrap();
        let file = vfs.open(Path::new("a"), OpenOptions::write(FileClass::Wal)).unwrap();
        for version in [b"1", b"2", b"3"] {
            file.write_all_at(version, 0).unwrap();
        }
    });
    let want = [b"0", b"1", b"2", b"3"].map(|bytes| of(&[("a", bytes)]));
    assert_eq!(at_end(&recording), BTreeSet::from(want));
}

#[test]
fn a_write_tears_at_pages_and_at_its_first_and_last_sector() {
    let recording = record(|vfs| {
        create(vfs, "a", &[0; 12_288]);
        vfs.sync_dir(Path::new("/")).unwrap();
        let file = vfs.open(Path::new("a"), OpenOptions::write(FileClass::Wal)).unwrap();
        file.write_all_at(&[1; 8000], 100).unwrap();
    });
    let mut cuts = BTreeSet::new();
    for files in at_end(&recording) {
        let bytes = &files[0].1;
        assert!(bytes[..100].iter().chain(&bytes[8100..]).all(|byte| *byte == 0), "psow");
        cuts.extend((1..bytes.len()).filter(|at| bytes[at - 1] != bytes[*at]));
    }
    assert_eq!(cuts, BTreeSet::from([100, 512, 4096, 7680, 8100]));
}

#[test]
fn a_killed_process_leaves_a_part_of_the_write_in_flight_and_all_before_it() {
    let recording = record(|vfs| {
        let file = vfs.open(Path::new("a"), CREATE).unwrap();
        file.write_all_at(&[1; 1000], 0).unwrap();
        file.write_all_at(&[2; 1000], 0).unwrap();
    });
    let mut cursor = recording.cursor();
    cursor.advance_to(2);
    let left = |flight| {
        let disk = cursor.materialise(&Crash { flight, ..Crash::KILL });
        files(&disk.vfs())[0].1.clone()
    };
    assert_eq!(left(Flight::Nothing), [1; 1000]);
    assert_eq!(left(Flight::Bytes(3)), [&[2; 3][..], &[1; 997]].concat());
    assert_eq!(left(Flight::Sectors(vec![1])), [&[1; 512][..], &[2; 488]].concat());
}

#[test]
fn what_a_killed_process_has_not_synced_may_be_lost_after_its_death() {
    let killed = record(|vfs| {
        create(vfs, "gone", b"old");
        create(vfs, "a", b"1");
        vfs.remove_file(Path::new("gone")).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        let file = vfs.open(Path::new("a"), OpenOptions::write(FileClass::Wal)).unwrap();
        file.write_all_at(b"2", 0).unwrap();
        file.write_all_at(b"345", 0).unwrap();
    });
    let mut cursor = killed.cursor();
    cursor.advance_to(killed.events().len() - 1);
    let crash = Crash { flight: Flight::Bytes(2), ..Crash::KILL };
    let (vfs, begin) = cursor.resume(&crash);
    assert_eq!((begin, files(&vfs)), (killed.events().len(), of(&[("a", b"34")])));
    create(&vfs, "b", b"new");
    let states = at_end(&vfs.recording());
    let lost = [of(&[("a", b"1")]), of(&[("a", b"1"), ("b", b"new")])];
    assert!(lost.iter().all(|files| states.contains(files)), "{states:?}");
    let whole = |files: &Files| files.iter().all(|(name, bytes)| name != "b" || bytes == b"new");
    assert!(states.iter().all(whole), "{states:?}");

    let (vfs, _) = cursor.resume(&crash);
    let file = vfs.open(Path::new("a"), OpenOptions::write(FileClass::Wal)).unwrap();
    file.sync(SyncKind::All).unwrap();
    assert_eq!(at_end(&vfs.recording()), BTreeSet::from([of(&[("a", b"34")])]));
}

#[test]
fn what_is_there_after_a_power_loss_is_durable() {
    let recording = record(|vfs| create(vfs, "a", b"1"));
    let mut cursor = recording.cursor();
    cursor.advance_to(recording.events().len());
    let (vfs, begin) = cursor.resume(&Crash::power(Vec::new(), Filler::Zeros));
    assert_eq!(begin, 0);
    assert_eq!(at_end(&vfs.recording()), BTreeSet::from([of(&[("a", b"1")])]));
}

#[test]
fn a_length_without_bytes_shows_stale_bytes_of_a_removed_file() {
    let recording = record(|vfs| {
        create(vfs, "old", b"stale");
        vfs.sync_dir(Path::new("/")).unwrap();
        vfs.remove_file(Path::new("old")).unwrap();
        let file = vfs.open(Path::new("new"), CREATE).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        file.write_all_at(b"fresh!", 0).unwrap();
    });
    let states = at_end(&recording);
    assert!(states.contains(&of(&[("new", b"stale\xa5")])), "{states:?}");
    assert!(states.contains(&of(&[("new", &[0; 6])])));
}

#[test]
fn what_was_allocated_and_not_written_is_zeros() {
    let recording = record(|vfs| {
        let file = vfs.open(Path::new("a"), CREATE).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        file.allocate(0, 4).unwrap();
        file.write_all_at(b"xy", 0).unwrap();
    });
    let all = [&b""[..], b"xy", &[0; 4], b"xy\0\0"].map(|bytes| of(&[("a", bytes)]));
    assert_eq!(at_end(&recording), BTreeSet::from(all));
}

#[test]
fn a_sync_covers_its_own_file_and_no_name() {
    let recording = record(|vfs| {
        let first = vfs.open(Path::new("a"), CREATE).unwrap();
        let second = vfs.open(Path::new("b"), CREATE).unwrap();
        vfs.sync_dir(Path::new("/")).unwrap();
        first.write_all_at(b"1", 0).unwrap();
        second.write_all_at(b"2", 0).unwrap();
        first.sync(SyncKind::Data).unwrap();
    });
    for files in at_end(&recording) {
        assert_eq!(files[0].1, b"1");
    }
    assert!(at_end(&recording).contains(&of(&[("a", b"1"), ("b", b"")])));
}

#[test]
fn a_failure_shrinks_to_the_atoms_that_matter_and_names_their_callers() {
    let recording = record(|vfs| {
        for name in ["a", "b", "c", "d"] {
            create(vfs, name, b"1");
        }
    });
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    let all = (0..cursor.atom_count()).collect();
    let fails = |crash: &Crash| {
        let left = files(&cursor.materialise(crash).vfs());
        !left.iter().any(|(name, _)| name == "c")
    };
    let least = cursor.shrink(&Crash::power(all, Filler::Zeros), fails);
    assert_eq!(least, Crash::power(vec![2], Filler::Zeros));
    let cause = cursor.explain(&least).join("\n");
    assert!(cause.contains("link c") && cause.contains("tests/sim.rs:"), "{cause}");
}

#[test]
fn disks_are_apart_from_each_other_and_from_the_recorded_run() {
    let recording = record(|vfs| create(vfs, "a", b"1"));
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    let state = cursor.materialise(&Crash::KILL);
    let (one, other) = (state.vfs(), state.vfs());
    let file = one.open(Path::new("a"), OpenOptions::write(FileClass::Wal)).unwrap();
    file.write_all_at(b"2", 0).unwrap();
    assert_eq!(files(&one), of(&[("a", b"2")]));
    assert_eq!(files(&other), of(&[("a", b"1")]));
    assert_eq!(files(&state.vfs()), of(&[("a", b"1")]));
}

#[test]
fn the_same_seed_gives_the_same_crashes() {
    let recording = record(|vfs| {
        for at in 0..30 {
            create(vfs, &format!("f{at}"), b"1");
        }
    });
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    let some = |seed| cursor.states(&Budget::SMALL, seed).collect::<Vec<_>>();
    assert_eq!(some(5), some(5));
    assert_ne!(some(5), some(6));
}

#[test]
fn it_records_who_did_what() {
    let recording = record(|vfs| {
        vfs.create_dir(Path::new("db")).unwrap();
        create(vfs, "db/a", b"1");
        vfs.hard_link(Path::new("db/a"), Path::new("db/b")).unwrap();
        vfs.rename(Path::new("db/a"), Path::new("db/c")).unwrap();
    });
    let kinds: Vec<_> = recording.events().iter().map(Event::kind).collect();
    let names = format!("{kinds:?}");
    assert_eq!(names, "[Link, Link, Write, Sync, Link, Rename]");
    assert!(recording.events().iter().all(|event| event.site.file().ends_with("sim.rs")));
}

/// Returns the disks that a power loss at the end may leave on ext4.
fn on_ext4(recording: &Recording) -> BTreeSet<Files> {
    let mut cursor = recording.cursor();
    cursor.advance_to(recording.events().len());
    let crashes = cursor.states(&Budget::LARGE, 1).filter(|crash| crash.power.is_some());
    crashes
        .map(|crash| files(&cursor.materialise(&cursor.under(Profile::Ext4Ordered, &crash)).vfs()))
        .collect()
}

#[test]
fn on_ext4_names_last_in_order_and_renames_whole() {
    let recording = record(|vfs| {
        create(vfs, "/old", b"1");
        vfs.sync_dir("/".as_ref()).unwrap();
        vfs.rename("/old".as_ref(), "/new".as_ref()).unwrap();
        create(vfs, "/other", b"");
    });
    let names: BTreeSet<Vec<String>> = on_ext4(&recording)
        .into_iter()
        .map(|files| files.into_iter().map(|(name, _)| name).collect())
        .collect();
    let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(names, [of(&["new"]), of(&["new", "other"]), of(&["old"])].into());
}

#[test]
fn on_ext4_a_length_does_not_come_without_the_bytes_nor_before_the_names() {
    let recording = record(|vfs| {
        create(vfs, "/log", b"abc");
        vfs.sync_dir("/".as_ref()).unwrap();
        create(vfs, "/name", b"");
        let log = vfs.open("/log".as_ref(), OpenOptions::write(FileClass::Wal)).unwrap();
        log.write_all_at(&[7; 5000], 3).unwrap();
    });
    for files in on_ext4(&recording) {
        let log = &files.iter().find(|(name, _)| name == "log").unwrap().1;
        let whole = [&b"abc"[..], &[7; 5000]].concat();
        assert!([&b""[..], &b"abc"[..], &whole].contains(&&log[..]), "{} bytes", log.len());
        assert!(log.len() <= 3 || files.len() == 2, "the length overtook a name");
    }
}

#[test]
fn a_crash_that_a_profile_allows_stays_as_it_is() {
    let recording = record(|vfs| {
        for n in 0..6 {
            create(vfs, &format!("/{n}"), &[n; 3000]);
        }
        vfs.rename("/1".as_ref(), "/2".as_ref()).unwrap();
        vfs.sync_dir("/".as_ref()).unwrap();
        create(vfs, "/6", &[6; 9000]);
        vfs.remove_file("/3".as_ref()).unwrap();
    });
    let mut cursor = recording.cursor();
    for point in 0..=recording.events().len() {
        cursor.advance_to(point);
        for crash in cursor.states(&Budget::SMALL, 3) {
            let once = cursor.under(Profile::Ext4Ordered, &crash);
            assert_eq!(cursor.under(Profile::Ext4Ordered, &once), once, "{point} {crash}");
            assert_eq!(cursor.under(Profile::Weak, &crash), crash);
        }
    }
}

#[test]
fn a_write_in_flight_may_leave_any_of_its_bytes() {
    let recording = record(|vfs| {
        create(vfs, "/a", &[0; 64]);
        let file = vfs.open("/a".as_ref(), OpenOptions::write(FileClass::Wal)).unwrap();
        file.write_all_at(&[1; 64], 0).unwrap();
    });
    let mut cursor = recording.cursor();
    cursor.advance_to(recording.events().len() - 1);
    let mut ever = [false; 64];
    for seed in 0..40 {
        let crash = Crash { flight: Flight::Pieces(seed), ..Crash::KILL };
        assert_eq!(crash.to_string().parse(), Ok(crash.clone()));
        let bytes = &files(&cursor.materialise(&crash).vfs())[0].1;
        let holes = bytes.windows(2).filter(|pair| **pair == [0, 1]).count();
        ever.iter_mut().zip(bytes).for_each(|(ever, byte)| *ever |= *byte == 1 && holes > 0);
    }
    assert!(ever.iter().filter(|ever| **ever).count() > 50, "{ever:?}");
}
