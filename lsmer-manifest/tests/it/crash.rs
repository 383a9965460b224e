//! Crashes at every sync, and between them.

use std::sync::Arc;

use lsmer_core::ErrorKind;
use lsmer_io::{Crash, MemVfs};
use lsmer_manifest::{Manifest, ManifestState};
use lsmer_sync::Mutex;

use crate::world::{commit, create, dir, disk, drop_flush, flush, flush_of, fresh, read, shared};

/// All that a crash right now may leave.
fn crashes(vfs: &MemVfs) -> Vec<(Crash, MemVfs)> {
    let partial = (0..=vfs.pending()).flat_map(|n| [Crash::Prefix(n), Crash::Torn(n)]);
    let all = [Crash::Kill, Crash::Min].into_iter().chain(partial);
    all.map(|how| (how, vfs.crash_clone(how))).collect()
}

/// Checks that every crash leaves one of the states, from which one can go on.
fn assert_survives(vfs: &MemVfs, allowed: &[ManifestState]) {
    for (how, after) in crashes(vfs) {
        let state = read(&after).unwrap_or_else(|error| panic!("{how:?}: {error}"));
        assert!(allowed.contains(&state), "{how:?}: {state:?}");
        let next = ManifestState { epoch: state.epoch + 1, ..state };
        Manifest::install(&shared(&after), dir(), next.clone()).expect("no faults");
        assert_eq!(read(&after.crash_clone(Crash::Min)).expect("no faults"), next, "{how:?}");
    }
}

/// Does something, with a crash at each sync, which must leave one of the states.
fn crash_during<T>(vfs: &MemVfs, allowed: Vec<ManifestState>, act: impl FnOnce() -> T) -> T {
    let seen = Arc::new(Mutex::new(0));
    let count = Arc::clone(&seen);
    vfs.on_sync(Arc::new(move |vfs| {
        *count.lock() += 1;
        assert_survives(vfs, &allowed);
    }));
    let result = act();
    vfs.clear_on_sync();
    assert!(*seen.lock() > 0, "something was synced");
    result
}

#[test]
fn a_crash_during_a_commit_leaves_the_state_before_or_after() {
    let vfs = disk();
    let manifest = create(&vfs);
    let mut state = fresh();
    assert_survives(&vfs, std::slice::from_ref(&state));
    for n in 1..=6 {
        let next = state.apply(&flush(n)).unwrap();
        crash_during(&vfs, vec![state, next.clone()], || commit(&manifest, &flush(n)).unwrap());
        assert_survives(&vfs, std::slice::from_ref(&next));
        state = next;
    }
    crash_during(&vfs, vec![state.clone()], || manifest.close().unwrap());
    assert_survives(&vfs, &[state]);
}

#[test]
fn a_crash_during_a_rewrite_leaves_the_state_before_or_after() {
    let vfs = disk();
    let manifest = create(&vfs);
    let mut state = fresh();
    let key = vec![b'k'; 12_000];
    for n in 1..=8 {
        for edit in [flush_of(n, &key), drop_flush(n)] {
            let next = state.apply(&edit).unwrap();
            crash_during(&vfs, vec![state, next.clone()], || commit(&manifest, &edit).unwrap());
            assert_survives(&vfs, std::slice::from_ref(&next));
            state = next;
        }
    }
    assert!(Manifest::read(&vfs, dir()).unwrap().1.number > 1, "there was a rewrite");
}

#[test]
fn a_crash_during_an_install_leaves_the_old_manifest_or_the_new_one() {
    let vfs = disk();
    commit(&create(&vfs), &flush(1)).unwrap();
    let old = read(&vfs).unwrap();
    let new = ManifestState { epoch: old.epoch + 1, ..old.clone() };
    let allowed = vec![old, new.clone()];
    let manifest = crash_during(&vfs, allowed, || {
        Manifest::install(&shared(&vfs), dir(), new.clone()).unwrap()
    });
    assert_survives(&vfs, std::slice::from_ref(&new));
    drop(manifest);
}

#[test]
fn a_database_that_crashed_while_it_was_created_can_be_created_again() {
    let vfs = disk();
    let seen = Arc::new(Mutex::new([0; 2]));
    let count = Arc::clone(&seen);
    vfs.on_sync(Arc::new(move |vfs| {
        for (how, after) in crashes(vfs) {
            let exists = Manifest::exists(&after, dir()).unwrap();
            count.lock()[usize::from(exists)] += 1;
            if !exists {
                let created = Manifest::create(&shared(&after), dir(), fresh());
                created.unwrap_or_else(|error| panic!("{how:?}: {error}"));
            }
            assert_eq!(read(&after).unwrap(), fresh(), "{how:?}");
        }
    }));
    create(&vfs);
    vfs.clear_on_sync();
    assert!(seen.lock().iter().all(|count| *count > 0));
    assert_survives(&vfs, &[fresh()]);
}

#[test]
fn a_torn_edit_is_dropped_and_reported() {
    let vfs = disk();
    let manifest = create(&vfs);
    commit(&manifest, &flush(1)).unwrap();
    let state = read(&vfs).unwrap();
    let torn = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&torn);
    vfs.on_sync(Arc::new(move |vfs| {
        kept.lock()
            .extend(crashes(vfs).into_iter().filter(|(how, _)| matches!(how, Crash::Torn(_))));
    }));
    commit(&manifest, &flush_of(2, &[b'x'; 2000])).unwrap();
    vfs.clear_on_sync();
    let reports = torn
        .lock()
        .iter()
        .map(|(_, after)| Manifest::read(after, dir()).unwrap())
        .collect::<Vec<_>>();
    let dropped: Vec<_> = reports.iter().filter(|(_, report)| report.torn_bytes > 0).collect();
    assert!(!dropped.is_empty());
    for (read, report) in dropped {
        assert_eq!((read, report.edits), (&state, 1));
    }
}

#[test]
fn nothing_is_read_from_a_manifest_that_current_does_not_name() {
    let vfs = disk();
    let manifest = create(&vfs);
    commit(&manifest, &flush(1)).unwrap();
    let mut bytes = vfs.read_all(dir().join("MANIFEST-000001")).unwrap();
    crate::world::put(&vfs, "MANIFEST-000002", &bytes);
    assert_eq!(Manifest::read(&vfs, dir()).unwrap().1.number, 1);
    bytes.truncate(9);
    crate::world::put(&vfs, "MANIFEST-000001", &bytes);
    assert_eq!(read(&vfs).unwrap_err().kind(), ErrorKind::Corruption);
}
