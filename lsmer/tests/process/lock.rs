//! A database has one owner, or many readers.

use std::{io::Read, path::Path};

use lsmer::{Db, ErrorKind, Result};

use crate::child::{Child, say, told};

const OPEN: u8 = b'o';
const FENCED: u8 = b'f';

/// The part of a child: opens the database, says how that went, and holds it until its input ends.
pub(crate) fn child() {
    let builder = Db::builder(told("FOLDER"));
    let builder = if told("READ_ONLY") == "1" { builder.read_only() } else { builder };
    let opened = builder.open();
    match &opened {
        Ok(_) => say(OPEN, 0),
        Err(error) if error.kind() == ErrorKind::Fenced => say(FENCED, 0),
        Err(error) => panic!("{error:?}"),
    }
    std::io::stdin().read_to_end(&mut Vec::new()).expect("input ends");
    drop(opened);
}

fn other_process(folder: &Path, read_only: bool) -> (Child, u8) {
    let read_only = if read_only { "1" } else { "0" };
    let variables = [("FOLDER", folder.as_os_str()), ("READ_ONLY", read_only.as_ref())];
    let mut child = Child::start("hold", &variables);
    assert!(child.begin(), "the child plays its part");
    let mark = child.next().expect("it says how it went");
    (child, mark.tag)
}

fn is_fenced(opened: Result<Db>) -> bool {
    match opened {
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::Fenced => true,
        Err(error) => panic!("{error:?}"),
    }
}

#[test]
fn a_database_that_is_open_is_refused_to_all_others_at_once() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let (owner, tag) = other_process(&folder, false);
    assert_eq!(tag, OPEN);
    assert!(is_fenced(Db::open(&folder)), "another process has it");
    assert!(is_fenced(Db::builder(&folder).read_only().open()), "a reader would see it half done");
    let alias = temp.path().join("alias");
    std::os::unix::fs::symlink(&folder, &alias).unwrap();
    assert!(is_fenced(Db::open(alias)), "another name of the same folder");

    owner.kill();
    let db = Db::open(&folder).expect("the lock died with its owner");
    db.put("key", "value").unwrap();
    assert!(is_fenced(Db::open(&folder)), "another handle in this process");
    assert!(is_fenced(Db::builder(&folder).read_only().open()), "or a reader");
    for read_only in [false, true] {
        assert_eq!(other_process(&folder, read_only).1, FENCED, "or another process");
    }
    assert_eq!(db.get("key").unwrap().unwrap(), "value", "its owner was not disturbed");
    db.close().unwrap();
    drop(Db::open(&folder).expect("closed by its owner"));
}

#[test]
fn many_readers_share_a_database_and_keep_writers_out() {
    let temp = tempfile::tempdir().unwrap();
    let folder = temp.path().join("db");
    let db = Db::open(&folder).unwrap();
    db.put("key", "value").unwrap();
    drop(db);
    let read = || Db::builder(&folder).read_only().open().unwrap();
    let readers = [read(), read(), read()];
    let others = [other_process(&folder, true), other_process(&folder, true)];
    assert!(others.iter().all(|(_, tag)| *tag == OPEN));
    for reader in &readers {
        assert_eq!(reader.get("key").unwrap().unwrap(), "value");
        assert_eq!(reader.put("key", "other").unwrap_err().kind(), ErrorKind::ReadOnly);
    }
    assert!(is_fenced(Db::open(&folder)), "a writer would pull tables from under them");
    drop(readers);
    assert!(is_fenced(Db::open(&folder)), "the other processes still read");
    for (child, _) in others {
        child.kill();
    }
    drop(Db::open(&folder).expect("all of them are gone"));
}
