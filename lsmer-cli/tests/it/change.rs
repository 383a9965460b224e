//! `lsmer put`, `delete`, `compact`, `checkpoint`.

use crate::support::Place;

#[test]
fn put_makes_the_database_and_delete_takes_away() {
    let place = Place::new();
    place.run(["put", "db", "k", "v"]).ok();
    assert_eq!(place.run(["get", "db", "k"]).ok().out, b"v");
    place.run(["put", "db", "k", "-w"]).ok();
    assert_eq!(place.run(["get", "db", "k"]).ok().out, b"-w");
    place.run(["delete", "db", "k"]).ok();
    place.run(["get", "db", "k"]).failed(1);
    // It is gone already: that is what was asked for.
    place.run(["delete", "db", "k"]).ok();
}

#[test]
fn hexadecimal_keys_and_values_go_in_and_come_out() {
    let place = Place::new();
    place.run(["put", "db", "--hex", "00ff0a", "0A09FF"]).ok();
    assert_eq!(place.run(["get", "db", "00FF0a", "--hex"]).ok().text(), "0a09ff\n");
    assert_eq!(place.run(["scan", "db"]).ok().text(), "\\x00\\xff\\n\t\\n\\t\\xff\n");
    assert_eq!(place.run(["export", "db", "--hex"]).ok().text(), "00ff0a\t0a09ff\n");
    place.run(["delete", "db", "--hex", "00ff0a"]).ok();
    assert_eq!(place.run(["scan", "db"]).ok().text(), "");
    let error = place.run(["put", "db", "--hex", "0", "00"]).failed(2);
    assert!(error.contains("'0'"), "{error}");
}

#[test]
fn keyspaces_are_made_by_writing_only() {
    let place = Place::new();
    place.run(["put", "db", "k", "1"]).ok();
    place.run(["--keyspace", "other", "delete", "db", "k"]).failed(1);
    place.run(["--keyspace", "other", "put", "db", "k", "2"]).ok();
    assert_eq!(place.run(["get", "db", "k"]).ok().out, b"1");
    assert_eq!(place.run(["--keyspace", "other", "get", "db", "k"]).ok().out, b"2");
    assert_eq!(place.run(["--keyspace", "default", "get", "db", "k"]).ok().out, b"1");
    place.run(["--keyspace", "other", "delete", "db", "k"]).ok();
    place.run(["--keyspace", "other", "get", "db", "k"]).failed(1);
    assert_eq!(place.run(["get", "db", "k"]).ok().out, b"1");
}

#[test]
fn compact_merges_everything() {
    let place = Place::new();
    for value in ["1", "2", "3"] {
        place.file("tree/k", value);
        place.run(["import", "tree", "db", "tree"]).ok();
    }
    let run = place.run(["compact", "db"]).ok();
    assert!(run.text().starts_with("3 tables of ") && run.text().contains("became 1 table of"));
    let stats = place.run(["stats", "db"]).ok();
    assert!(stats.text().contains("1 run, 1 table, 1 entry,"), "{}", stats.text());
    assert_eq!(place.run(["get", "db", "k"]).ok().out, b"3");
}

#[test]
fn a_checkpoint_is_a_database_of_its_own() {
    let place = Place::new();
    place.run(["put", "db", "k", "1"]).ok();
    place.run(["checkpoint", "db", "copy"]).ok();
    place.run(["put", "db", "k", "2"]).ok();
    assert_eq!(place.run(["get", "copy", "k"]).ok().out, b"1");
    place.run(["verify", "copy"]).ok();
    let error = place.run(["checkpoint", "db", "copy"]).failed(1);
    assert!(error.contains("must not exist"), "{error}");
}

#[test]
fn a_memory_budget_is_kept_to_what_makes_sense() {
    let place = Place::new();
    place.run(["put", "db", "k", "v", "--memory-budget", "1"]).ok();
    assert_eq!(place.run(["--memory-budget", "4", "get", "db", "k"]).ok().out, b"v");
    assert_eq!(place.run(["--memory-budget", "0", "get", "db", "k"]).code, 2);
}
