//! What a sync that failed leaves: each of the states that file systems are known for, and what a
//! later sync and a power loss make of it.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeSet, path::Path, sync::Arc};

use lsmer_core::{FileClass, OpenOptions, SyncKind, Vfs, VfsFile};
use lsmer_testkit::{Budget, Crash, Cursor, EventKind, FailedSync, SimVfs};

const PATH: &str = "a";

fn content(vfs: &SimVfs) -> Vec<u8> {
    let vfs: &dyn Vfs = vfs;
    vfs.read_file(Path::new(PATH), FileClass::Wal, 1 << 20).unwrap()
}

fn names(vfs: &SimVfs) -> Vec<String> {
    vfs.read_dir(Path::new("/")).unwrap().into_iter().map(|entry| entry.name).collect()
}

/// Makes a durable file that holds `old`, then starts a recording.
fn begin() -> (SimVfs, Arc<dyn VfsFile>) {
    let sim = SimVfs::new();
    let file = sim.open(Path::new(PATH), OpenOptions::create(FileClass::Wal)).unwrap();
    file.write_all_at(b"old", 0).unwrap();
    file.sync(SyncKind::All).unwrap();
    sim.sync_dir(Path::new("/")).unwrap();
    sim.record();
    (sim, file)
}

fn fail(sim: &SimVfs, file: &dyn VfsFile, left: FailedSync) {
    sim.fail_next_sync(left);
    let error = file.sync(SyncKind::Data).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(5), "EIO");
}

/// Returns what power losses leave at the end.
fn left<T: Ord>(sim: &SimVfs, look: impl Fn(&SimVfs) -> T) -> BTreeSet<T> {
    let recording = sim.recording();
    let mut cursor: Cursor<'_> = recording.cursor();
    cursor.advance_to(usize::MAX);
    let losses = cursor.states(&Budget::LARGE, 1).filter(|crash| crash.power.is_some());
    losses.map(|crash| look(&cursor.materialise(&crash).vfs())).collect()
}

fn set(all: &[&str]) -> BTreeSet<Vec<u8>> {
    all.iter().map(|text| text.as_bytes().to_vec()).collect()
}

#[test]
fn after_each_failed_sync_reads_and_power_losses_give_what_its_state_says() {
    let cases = [
        (FailedSync::StillDirty, "new", set(&["old", "new"])),
        (FailedSync::MarkedClean, "new", set(&["old", "new"])),
        (FailedSync::Reverted, "old", set(&["old"])),
        (FailedSync::ActuallyDurable, "new", set(&["new"])),
    ];
    for (state, read, want) in cases {
        let (sim, file) = begin();
        file.write_all_at(b"new", 0).unwrap();
        fail(&sim, &*file, state);
        assert_eq!(content(&sim), read.as_bytes(), "{state:?}");
        assert_eq!(left(&sim, content), want, "{state:?}");
    }
}

#[test]
fn a_second_sync_succeeds_after_each_and_is_a_lie_after_one() {
    for state in FailedSync::ALL {
        let (sim, file) = begin();
        file.write_all_at(b"new", 0).unwrap();
        fail(&sim, &*file, state);
        file.sync(SyncKind::Data).unwrap();
        let want = match state {
            FailedSync::StillDirty | FailedSync::ActuallyDurable => set(&["new"]),
            FailedSync::MarkedClean => set(&["old", "new"]),
            FailedSync::Reverted => set(&["old"]),
        };
        assert_eq!(left(&sim, content), want, "{state:?}");
    }
}

#[test]
fn what_is_written_after_a_failed_sync_is_durable_after_the_next_one_and_what_was_lost_is_not() {
    let (sim, file) = begin();
    file.write_all_at(b"12", 3).unwrap();
    fail(&sim, &*file, FailedSync::MarkedClean);
    file.write_all_at(b"34", 5).unwrap();
    file.sync(SyncKind::Data).unwrap();
    let all = left(&sim, content);
    assert!(all.iter().all(|bytes| bytes.starts_with(b"old") && bytes.ends_with(b"34")), "{all:?}");
    assert!(all.contains(&b"old1234"[..]) && all.contains(&b"old\0\x0034"[..]), "{all:?}");
}

#[test]
fn bytes_that_are_written_again_after_a_failed_sync_can_be_made_durable() {
    let (sim, file) = begin();
    file.write_all_at(b"new", 0).unwrap();
    fail(&sim, &*file, FailedSync::MarkedClean);
    file.write_all_at(b"new", 0).unwrap();
    file.sync(SyncKind::Data).unwrap();
    assert_eq!(left(&sim, content), set(&["new"]));
}

#[test]
fn a_revert_goes_back_to_the_last_sync_and_no_further() {
    let (sim, file) = begin();
    file.write_all_at(b"new", 0).unwrap();
    file.sync(SyncKind::Data).unwrap();
    file.write_all_at(b"newer", 0).unwrap();
    fail(&sim, &*file, FailedSync::Reverted);
    assert_eq!(content(&sim), b"new");
    let kinds: Vec<_> = sim.recording().events().iter().map(lsmer_testkit::Event::kind).collect();
    assert_eq!(format!("{kinds:?}"), "[Write, Sync, Write, FailedSync]");
    assert_eq!(kinds[3], EventKind::FailedSync);
}

#[test]
fn a_name_whose_sync_failed_is_durable_after_the_next_one() {
    for state in FailedSync::ALL {
        let (sim, _file) = begin();
        sim.hard_link(Path::new(PATH), Path::new("b")).unwrap();
        sim.fail_next_sync(state);
        sim.sync_dir(Path::new("/")).unwrap_err();
        assert_eq!(names(&sim), ["a", "b"], "{state:?}: names are not taken back");
        let disks = if state == FailedSync::ActuallyDurable { 1 } else { 2 };
        let again = sim.clone();
        again.sync_dir(Path::new("/")).unwrap();
        let recording = sim.recording();
        let mut cursor = recording.cursor();
        let mut after = |point| {
            cursor.advance_to(point);
            let losses = cursor.states(&Budget::LARGE, 1);
            losses.map(|crash| names(&cursor.materialise(&crash).vfs())).collect::<BTreeSet<_>>()
        };
        let events = recording.events().len();
        assert_eq!(after(events - 1).len(), disks, "{state:?}");
        assert_eq!(after(events).len(), 1, "{state:?}");
    }
}

#[test]
fn a_killed_process_leaves_what_could_be_read() {
    let (sim, file) = begin();
    file.write_all_at(b"new", 0).unwrap();
    fail(&sim, &*file, FailedSync::MarkedClean);
    let recording = sim.recording();
    let mut cursor = recording.cursor();
    cursor.advance_to(usize::MAX);
    assert_eq!(content(&cursor.materialise(&Crash::KILL).vfs()), b"new");
}

#[test]
fn only_the_next_sync_fails_also_if_that_one_cannot_work() {
    let (sim, file) = begin();
    sim.fail_next_sync(FailedSync::StillDirty);
    sim.sync_dir(Path::new("missing")).unwrap_err();
    file.sync(SyncKind::Data).unwrap();
}
