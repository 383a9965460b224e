//! Help and wrong usage.

use crate::support::Place;

#[test]
fn without_arguments_it_helps() {
    let place = Place::new();
    let nothing: [&str; 0] = [];
    let run = place.run(nothing).ok();
    assert!(run.text().contains("Usage: lsmer") && run.text().contains("Exit codes"));
    assert_eq!(place.run(["--help"]).ok().text(), run.text());
    assert!(place.run(["--version"]).ok().text().starts_with("lsmer "));
    let lines = place.run(["import", "lines", "--help"]).ok();
    assert!(lines.text().contains("malformed") && lines.text().contains("130"));
}

#[test]
fn wrong_usage_exits_with_2() {
    let place = Place::new();
    let commands: [&[&str]; 16] = [
        &["nonsense"],
        &["--hex"],
        &["import"],
        &["import", "tree", "db"],
        &["get", "db"],
        &["get", "db", "k", "too much"],
        &["put", "db", "k"],
        &["scan", "db", "--limit", "-1"],
        &["scan", "db", "--bogus"],
        &["dump", "nonsense", "file"],
        &["get", "db", "--hex", "xx"],
        &["scan", "db", "--hex", "--prefix", "0"],
        &["stats", "db", "--keyspace", "k"],
        &["simulate", "--writes", "many"],
        &["simulate", "--deletes", "2"],
        &["simulate", "--svg", "picture.svg", "--writes", "1000"],
    ];
    for command in commands {
        let run = place.run(command);
        assert_eq!(run.code, 2, "{command:?}: {run:?}");
        assert!(run.out.is_empty() && !run.err.is_empty(), "{command:?}: {run:?}");
    }
    assert_eq!(place.state(), []);
}
