//! `lsmer verify` and `lsmer dump`, of good and of damaged databases.

use std::{fs, path::Path};

use crate::support::{Place, flip, only_file};

/// What may happen to a file.
type Damage = fn(&Path);

/// A database with a table of several blocks, and something in its log.
fn database(place: &Place) -> std::path::PathBuf {
    let db = place.table((0..200).map(|i| (format!("key{i:03}").into_bytes(), vec![b'v'; 100])));
    place.run(["put", "db", "logged", "v"]).ok();
    db
}

fn verify(place: &Place) -> (i32, String) {
    let run = place.run(["verify", "db"]);
    (run.code, String::from_utf8(run.out).unwrap())
}

#[test]
fn a_good_database_has_no_faults() {
    let place = Place::new();
    database(&place);
    let (code, text) = verify(&place);
    assert_eq!(code, 0, "{text}");
    assert!(text.ends_with("no faults\n") && !text.contains("note:"), "{text}");
    assert!(text.contains("1 table,") && text.contains("200 entries"), "{text}");
}

#[test]
fn a_flipped_bit_anywhere_in_a_table_is_found() {
    let place = Place::new();
    let table = only_file(&database(&place), ".tbl");
    let good = fs::read(&table).unwrap();
    for at in (0..good.len()).step_by(good.len() / 40).chain([good.len() - 1]) {
        flip(&table, at);
        let run = place.run(["verify", "db"]);
        assert!(run.text().contains("fault: ") && run.text().contains(".tbl"), "{at}: {run:?}");
        let error = run.failed(1);
        assert_eq!(error, "lsmer: 1 fault in db\n", "at {at}");
        fs::write(&table, &good).unwrap();
    }
    assert_eq!(verify(&place).0, 0);
}

#[test]
fn damage_that_keeps_a_database_shut_is_a_fault() {
    let place = Place::new();
    let db = database(&place);
    let table = only_file(&db, ".tbl");
    let table = table.file_name().unwrap().to_str().unwrap();
    let damages: [(&str, Damage); 6] = [
        ("CURRENT", |path| flip(path, 3)),
        ("CURRENT", |path| fs::remove_file(path).unwrap()),
        ("MANIFEST-000002", |path| flip(path, 40)),
        ("MANIFEST-000002", |path| fs::remove_file(path).unwrap()),
        (table, |path| fs::remove_file(path).unwrap()),
        (table, |path| fs::write(path, "short").unwrap()),
    ];
    for (name, damage) in damages {
        let path = db.join(name);
        let good = fs::read(&path).unwrap();
        damage(&path);
        let before = place.state();
        let run = place.run(["verify", "db"]);
        assert!(run.text().contains("fault: corruption: "), "{name}: {run:?}");
        run.failed(1);
        place.run(["get", "db", "key000"]).failed(1);
        assert!(place.state() == before, "a damaged database is left as it is: {name}");
        fs::write(&path, good).unwrap();
        assert_eq!(verify(&place).0, 0, "{name}");
    }
}

#[test]
fn damage_in_the_synced_log_is_a_fault() {
    let place = Place::new();
    let db = database(&place);
    for file in [only_file(&db, "2.wal"), db.join("ring")] {
        let bytes = fs::read(&file).unwrap();
        flip(&file, bytes.windows(6).position(|window| window == b"logged").unwrap());
        // At first the ring still has the record, and the database can be opened.
        let run = place.run(["verify", "db"]);
        assert!(run.text().contains("fault: corruption: the log is damaged"), "{run:?}");
        assert!(run.text().contains("2.wal"), "{run:?}");
        run.failed(1);
    }
    place.run(["get", "db", "logged"]).failed(1);
}

#[test]
fn tables_are_checked_even_if_the_database_cannot_be_opened() {
    let place = Place::new();
    let db = database(&place);
    flip(&db.join("CURRENT"), 3);
    let (code, text) = verify(&place);
    assert_eq!((code, text.matches("fault: ").count()), (1, 1), "{text}");
    assert!(text.contains("1 table, "), "{text}");
    flip(&only_file(&db, ".tbl"), 10);
    let (code, text) = verify(&place);
    assert_eq!((code, text.matches("fault: ").count()), (1, 2), "{text}");
}

