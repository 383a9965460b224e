//! `lsmer import tree`.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt,
        fs::{PermissionsExt, symlink},
    },
};

use rustix::fs::{Mode, OFlags};

use crate::support::Place;

fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(|_| next()).collect()
}

#[test]
fn files_of_all_sizes_and_names_become_entries() {
    let place = Place::new();
    let odd = OsStr::from_bytes(b"sub/deep/\xff\t\n\\");
    place.file("tree/empty", "");
    place.file("tree/one", [0]);
    place.file("tree/sub/text", "hi\n");
    place.file(place.path("tree").join(odd), noise(100));
    place.file("tree/sub/large", noise(5_000_000));
    for i in 0..300 {
        place.file(format!("tree/many/{i:03}"), noise(i * 50));
    }
    fs::create_dir(place.path("tree/hollow")).unwrap();

    let run = place.run(["import", "tree", "db", "tree"]).ok();
    let text = run.text();
    assert!(text.contains("305 files"), "{text}");
    for word in ["MB", "elapsed", "MB/s", "level ", "on disk", "write ampl", "block-cache"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(run.err.contains("1 file,"), "progress: {}", run.err);

    assert_eq!(place.run(["get", "db", "empty"]).ok().out, b"");
    assert_eq!(place.run(["get", "db", "one"]).ok().out, [0]);
    assert_eq!(place.run(["get", "db", "sub/large"]).ok().out, noise(5_000_000));
    assert_eq!(place.run(["get", "db", "many/299"]).ok().out, noise(299 * 50));
    let args = ["get".as_ref(), "db".as_ref(), odd];
    assert_eq!(place.run(args).ok().out, noise(100));
    let keys = place.run(["scan", "db", "--keys-only"]).ok();
    assert_eq!(keys.text().lines().count(), 305);
    assert!(keys.text().contains("\nsub/deep/\\xff\\t\\n\\\\\n"), "{}", keys.text());
    place.run(["verify", "db"]).ok();
}

#[test]
fn what_cannot_be_imported_is_reported_and_left_out() {
    let place = Place::new();
    place.file("tree/a", "a");
    place.file("tree/z/z", "z");
    symlink("nowhere", place.path("tree/dangling")).unwrap();
    symlink("a", place.path("tree/link")).unwrap();
    symlink("z", place.path("tree/folder")).unwrap();
    let fifo = place.path("tree/pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, Mode::RUSR).unwrap();
    let flags = OFlags::CREATE | OFlags::WRONLY;
    let huge = rustix::fs::open(place.path("tree/huge"), flags, Mode::RUSR).unwrap();
    rustix::fs::ftruncate(&huge, (64 << 20) + 1).unwrap();
    let mut want = 5;
    if !rustix::process::geteuid().is_root() {
        let secret = place.file("tree/secret", "?");
        fs::set_permissions(secret, fs::Permissions::from_mode(0o000)).unwrap();
        want += 1;
    }

    let run = place.run(["import", "tree", "db", "tree"]);
    assert_eq!(run.code, 1, "{run:?}");
    let reports: Vec<_> =
        run.err.lines().filter(|line| line.contains(": left out tree/")).collect();
    assert_eq!(reports.len(), want, "{run:?}");
    for name in ["dangling", "folder", "huge", "link", "pipe"] {
        let report = format!("lsmer: left out tree/{name}: ");
        assert!(reports.iter().any(|line| line.starts_with(&report)), "{name}: {run:?}");
    }
    assert!(run.text().contains("2 files"), "the numbers are told all the same: {run:?}");
    assert_eq!(place.run(["export", "db"]).ok().text(), "a\ta\nz/z\tz\n");
}

#[test]
fn a_value_of_64_mib_is_not_too_large() {
    let place = Place::new();
    let max = vec![0; 64 << 20];
    place.file("tree/max", &max);
    place.run(["import", "tree", "db", "tree"]).ok();
    assert!(place.run(["get", "db", "max"]).ok().out == max);
}

#[test]
fn a_database_in_the_folder_does_not_import_itself() {
    let place = Place::new();
    place.file("a", "1");
    for _ in 0..2 {
        let run = place.run(["import", "tree", "db", "."]);
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.err.contains("lsmer: ./db: the database itself"), "{run:?}");
        assert_eq!(place.run(["scan", "db"]).ok().text(), "a\t1\n");
    }
    let error = place.run(["import", "tree", "db", "db/../db"]).failed(1);
    assert!(error.contains("into itself"), "{error}");
}

#[test]
fn a_folder_that_is_not_there_makes_no_database() {
    let place = Place::new();
    let error = place.run(["import", "tree", "db", "tree"]).failed(1);
    assert!(error.contains("tree"), "{error}");
    place.file("file", "");
    place.run(["import", "tree", "db", "file"]).failed(1);
    assert!(!place.path("db").exists());
}

#[test]
fn an_import_into_a_keyspace_leaves_the_others_alone() {
    let place = Place::new();
    place.file("tree/a", "1");
    place.run(["import", "tree", "db", "tree", "--keyspace", "other"]).ok();
    assert_eq!(place.run(["export", "db"]).ok().text(), "");
    assert_eq!(place.run(["--keyspace", "other", "export", "db"]).ok().text(), "a\t1\n");
}
