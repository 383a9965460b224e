//! `lsmer get`, `scan`, `stats`, and what all reading commands keep: they change nothing.

use std::{
    fs,
    io::{BufRead, BufReader},
};

use crate::support::{Place, only_file};

fn letters() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    (b'a'..=b'e').flat_map(|a| (b'1'..=b'3').map(move |b| (vec![a, b], vec![a])))
}

#[test]
fn get_writes_the_value_and_nothing_else() {
    let place = Place::new();
    place.table([(vec![0, 0xff], b"a\0\n\xff".to_vec()), (b"e".to_vec(), vec![])]);
    assert_eq!(place.run(["get", "db", "e"]).ok().out, b"");
    assert_eq!(place.run(["--hex", "get", "db", "00FF"]).ok().text(), "61000aff\n");

    let run = place.run(["get", "db", "none"]);
    assert!(run.out.is_empty());
    run.failed(1);
}

#[test]
fn scan_keeps_to_its_bounds() {
    let place = Place::new();
    place.table(letters());
    let keys = |args: &[&str]| {
        let run = place.run(["scan", "db", "--keys-only"].iter().chain(args)).ok();
        run.text().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let cases: [(&[&str], &str); 11] = [
        (&["--prefix", "b"], "b1 b2 b3"),
        (&["--prefix", "b", "--reverse"], "b3 b2 b1"),
        (&["--from", "d2"], "d2 d3 e1 e2 e3"),
        (&["--to", "a3"], "a1 a2"),
        (&["--from", "b3", "--to", "c2"], "b3 c1"),
        (&["--from", "b3", "--to", "d1", "--reverse", "--limit", "2"], "c3 c2"),
        (&["--prefix", "c", "--from", "b", "--to", "c3"], "c1 c2"),
        (&["--limit", "1"], "a1"),
        (&["--limit", "0"], ""),
        (&["--from", "c", "--to", "b"], ""),
        (&["--hex", "--from", "6532"], "6532 6533"),
    ];
    for (args, want) in cases {
        assert_eq!(keys(args), want, "{args:?}");
    }
    assert_eq!(place.run(["scan", "db", "--limit", "2"]).ok().text(), "a1\ta\na2\ta\n");
    assert_eq!(place.run(["scan", "db", "--hex", "--to", "6132"]).ok().text(), "6131\t61\n");
}

#[test]
fn stats_are_json_for_programs() {
    let place = Place::new();
    place.table(letters());
    place.run(["put", "db", "k", "v", "--keyspace", "other"]).ok();
    let run = place.run(["stats", "db", "--json"]).ok();
    let stats: serde_json::Value = serde_json::from_slice(&run.out).unwrap();
    assert_eq!(stats["visible_seqno"], 16);
    assert_eq!(stats["keyspaces"][0]["name"], "default");
    assert_eq!(stats["keyspaces"][0]["levels"][0]["tables"], 1);
    assert_eq!(stats["keyspaces"][0]["levels"][0]["entries"], 15);
    assert_eq!(stats["keyspaces"][1]["name"], "other");
    assert!(stats["disk_bytes"].as_u64().unwrap() > 0);

    let text = place.run(["stats", "db"]).ok();
    assert!(text.text().contains("1 run, 1 table, 15 entries"), "{}", text.text());
}

#[test]
fn reading_a_mistyped_path_creates_nothing() {
    let place = Place::new();
    let commands: [&[&str]; 7] = [
        &["get", "db", "k"],
        &["scan", "db"],
        &["export", "db"],
        &["stats", "db"],
        &["verify", "db"],
        &["delete", "db", "k"],
        &["compact", "db"],
    ];
    for command in commands {
        let error = place.run(command).failed(1);
        assert!(error.contains("db"), "{error}");
    }
    place.run(["dump", "wal", "db/00000001.wal"]).failed(1);
    place.run(["dump", "manifest", "db/MANIFEST-000001"]).failed(1);
    place.run(["dump", "table", "db/000001-000001.tbl"]).failed(1);
    place.run(["checkpoint", "db", "copy"]).failed(1);
    assert_eq!(place.state(), []);
}

#[test]
fn reading_changes_nothing_on_the_disk() {
    let place = Place::new();
    let db = place.table(letters());
    // Something in the log, too.
    place.run(["put", "db", "k", "v"]).ok();
    place.run(["put", "db", "k", "v", "--keyspace", "other"]).ok();
    let (table, wal) = (only_file(&db, ".tbl"), only_file(&db, "2.wal"));
    let [table, wal] = [&table, &wal].map(|path| path.to_str().unwrap());
    let before = place.state();
    let commands: [&[&str]; 9] = [
        &["get", "db", "k"],
        &["scan", "db", "--reverse"],
        &["export", "db", "--keyspace", "other"],
        &["stats", "db"],
        &["stats", "db", "--json"],
        &["verify", "db"],
        &["dump", "table", table],
        &["dump", "wal", wal],
        &["dump", "manifest", "db/MANIFEST-000003"],
    ];
    for command in commands {
        place.run(command).ok();
        assert!(place.state() == before, "{command:?}");
    }
    place.run(["get", "db", "none"]).failed(1);
    let error = place.run(["get", "db", "k", "--keyspace", "none"]).failed(1);
    assert!(error.contains("none"), "{error}");
    assert!(place.state() == before);
}

#[test]
fn a_copy_without_its_lock_file_can_be_read() {
    let place = Place::new();
    let db = place.table(letters());
    fs::remove_file(db.join("LOCK")).unwrap();
    assert_eq!(place.run(["get", "db", "a1"]).ok().out, b"a");
    place.run(["verify", "db"]).ok();
    assert!(!db.join("LOCK").exists());
}

#[test]
fn a_closed_pipe_ends_a_scan_quietly() {
    let place = Place::new();
    place.table((0..20_000_u32).map(|i| (i.to_be_bytes().to_vec(), vec![b'v'; 20])));
    for command in [["scan", "db"], ["export", "db"]] {
        let mut child = place.command(command).spawn().unwrap();
        let mut first = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut first).unwrap();
        assert!(first.starts_with("\\x00\\x00\\x00\\x00\tvv"), "{first}");
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}

#[test]
fn a_database_that_is_open_is_refused() {
    let place = Place::new();
    let path = place.table(letters());
    let db = lsmer::Db::open(path).unwrap();
    for command in [&["get", "db", "a1"][..], &["put", "db", "k", "v"], &["verify", "db"]] {
        let error = place.run(command).failed(1);
        assert!(error.contains("open already"), "{error}");
    }
    db.close().unwrap();
    place.run(["get", "db", "a1"]).ok();
}
