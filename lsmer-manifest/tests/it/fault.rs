//! A file system that fails.

use std::io;

use lsmer_core::{ErrorKind, FileClass};
use lsmer_io::{Crash, MemVfs, Op};
use lsmer_manifest::{Manifest, ManifestState};

use crate::world::{
    commit, create, dir, disk, drop_flush, flush, flush_of, fresh, names, read, shared,
};

/// Checks that every crash leaves one of the states.
fn assert_survives(vfs: &MemVfs, allowed: &[&ManifestState]) {
    let partial = (0..=vfs.pending()).map(Crash::Prefix);
    for how in [Crash::Kill, Crash::Min].into_iter().chain(partial) {
        let state = read(&vfs.crash_clone(how)).unwrap_or_else(|error| panic!("{how:?}: {error}"));
        assert!(allowed.contains(&&state), "{how:?}: {state:?}");
    }
}

#[test]
fn after_a_failed_append_or_sync_nothing_more_is_committed() {
    for op in [Op::Write, Op::Sync] {
        for error in [io::ErrorKind::Other, io::ErrorKind::StorageFull] {
            let vfs = disk();
            let manifest = create(&vfs);
            commit(&manifest, &flush(1)).unwrap();
            let before = manifest.state();
            let after = before.1.apply(&flush(2)).unwrap();

            vfs.fail_nth(op, Some(FileClass::Manifest), 0, error, false);
            let failed = commit(&manifest, &flush(2)).unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::Io, "never Full: what is on disk is unknown");
            assert!(std::error::Error::source(&failed).is_some());
            for _ in 0..2 {
                let refused = commit(&manifest, &flush(2)).unwrap_err();
                assert_eq!(refused.kind(), ErrorKind::ReadOnly);
            }
            assert_eq!(manifest.close().unwrap_err().kind(), ErrorKind::ReadOnly);
            assert_eq!(manifest.state(), before);
            assert_survives(&vfs, &[&*before.1, &after]);
        }
    }
}

#[test]
fn a_failed_mark_does_not_take_back_the_commit_before_it() {
    let vfs = disk();
    let manifest = create(&vfs);
    vfs.fail_nth(Op::Write, Some(FileClass::Manifest), 1, io::ErrorKind::Other, false);
    commit(&manifest, &flush(1)).unwrap();
    let state = fresh().apply(&flush(1)).unwrap();
    assert_eq!(*manifest.state().1, state);
    assert_eq!(commit(&manifest, &flush(2)).unwrap_err().kind(), ErrorKind::ReadOnly);
    assert_survives(&vfs, &[&state]);
}

#[test]
fn a_full_disk_changes_nothing_and_commits_go_on_once_there_is_room() {
    let vfs = disk();
    let manifest = create(&vfs);
    vfs.set_disk_limit(Some(vfs.list().iter().map(|(_, bytes)| bytes).sum()));
    let before = manifest.state();
    for _ in 0..2 {
        assert_eq!(commit(&manifest, &flush(1)).unwrap_err().kind(), ErrorKind::Full);
        assert_eq!(manifest.state(), before);
        assert_survives(&vfs, &[&*before.1]);
    }
    vfs.set_disk_limit(None);
    commit(&manifest, &flush(1)).unwrap();
    assert_survives(&vfs, &[&fresh().apply(&flush(1)).unwrap()]);
}

#[test]
fn a_rewrite_that_finds_no_room_changes_nothing() {
    let vfs = disk();
    let manifest = create(&vfs);
    let key = vec![b'k'; 20_000];
    vfs.fail_nth(Op::Open, Some(FileClass::Manifest), 0, io::ErrorKind::StorageFull, true);
    for n in 1..=6 {
        commit(&manifest, &flush_of(n, &key)).unwrap();
        commit(&manifest, &drop_flush(n)).unwrap();
    }
    assert_eq!(names(&vfs), ["CURRENT", "MANIFEST-000001"]);
    vfs.clear_faults();
    for n in 7..=20 {
        commit(&manifest, &flush_of(n, &key)).unwrap();
        commit(&manifest, &drop_flush(n)).unwrap();
    }
    assert!(Manifest::read(&vfs, dir()).unwrap().1.number > 1, "it was tried again");
    assert_eq!(names(&vfs).len(), 2);
    assert_survives(&vfs, &[&*manifest.state().1]);
}

