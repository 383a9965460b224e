//! What commits do while nothing goes wrong.

use std::sync::Arc;

use lsmer_core::{ErrorKind, KeyspaceId, KeyspaceOptions, SeqNo, TreeEdit, Vfs};
use lsmer_manifest::{Edit, Manifest, ManifestState};

use crate::world::{
    DEFAULT, commit, create, cut, dir, disk, drop_flush, flush, flush_of, fresh, names, put, read,
    shared,
};

fn kind<T: std::fmt::Debug>(result: Result<T, lsmer_core::Error>) -> ErrorKind {
    result.expect_err("it is refused").kind()
}

#[test]
fn what_was_committed_is_read_back() {
    let vfs = disk();
    assert!(!Manifest::exists(&vfs, dir()).expect("no faults"));
    let manifest = create(&vfs);
    assert!(Manifest::exists(&vfs, dir()).unwrap());
    assert_eq!(read(&vfs).unwrap(), fresh());
    assert_eq!(manifest.state(), (1, Arc::new(fresh())));

    let mut want = fresh();
    let create = vec![(KeyspaceId(3), "other".to_owned(), KeyspaceOptions::default())];
    let edits = [
        flush(1),
        Edit { create, ..Edit::default() },
        cut(7),
        flush(2),
        Edit::tree(KeyspaceId(3), TreeEdit::default(), Some(SeqNo(5))),
        drop_flush(1),
        Edit { drop: vec![KeyspaceId(3)], ..Edit::default() },
    ];
    for (i, edit) in edits.iter().enumerate() {
        want = want.apply(edit).unwrap();
        let (version, state) = manifest.commit(manifest.state().0, edit).unwrap();
        assert_eq!((version, &*state), (i as u64 + 2, &want));
        assert_eq!(manifest.state(), (version, state));
        assert_eq!(read(&vfs).unwrap(), want);
    }
    let (_, report) = Manifest::read(&vfs, dir()).unwrap();
    assert_eq!((report.number, report.edits, report.torn_bytes), (1, 7, 0));
    assert_eq!(report.file, dir().join("MANIFEST-000001"));
    manifest.close().unwrap();
    assert_eq!(read(&vfs).unwrap(), want);
}

#[test]
fn counters_rise_above_the_ids_that_arrive_and_never_fall() {
    let state = fresh().apply(&flush(6)).unwrap();
    assert_eq!((state.next_table, state.next_run, state.next_keyspace), (7, 7, 1));
    let lower = Edit {
        next_table: Some(1),
        next_run: Some(1),
        next_keyspace: Some(0),
        last_seqno: Some(SeqNo(1)),
        log_first: Some(lsmer_core::SegmentId(0)),
        log_synced: Some(lsmer_core::Lsn(0)),
        ..Edit::default()
    };
    assert_eq!(state.apply(&lower).unwrap(), state);

    // Also when a state that lacks them is installed.
    let vfs = disk();
    let low = ManifestState { next_table: 0, next_run: 0, next_keyspace: 0, ..state.clone() };
    let manifest = Manifest::create(&shared(&vfs), dir(), low).unwrap();
    assert_eq!(*manifest.state().1, state);
    assert_eq!(read(&vfs).unwrap(), state);
}

#[test]
fn an_edit_commits_if_it_still_fits_and_conflicts_otherwise() {
    let vfs = disk();
    let manifest = create(&vfs);
    let (old, _) = manifest.state();
    manifest.commit(old, &flush(1)).unwrap();
    let (version, state) = manifest.commit(old, &flush(2)).unwrap();
    assert_eq!((version, state.keyspaces[&DEFAULT].tree.runs.len()), (3, 2));

    let drop_default = Edit { drop: vec![DEFAULT], ..Edit::default() };
    let named = |id, name: &str| Edit {
        create: vec![(KeyspaceId(id), name.to_owned(), KeyspaceOptions::default())],
        ..Edit::default()
    };
    manifest.commit(version, &drop_flush(1)).unwrap();
    let before = manifest.state();
    let misfits = [
        drop_flush(1),
        named(0, "new"),
        named(5, "default"),
        Edit { drop: vec![KeyspaceId(9)], ..Edit::default() },
        Edit::tree(KeyspaceId(9), TreeEdit::default(), None),
        Edit::tree(DEFAULT, TreeEdit::default(), Some(SeqNo(1))),
        Edit { trees: drop_flush(2).trees, ..drop_default.clone() },
    ];
    for edit in misfits {
        assert_eq!(kind(manifest.commit(version, &edit)), ErrorKind::Conflict, "{edit:?}");
    }
    assert_eq!(kind(manifest.commit(99, &flush(9))), ErrorKind::InvalidArgument);
    assert_eq!(manifest.state(), before, "nothing changed");
    assert_eq!(read(&vfs).unwrap(), *before.1);

    // A keyspace may be replaced in one step.
    let replace = Edit { create: named(5, "default").create, ..drop_default };
    let (_, state) = manifest.commit(before.0, &replace).unwrap();
    assert_eq!(state.keyspace("default").map(|(id, _)| id), Some(KeyspaceId(5)));
}