#[test]
fn files_that_belong_to_nothing_are_noted() {
    let place = Place::new();
    let db = database(&place);
    fs::copy(only_file(&db, ".tbl"), db.join("000001-000099.tbl")).unwrap();
    fs::write(db.join("MANIFEST-000009"), "?").unwrap();
    fs::write(db.join("notes.txt"), "?").unwrap();
    let (code, text) = verify(&place);
    assert_eq!(code, 0, "{text}");
    for name in ["000001-000099.tbl", "MANIFEST-000009", "notes.txt"] {
        assert!(text.contains(&format!("note: db/{name}: ")), "{text}");
    }
}

#[test]
fn a_table_is_dumped_with_its_blocks_and_entries() {
    let place = Place::new();
    let key = b"\xff\"\n".to_vec();
    let db = place.table([(b"a".to_vec(), b"1".to_vec()), (key, vec![b'x'; 1000])]);
    let table = only_file(&db, ".tbl");
    let run = place.run(["dump".as_ref(), "table".as_ref(), table.as_os_str()]).ok();
    let text = run.text();
    for line in ["format lsmer.columnar.1", "  1 put \"a\" \"1\"\n", "index at ", "filter lsmer."] {
        assert!(text.contains(line), "{text}");
    }
    assert!(text.contains("  2 put \"\\xff\"\\n\" \"xxxx") && text.contains(".. (1000 bytes)"));
    let run = place.run(["--hex".as_ref(), "dump".as_ref(), "table".as_ref(), table.as_os_str()]);
    assert!(run.text().contains("  1 put \"61\" \"31\"\n"), "{}", run.text());
}

#[test]
fn a_dump_goes_on_behind_a_damaged_block() {
    let place = Place::new();
    let table = only_file(&database(&place), ".tbl");
    let dump = || place.run(["dump".as_ref(), "table".as_ref(), table.as_os_str()]);
    let whole = dump().ok();
    assert_eq!(whole.text().matches(" put ").count(), 200);

    flip(&table, 100);
    let run = dump();
    assert_eq!(run.code, 1);
    assert!(run.text().contains("block 0 at 0: data, ") && run.text().contains("DAMAGED"));
    let shown = run.text().matches(" put ").count();
    assert!((100..200).contains(&shown), "{shown} entries of the other blocks");
    assert!(run.text().contains("put \"key199\""));
    run.failed(1);
}

#[test]
fn a_table_with_a_damaged_end_is_dumped_by_the_manifest() {
    let place = Place::new();
    let db = database(&place);
    let table = only_file(&db, ".tbl");
    let bytes = fs::read(&table).unwrap();
    let dump = || place.run(["dump".as_ref(), "table".as_ref(), table.as_os_str()]);
    for damaged in [bytes.len() - 1, bytes.len() - 60] {
        flip(&table, damaged);
        let run = dump();
        assert_eq!(run.text().matches(" put ").count(), 200, "{run:?}");
        assert!(run.text().contains("DAMAGED"), "{run:?}");
        run.failed(1);
        fs::write(&table, &bytes).unwrap();
    }
    flip(&table, bytes.len() - 1);
    flip(&db.join("CURRENT"), 3);
    let error = dump().failed(1);
    assert!(error.contains("table"), "{error}");
}

#[test]
fn a_table_without_an_index_is_described_at_least() {
    let place = Place::new();
    let table = only_file(&database(&place), ".tbl");
    let dump = || place.run(["dump".as_ref(), "table".as_ref(), table.as_os_str()]);
    let whole = dump().ok();
    let at = whole.text().split("index at ").nth(1).unwrap().split(',').next().unwrap();
    flip(&table, at.parse().unwrap());
    let run = dump();
    assert!(run.text().contains("  200 entries"), "{run:?}");
    let error = run.failed(1);
    assert!(error.contains("corruption") && error.contains(".tbl"), "{error}");
}

#[test]
fn logs_and_manifests_are_dumped() {
    let place = Place::new();
    let db = database(&place);
    let wal = only_file(&db, "2.wal");
    let args = ["dump".as_ref(), "wal".as_ref(), wal.as_os_str()];
    assert!(place.run(args).ok().text().contains("put \"logged\""));
    let manifest = place.run(["dump", "manifest", "db/MANIFEST-000002"]).ok();
    assert!(manifest.text().contains("snapshot") && manifest.text().contains("+ table 1-"));

    flip(&db.join("MANIFEST-000002"), 40);
    let damaged = place.run(["dump", "manifest", "db/MANIFEST-000002"]);
    assert!(damaged.text().contains("corruption"), "{damaged:?}");
    place.run(["dump", "wal", "db/CURRENT"]).failed(1);
}
