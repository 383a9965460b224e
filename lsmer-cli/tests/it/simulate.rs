//! What strategies would cost.

use std::fs;

use crate::support::Place;

const SMALL: [&str; 6] = ["--keys", "100K", "--writes", "1M", "--memtable", "1"];

#[test]
fn strategies_are_compared_side_by_side() {
    let place = Place::new();
    let run = place.run([&["simulate", "--table", "1"], &SMALL[..]].concat()).ok();
    let text = run.text();
    let line = |name: &str| -> Vec<f64> {
        let line = text.lines().find(|line| line.starts_with(name)).expect(name);
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    assert!(text.contains("lsmer.leveled.1") && text.contains("lsmer.tiered.1"), "{text}");
    let (writes, space) = (line("write amplification"), line("space amplification"));
    assert!(writes[0] > writes[2] && space[0] < space[2], "leveled first, tiered last: {text}");
    assert_eq!(place.run([&["simulate", "--table", "1"], &SMALL[..]].concat()).ok().text(), text);
    assert_eq!(place.state(), []);
}

#[test]
fn a_picture_is_drawn_of_one_strategy() {
    let place = Place::new();
    let file = place.path("tree.svg");
    let words = ["simulate", "--strategy", "tiered", "--svg", file.to_str().unwrap()];
    place.run([&words, &SMALL[..]].concat()).ok();
    let svg = fs::read_to_string(&file).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("lsmer.tiered.1"), "{svg}");
    let nowhere = place.path("not/there.svg");
    let words = ["simulate", "--strategy", "tiered", "--svg", nowhere.to_str().unwrap()];
    let said = place.run([&words, &SMALL[..]].concat()).failed(1);
    assert!(said.contains("not/there.svg"), "{said}");
}
