//! Listings for people.

use lsmer_core::ErrorKind;
use lsmer_io::MemVfs;
use lsmer_manifest::dump;

use crate::world::{commit, create, cut, dir, disk, drop_flush, flush};

fn list(vfs: &MemVfs) -> String {
    let mut out = String::new();
    dump(vfs, &dir().join("MANIFEST-000001"), &mut out).expect("no faults");
    out
}

#[test]
fn every_record_is_listed() {
    let vfs = disk();
    let manifest = create(&vfs);
    for edit in [flush(1), cut(3), drop_flush(1)] {
        commit(&manifest, &edit).unwrap();
    }
    let out = list(&vfs);
    let lines = [
        "manifest 1 epoch 1",
        "32: snapshot, ",
        "  wal \"wal.1\", compaction \"leveled.1\"",
        "  create keyspace 0 \"default\"",
        "mark, synced to ",
        "  keyspace 0, flushed to 1",
        "    run 1 level 0 newest",
        "    + table 1-1 [kkkkkkkkkkkkkkkkkkkk, kkkkkkkkkkkkkkkkkkkk] seqnos 1..=1, 1 entries",
        "  log cut at 3 in segment 3",
        "    - run 1 table 1-1",
        ": end\n",
    ];
    let mut rest = &out[..];
    for line in lines {
        let at = rest.find(line).unwrap_or_else(|| panic!("no `{line}` in order in:\n{out}"));
        rest = &rest[at + line.len()..];
    }
}

#[test]
fn damage_is_listed_and_what_follows_it_too() {
    let vfs = disk();
    let manifest = create(&vfs);
    commit(&manifest, &flush(1)).unwrap();
    commit(&manifest, &cut(3)).unwrap();
    let whole = list(&vfs);
    let path = dir().join("MANIFEST-000001");
    for at in [3, 40] {
        vfs.flip(&path, at, 1).unwrap();
    }
    let out = list(&vfs);
    assert!(out.contains("header: corruption: not a manifest"), "{out}");
    assert!(out.contains("32: corruption: a record of the manifest is damaged"), "{out}");
    let edits = |out: &str| out.matches(": edit, ").count();
    assert_eq!((edits(&out), edits(&whole)), (2, 2), "{out}");
}

#[test]
fn only_manifests_can_be_listed() {
    let vfs = disk();
    let mut out = String::new();
    let error = dump(&vfs, &dir().join("CURRENT"), &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let error = dump(&vfs, &dir().join("MANIFEST-000009"), &mut out).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corruption);
}
