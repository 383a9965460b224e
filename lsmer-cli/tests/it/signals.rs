//! Imports that are told to stop.

use std::{
    io::{BufRead, BufReader, Read, Write},
    os::unix::{fs::symlink, process::ExitStatusExt},
    process::{Child, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::Place;

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A tree whose import fills its standard error long before it is done: as long as nobody reads
/// that, the import waits.
fn chatty_tree(place: &Place) -> usize {
    let folders = 40;
    for folder in 0..folders {
        for file in 0..20 {
            place.file(format!("tree/{folder:02}/{file:02}"), vec![b'v'; 1000]);
        }
        for link in 0..20 {
            let name = format!("tree/{folder:02}/{link:02}{}", "-".repeat(200));
            symlink("nowhere", place.path(name)).unwrap();
        }
    }
    folders * 20
}

#[test]
fn an_import_that_is_told_to_stop_leaves_a_good_database() {
    for signal in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        let files = chatty_tree(&place);
        let mut child = place.command(["import", "tree", "db", "tree"]).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        err.read_line(&mut first).unwrap();
        assert!(first.starts_with("1 file, "), "{first}");
        send(&child, signal);
        let mut rest = String::new();
        err.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
        assert!(rest.lines().last().unwrap().contains("stopped by a signal"), "{rest}");

        place.run(["verify", "db"]).ok();
        let keys = place.run(["scan", "db", "--keys-only"]).ok();
        let keys: Vec<_> = keys.text().lines().collect();
        assert!(!keys.is_empty() && keys.len() < files, "{} of {files}", keys.len());
        // What was stored is a prefix of the walk.
        let all =
            (0..40).flat_map(|folder| (0..20).map(move |file| format!("{folder:02}/{file:02}")));
        assert!(all.zip(&keys).all(|(want, key)| want == **key));
        // And it can be taken up again.
        let again = place.run(["import", "tree", "db", "tree"]);
        assert!(again.text().contains(&format!("{files} files")), "{again:?}");
    }
}

#[test]
fn an_import_that_waits_for_lines_stops_too() {
    let place = Place::new();
    let mut command = place.command(["import", "lines", "db", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"a\t1\nb\t2\nhalf a li").unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    err.read_line(&mut first).unwrap();
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    drop(input);
    let export = place.run(["export", "db"]).ok();
    assert!(export.text().starts_with("a\t1\n") && !export.text().contains("half"));
}

#[test]
fn a_second_signal_kills() {
    let place = Place::new();
    chatty_tree(&place);
    let mut child = place.command(["import", "tree", "db", "tree"]).spawn().unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    err.read_line(&mut first).unwrap();
    // It cannot come to its end: nobody reads what it says. Two different signals, because two
    // of one kind may become one before they are delivered.
    send(&child, Signal::INT);
    send(&child, Signal::TERM);
    let killed = child.wait().unwrap().signal();
    let either = [Signal::INT, Signal::TERM].map(Signal::as_raw);
    assert!(killed.is_some_and(|signal| either.contains(&signal)), "{killed:?}");
    drop(err);
    place.run(["verify", "db"]).ok();
}
