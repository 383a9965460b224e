//! `lsmer import lines` and `lsmer export`.

use crate::support::Place;

/// Entries with everything that a line could trip over.
fn entries() -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut entries: Vec<(Vec<u8>, Vec<u8>)> = vec![
        (vec![], vec![]),
        (b"empty".to_vec(), vec![]),
        (b"a\tb".to_vec(), b"c\td\ne\rf\\g".to_vec()),
        (b"\\x41".to_vec(), b"\\".to_vec()),
        ("Gr\u{fc}\u{df}e \u{1f600}".into(), "\u{202e}\u{feff}".into()),
        (vec![0xff; 1000], (0..=255).collect()),
        (b"-".to_vec(), b"--hex".to_vec()),
    ];
    for byte in 0..=255 {
        entries.push((vec![b'k', byte], vec![byte, 0xc3, byte]));
    }
    entries
}

#[test]
fn what_is_exported_and_imported_is_exported_alike() {
    for hex in [&[][..], &["--hex"]] {
        let place = Place::new();
        place.table(entries());
        let export = |db| place.run(["export", db].iter().chain(hex)).ok().out;
        let first = export("db");
        assert_eq!(str::from_utf8(&first).unwrap().lines().count(), entries().len());

        place.file("lines", &first);
        place.run(["import", "lines", "copy", "lines"].iter().chain(hex)).ok();
        assert_eq!(export("copy"), first);
        let copy = lsmer::Db::open(place.path("copy")).unwrap();
        for (key, value) in entries() {
            assert_eq!(copy.get(&key).unwrap().unwrap(), value, "{}", key.escape_ascii());
        }
        copy.close().unwrap();

        place.run_with(["import", "lines", "piped", "-"].iter().chain(hex), &first).ok();
        assert_eq!(export("piped"), first);
    }
}

#[test]
fn a_malformed_line_is_reported_with_its_number_and_left_out() {
    let place = Place::new();
    let lines = b"a\t1\nno tab\nb\t2\nc\t\\q\n\nd\t3\t4\ne\t5\r\nlast\t6";
    let run = place.run_with(["import", "lines", "db", "-"], lines);
    assert_eq!(run.code, 1, "{run:?}");
    let reported: Vec<_> = run
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("lsmer: left out line ")?.split(':').next())
        .collect();
    assert_eq!(reported, ["2", "4", "5", "6", "7"], "{run:?}");
    assert_eq!(place.run(["export", "db"]).ok().text(), "a\t1\nb\t2\nlast\t6\n");

    let run = place.run_with(["import", "lines", "db", "-", "--hex"], b"61\t0\n6x\t00\n62\tFf\n");
    assert_eq!(run.code, 1, "{run:?}");
    assert_eq!(place.run(["get", "db", "b",]).ok().out, [0xff]);
}

#[test]
fn a_key_over_the_limit_is_left_out() {
    let place = Place::new();
    let line = |bytes| [&vec![b'k'; bytes][..], b"\tv\n"].concat();
    let lines = [line(65_535), line(65_536), line(1)].concat();
    let run = place.run_with(["import", "lines", "db", "-"], &lines);
    assert_eq!(run.code, 1, "{run:?}");
    assert!(run.err.contains("left out line 2: the key is longer"), "{run:?}");
    let keys = place.run(["scan", "db", "--keys-only"]).ok();
    let lengths: Vec<_> = keys.text().lines().map(str::len).collect();
    assert_eq!(lengths, [1, 65_535]);
}

#[test]
fn a_file_that_is_not_there_makes_no_database() {
    let place = Place::new();
    let error = place.run(["import", "lines", "db", "lines"]).failed(1);
    assert!(error.contains("lines"), "{error}");
    assert!(!place.path("db").exists());
}

#[test]
fn nothing_is_a_database_too() {
    let place = Place::new();
    place.run(["import", "lines", "db", "-"]).ok();
    assert_eq!(place.run(["export", "db"]).ok().out, b"");
}
