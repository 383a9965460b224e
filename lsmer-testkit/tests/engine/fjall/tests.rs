//! What fjall promises, and what was found.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
};

use fjall::{Database, Iter, KeyspaceCreateOptions, Readable};
use lsmer_testkit::engine::{Counts, Effort, engine_01_reads_are_those_of_an_ordered_map};

use super::Fjall;
use crate::kill::kill;

#[test]
fn fjall_reads_are_those_of_an_ordered_map() {
    let mut counts = Counts::default();
    for hundred in 0..if env::var_os("LSMER_LONG").is_some() { 10 } else { 1 } {
        // Its threads make no two runs the same: the suite compares two of seeds that 100 divides.
        let effort = Effort { runs: 40, operations: 200, ..Effort::SMOKE };
        let effort = effort.from_seed(1 + 100 * hundred);
        counts.add(&engine_01_reads_are_those_of_an_ordered_map(&Fjall::default(), effort));
    }
    counts.report("fjall");
}

#[test]
fn fjall_survives_kills() {
    kill(&Fjall::default(), 50).unwrap().report("fjall-kills");
}

/// Found, and to be looked at again when it is no longer so.
#[test]
fn fjall_takes_the_files_of_a_dropped_keyspace_from_under_an_iterator() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::builder(folder.path()).worker_threads(1).open().unwrap();
    let keyspace = db.keyspace("dropped", KeyspaceCreateOptions::default).unwrap();
    keyspace.insert("key", "value").unwrap();
    keyspace.rotate_memtable_and_wait().unwrap();
    let mut iter = db.snapshot().iter(&keyspace);
    db.delete_keyspace(keyspace).unwrap();
    let error = iter.next().unwrap().into_inner().unwrap_err();
    assert!(error.to_string().contains("NotFound"), "{error}");
}

/// Found, and to be looked at again when it is no longer so: `iter` reads a snapshot, and so does
/// `range` of a snapshot.
#[test]
fn fjall_shows_later_writes_in_a_range_of_a_keyspace() {
    let folder = tempfile::tempdir().unwrap();
    let db = Database::builder(folder.path()).worker_threads(1).open().unwrap();
    let keyspace = db.keyspace("default", KeyspaceCreateOptions::default).unwrap();
    keyspace.insert("a", "1").unwrap();
    let count = |iter: Iter| {
        keyspace.insert("b", "2").unwrap();
        let count = iter.count();
        keyspace.remove("b").unwrap();
        count
    };
    let all = || "a".."z";
    assert_eq!(count(keyspace.iter()), 1);
    assert_eq!(count(db.snapshot().range(&keyspace, all())), 1);
    assert_eq!(count(keyspace.range(all())), 2);
}

/// Found, and to be looked at again when it is no longer so: `insert` writes the key to the journal
/// before it is refused, and each replay refuses it again. A batch refuses it at once.
#[test]
fn fjall_does_not_open_again_after_an_empty_key() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let db = Database::builder(folder.path()).worker_threads(1).open().unwrap();
        db.keyspace("default", KeyspaceCreateOptions::default).unwrap()
    };
    let keyspace = open();
    let refused = catch_unwind(AssertUnwindSafe(|| keyspace.insert("", "value")));
    assert!(refused.is_err(), "{refused:?}");
    drop(keyspace);
    assert!(catch_unwind(open).is_err());
}
