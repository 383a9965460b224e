//! Strategies that drop data: by its size, and by its age.

use std::time::Duration;

use lsmer_compaction::{Fifo, TimeWindow};
use lsmer_core::{CompactionStrategy, JobKind};
use lsmer_testkit::strategy::TreeSim;

/// Flushes some memtables of new keys, a second apart, and carries out all plans.
fn flushes(strategy: &dyn CompactionStrategy, count: u32) -> TreeSim {
    let mut sim = TreeSim::default();
    for n in 0..count {
        sim.flush(&(16 * n..16 * (n + 1)).collect());
        sim.settle(strategy).expect("it comes to an end");
    }
    sim.check_order().expect("newest entries first");
    sim
}

#[test]
fn a_queue_keeps_the_newest_bytes_and_writes_them_about_once() {
    let most = 20 * TreeSim::MEMTABLE_BYTES;
    let strategy = Fifo::default().with_max_bytes(most);
    let sim = flushes(&strategy, 300);
    assert!((most / 2..=most).contains(&sim.tree.bytes()), "{}", sim.shape());
    let key = |n: u32| n.to_be_bytes();
    let holds = |n| sim.tree.runs.iter().any(|run| run.covering(&key(n)).is_some());
    assert!(holds(16 * 299) && holds(16 * 282) && !holds(16 * 270));
    assert!(sim.amplification() < 1.01, "{}", sim.amplification());
    assert_eq!(sim.tree.runs.iter().filter(|run| run.level == 0).count(), 0, "nothing waits");
}

#[test]
fn a_queue_never_drops_the_newest_run() {
    let sim = flushes(&Fifo::default().with_max_bytes(1), 3);
    assert_eq!(sim.tree.runs.len(), 1);
}

#[test]
fn a_queue_has_a_bounded_number_of_runs() {
    let sim = flushes(&Fifo::default().with_max_runs(8), 200);
    assert!(sim.tree.runs.len() <= 8, "{}", sim.shape());
    assert!(sim.amplification() < 14.0, "{}", sim.amplification());
}

#[test]
fn what_is_too_old_is_dropped_whole() {
    let strategy = Fifo::default().with_max_age(Duration::from_secs(10));
    let sim = flushes(&strategy, 30);
    // The newest was flushed in second 30: those of second 20 and later stay.
    assert_eq!(sim.tree.runs.len(), 11, "{}", sim.shape());
}

#[test]
fn each_window_that_is_over_is_one_run_and_too_old_ones_are_dropped() {
    let strategy = TimeWindow::default()
        .with_window(Duration::from_secs(10))
        .with_max_age(Duration::from_secs(50));
    let sim = flushes(&strategy, 109);
    let newest = |run: &lsmer_core::Run| {
        run.tables.iter().filter_map(|table| table.flushed.newest).max().unwrap().as_secs()
    };
    let runs: Vec<_> = sim.tree.runs.iter().map(newest).collect();
    let over: Vec<_> = runs.iter().filter(|second| **second < 100).collect();
    assert_eq!(over, [&99, &89, &79, &69, &59], "{}", sim.shape());
    assert!(sim.amplification() < 4.0, "{}", sim.amplification());
}

#[test]
fn only_who_drops_says_so() {
    let day = Duration::from_secs(86_400);
    assert!(Fifo::default().drops() && TimeWindow::default().with_max_age(day).drops());
    assert!(!TimeWindow::default().drops());
    let mut sim = TreeSim::of(&[(1, (0..9).collect()), (1, (0..9).collect())]);
    sim.flush(&(0..9).collect());
    let plan = sim.plan(&Fifo::default().with_max_bytes(100), 4);
    assert_eq!(plan[0].kind, JobKind::Drop);
    assert_eq!(plan[0].inputs.len(), 2);
}

#[test]
fn the_names_are_pinned() {
    // They are on disk.
    assert_eq!(Fifo::default().name(), "lsmer.fifo.1");
    assert_eq!(TimeWindow::default().name(), "lsmer.time-window.1");
}
