//! Checkpoints: a second database that holds one moment of the first.

use std::thread;

use lsmer::{
    Db, ErrorKind, WriteBatch,
    parts::io::{self, MemVfs},
};

use crate::{harness::tiny, scans::filled};
#[test]
fn a_checkpoint_is_a_database_of_its_own() {
    let vfs = MemVfs::new();
    let db = filled(&vfs);
    let space = db.keyspace("second", tiny()).unwrap();
    space.put("k", "v").unwrap();
    db.checkpoint("copy").unwrap();
    db.put("000", "new").unwrap();
    db.compact(..).unwrap();
    assert!(db.checkpoint("copy").is_err(), "the folder is there");
    let (env, _exec, _) = io::manual(vfs.clone(), 1);
    let copy = Db::builder("copy").env(env).open().unwrap();
    assert_eq!(copy.get("000").unwrap().unwrap(), "old");
    assert_eq!(copy.iter().unwrap().owned().count(), 300);
    assert_eq!(copy.keyspaces().len(), 2);
    copy.put("000", "its own").unwrap();
    copy.close().unwrap();
    assert_eq!(db.get("000").unwrap().unwrap(), "new");
    assert!(db.verify().faults.is_empty());
}

#[test]
fn a_checkpoint_has_no_keyspace_that_is_younger_than_its_point() {
    let vfs = MemVfs::without_crashes();
    let open = |path: &str| {
        Db::builder(path).env(io::memory(vfs.clone(), 2)).memory_budget(1 << 20).open().unwrap()
    };
    let db = open("db");
    let taken: Vec<String> = thread::scope(|scope| {
        let maker = scope.spawn(|| {
            for n in 0..300_u32 {
                db.keyspace(&format!("{n}"), tiny()).unwrap();
                db.put("made", n.to_le_bytes()).unwrap();
            }
        });
        let names = (0..30).map(|n| format!("copy{n}"));
        let taken = names.inspect(|name| db.checkpoint(name).unwrap()).collect();
        maker.join().unwrap();
        taken
    });
    for name in taken {
        let copy = open(&name);
        let made = copy.get("made").unwrap();
        let made = made.map_or(0, |n| u32::from_le_bytes(*n.first_chunk().unwrap()) + 1);
        // The default one, those that were announced, and one that was about to be.
        let keyspaces = u32::try_from(copy.keyspaces().len()).unwrap() - 1;
        assert!((made..=made + 1).contains(&keyspaces), "{name}: {keyspaces} and {made}");
    }
}

#[test]
fn checkpoints_taken_at_the_same_time_are_each_one_moment_or_refused() {
    let vfs = MemVfs::without_crashes();
    let open = |path: &str| {
        Db::builder(path).env(io::memory(vfs.clone(), 2)).memory_budget(1 << 20).open().unwrap()
    };
    let db = open("db");
    let other = db.keyspace("other", tiny()).unwrap();
    let taken: Vec<String> = thread::scope(|scope| {
        let (db, other) = (&db, &other);
        let writer = scope.spawn(move || {
            let mut batch = WriteBatch::new();
            for n in 0..3_000_u32 {
                batch.clear();
                batch.put("n", n.to_le_bytes());
                batch.put_in(other, "n", n.to_le_bytes());
                db.write(&batch).unwrap();
            }
        });
        let takers = ["a", "b"].map(|name| {
            scope.spawn(move || {
                let names = (0..10).map(|n| format!("{name}{n}"));
                let taken = names.filter(|name| match db.checkpoint(name) {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
                        false
                    }
                });
                taken.collect::<Vec<_>>()
            })
        });
        writer.join().unwrap();
        takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect()
    });
    assert!(!taken.is_empty());
    for name in taken {
        let copy = open(&name);
        let other = copy.keyspace("other", tiny()).unwrap();
        assert_eq!(
            copy.get("n").unwrap().as_deref(),
            other.get("n").unwrap().as_deref(),
            "a batch is whole in {name}"
        );
    }
}