#[test]
fn an_install_starts_a_new_file_and_removes_the_old_one() {
    let vfs = disk();
    commit(&create(&vfs), &flush(1)).unwrap();
    let old = read(&vfs).unwrap();
    let state = ManifestState { epoch: old.epoch + 1, ..old };
    let manifest = Manifest::install(&shared(&vfs), dir(), state.clone()).unwrap();
    assert_eq!(*manifest.state().1, state);
    assert_eq!(read(&vfs).unwrap(), state);
    assert_eq!(names(&vfs), ["CURRENT", "MANIFEST-000002"]);
    commit(&manifest, &flush(2)).unwrap();
    assert_eq!(read(&vfs).unwrap(), state.apply(&flush(2)).unwrap());
}

#[test]
fn a_long_manifest_is_rewritten_while_it_is_committed_to() {
    let vfs = disk();
    let manifest = create(&vfs);
    let mut want = fresh();
    let key = vec![b'k'; 20_000];
    for n in 1..=12 {
        for edit in [flush_of(n, &key), drop_flush(n)] {
            commit(&manifest, &edit).unwrap();
            want = want.apply(&edit).unwrap();
            assert_eq!(read(&vfs).unwrap(), want);
        }
    }
    let (_, report) = Manifest::read(&vfs, dir()).unwrap();
    assert!(report.number > 2, "{report:?}");
    assert_eq!(names(&vfs), ["CURRENT".to_owned(), format!("MANIFEST-{:06}", report.number)]);
}

#[test]
fn the_file_may_grow_to_four_times_a_large_snapshot() {
    let vfs = disk();
    let manifest = create(&vfs);
    let key = vec![b'k'; 20_000];
    for n in 1..=40 {
        commit(&manifest, &flush_of(n, &key)).unwrap();
    }
    let (state, report) = Manifest::read(&vfs, dir()).unwrap();
    assert_eq!(state.keyspaces[&DEFAULT].tree.runs.len(), 40);
    assert!(report.number <= 4, "40 snapshots would be a square: {report:?}");
}

#[test]
fn a_folder_without_a_database_is_told_from_one_that_lost_its_current() {
    let vfs = disk();
    assert_eq!(kind(Manifest::read(&vfs, dir())), ErrorKind::InvalidArgument);
    let nowhere = std::path::Path::new("/nowhere");
    assert!(!Manifest::exists(&vfs, nowhere).unwrap());
    assert_eq!(kind(Manifest::read(&vfs, nowhere)), ErrorKind::InvalidArgument);
    put(&vfs, "notes.txt", b"hello");
    assert_eq!(kind(Manifest::read(&vfs, dir())), ErrorKind::InvalidArgument);

    commit(&create(&vfs), &flush(1)).unwrap();
    assert_eq!(
        kind(Manifest::create(&shared(&vfs), dir(), fresh())),
        ErrorKind::InvalidArgument,
        "there is a database"
    );
    vfs.remove_file(&dir().join("CURRENT")).unwrap();
    assert_eq!(kind(Manifest::read(&vfs, dir())), ErrorKind::Corruption);
    let created = Manifest::create(&shared(&vfs), dir(), fresh());
    assert_eq!(kind(created), ErrorKind::Corruption, "it would be lost");
    assert_eq!(names(&vfs), ["MANIFEST-000001", "notes.txt"]);
}

#[test]
fn a_manifest_that_was_committed_to_is_not_taken_for_an_unfinished_one() {
    let vfs = disk();
    commit(&create(&vfs), &cut(1)).unwrap();
    vfs.remove_file(&dir().join("CURRENT")).unwrap();
    for damage in [false, true] {
        if damage {
            vfs.flip(dir().join("MANIFEST-000001"), 40, 0).unwrap();
        }
        let created = Manifest::create(&shared(&vfs), dir(), fresh());
        assert_eq!(kind(created), ErrorKind::Corruption);
    }
    put(&vfs, "MANIFEST-000001", b"torn");
    Manifest::create(&shared(&vfs), dir(), fresh()).unwrap();
    assert_eq!(read(&vfs).unwrap(), fresh());
}

#[test]
fn a_manifest_that_current_names_must_be_there() {
    let vfs = disk();
    create(&vfs);
    vfs.remove_file(&dir().join("MANIFEST-000001")).unwrap();
    let error = read(&vfs).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
    assert_eq!(error.file(), Some(&*dir().join("MANIFEST-000001")));
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    let vfs = disk();
    let mut state = fresh();
    let twin = state.keyspaces[&DEFAULT].clone();
    state.keyspaces.insert(KeyspaceId(1), twin);
    assert_eq!(
        kind(Manifest::create(&shared(&vfs), dir(), state)),
        ErrorKind::InvalidArgument,
        "two keyspaces of one name"
    );
    assert!(names(&vfs).is_empty());
}