#[test]
fn a_rewrite_that_does_not_reach_current_keeps_the_old_manifest_going() {
    let vfs = disk();
    let manifest = create(&vfs);
    vfs.fail_nth(Op::Rename, None, 0, io::ErrorKind::Other, true);
    for edit in history() {
        commit(&manifest, &edit).unwrap();
        assert_survives(&vfs, &[&*manifest.state().1]);
    }
    assert_eq!(Manifest::read(&vfs, dir()).unwrap().1.number, 1);
    vfs.clear_faults();
    manifest.close().unwrap();
    assert!(!names(&vfs).contains(&"MANIFEST-000002".to_owned()), "{:?}", names(&vfs));
    assert_survives(&vfs, &[&*manifest.state().1]);
}

/// Edits that make two rewrites due.
fn history() -> Vec<lsmer_manifest::Edit> {
    let key = vec![b'k'; 30_000];
    (1..=6).flat_map(|n| [flush_of(n, &key), drop_flush(n)]).collect()
}

/// Commits a history on a disk that fails. Returns whether the manifest refused to go on, and the
/// last state that was committed.
fn commit_history(vfs: &MemVfs, manifest: &Manifest) -> (bool, ManifestState) {
    let mut state = fresh();
    for edit in history() {
        let next = state.apply(&edit).expect("no faults");
        // What failed before anything was written may be tried again.
        let result = commit(manifest, &edit).or_else(|error| {
            assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::ReadOnly), "{error}");
            assert_eq!(*manifest.state().1, state);
            assert_survives(vfs, &[&state, &next]);
            commit(manifest, &edit)
        });
        match result {
            Ok(()) => {
                state = next;
                assert_survives(vfs, &[&state]);
            }
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::Io | ErrorKind::ReadOnly), "{error}");
                assert_survives(vfs, &[&state, &next]);
                return (true, state);
            }
        }
    }
    (false, state)
}

#[test]
fn whatever_fails_what_was_committed_stays_and_both_generations_can_be_read() {
    let ops = [(Op::Any, false), (Op::Sync, true), (Op::SyncDir, true), (Op::Rename, true)];
    let (mut refused, mut went_on) = (0, 0);
    for (op, sticky) in ops {
        for nth in 0..150 {
            let vfs = disk();
            let manifest = create(&vfs);
            vfs.fail_nth(op, None, nth, io::ErrorKind::Other, sticky);
            let (failed, state) = commit_history(&vfs, &manifest);
            *(if failed { &mut refused } else { &mut went_on }) += 1;
            vfs.clear_faults();
            let found = read(&vfs).unwrap();
            assert!(failed || found == state);
            let reopened = Manifest::install(&shared(&vfs), dir(), found.clone()).unwrap();
            assert_eq!(*reopened.state().1, found);
            assert_eq!(names(&vfs).len(), 2, "what failed left nothing: {:?}", names(&vfs));
        }
    }
    assert!(refused > 20 && went_on > 20, "{refused} {went_on}");
}

#[test]
fn an_install_that_fails_leaves_a_manifest_that_can_be_read() {
    for nth in 0.. {
        let vfs = disk();
        commit(&create(&vfs), &flush(1)).unwrap();
        let old = read(&vfs).unwrap();
        let new = ManifestState { epoch: 2, ..old.clone() };
        vfs.fail_nth(Op::Any, None, nth, io::ErrorKind::Other, false);
        let installed = Manifest::install(&shared(&vfs), dir(), new.clone());
        vfs.clear_faults();
        match installed {
            Err(_) => assert_survives(&vfs, &[&old, &new]),
            Ok(_) => assert_survives(&vfs, &[&new]),
        }
        let again = Manifest::install(&shared(&vfs), dir(), new.clone()).unwrap();
        assert_survives(&vfs, &[&new]);
        assert_eq!(names(&vfs).len(), 2);
        drop(again);
        if nth > 30 {
            break;
        }
    }
}
