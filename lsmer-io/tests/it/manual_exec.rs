//! Background work by hand.

use std::{sync::Arc, time::Duration};

use lsmer_core::{Clock, Event, Exec, Next, Waited, WorkClass};
use lsmer_io::{ManualClock, ManualExec};

use crate::recorder::{Log, dropping, job, named};

#[test]
fn exec_01_02_jobs_run_in_the_order_of_their_urgency_when_told() {
    let (exec, log) = (ManualExec::new(), Log::default());
    exec.spawn(WorkClass::Maintenance, named(&log, "m", 1));
    exec.spawn(WorkClass::Compaction, named(&log, "c", 3));
    exec.spawn(WorkClass::Compaction, named(&log, "d", 2));
    assert!(log.lines().is_empty());
    assert!(exec.run_one());
    exec.spawn(WorkClass::Flush, named(&log, "f", 2));
    assert_eq!(exec.ready(), 4);
    assert_eq!(exec.run_until_idle(), 7);
    assert_eq!(log.lines(), ["c0", "f0", "f1", "d0", "c1", "d1", "c2", "m0"]);
    assert!(!exec.run_one());
}

#[test]
fn exec_03_a_waiting_job_is_ready_when_notified() {
    let (exec, event) = (ManualExec::new(), Arc::new(Event::new()));
    let awaited = Arc::clone(&event);
    let step = move |number| match number {
        0 => Next::Wait { event: Arc::clone(&awaited), seen: 0 },
        _ => Next::Done,
    };
    exec.spawn(WorkClass::Flush, job(step));
    assert_eq!(exec.run_until_idle(), 1);
    assert_eq!((exec.ready(), exec.waiting()), (0, 1));
    event.notify();
    assert_eq!((exec.ready(), exec.waiting()), (1, 0));
    assert_eq!(exec.run_until_idle(), 1);
}

#[test]
fn a_wait_runs_jobs_until_the_event() {
    let (exec, log) = (ManualExec::new(), Log::default());
    let event = Arc::new(Event::new());
    let notified = Arc::clone(&event);
    let step = move |number| {
        if number == 2 {
            notified.notify();
        }
        Next::Yield
    };
    exec.spawn(WorkClass::Flush, job(step));
    exec.spawn(WorkClass::Compaction, named(&log, "never", 1));
    assert_eq!(exec.wait(&event, 0, None), Waited::Notified);
    assert_eq!(exec.wait(&event, 0, None), Waited::Notified, "it happened already");
    assert!(log.lines().is_empty(), "no more than needed");
}

#[test]
fn a_wait_that_nothing_can_end_is_a_deadlock() {
    let (exec, log) = (ManualExec::new(), Log::default());
    exec.spawn(WorkClass::Flush, named(&log, "x", 2));
    assert_eq!(exec.wait(&Event::new(), 0, None), Waited::Deadlock);
    assert_eq!(log.lines(), ["x0", "x1"], "everything else was tried");
}

#[test]
fn a_wait_with_a_timeout_lets_the_time_pass_once_nothing_else_can() {
    let clock = Arc::new(ManualClock::new());
    let exec = ManualExec::new().with_clock(Arc::clone(&clock));
    let (event, notified) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let (second, signal) = (Duration::from_secs(1), Arc::clone(&notified));
    let notifies = move |_| {
        signal.notify();
        Next::Done
    };
    exec.spawn(WorkClass::Flush, job(notifies));
    assert_eq!(exec.wait(&notified, 0, Some(second)), Waited::Notified);
    assert_eq!(clock.now(), Duration::ZERO);
    assert_eq!(exec.wait(&event, 0, Some(second)), Waited::TimedOut);
    assert_eq!(clock.now(), second);
    assert_eq!(ManualExec::new().wait(&event, 0, Some(second)), Waited::TimedOut);
}

#[test]
fn a_step_may_wait_for_another_job() {
    let (exec, log) = (Arc::new(ManualExec::new()), Log::default());
    let event = Arc::new(Event::new());
    let (inner, awaited, lines) = (Arc::clone(&exec), Arc::clone(&event), log.clone());
    let waits = move |_| {
        lines.push("before");
        assert_eq!(inner.wait(&awaited, 0, None), Waited::Notified);
        lines.push("after");
        Next::Done
    };
    let lines = log.clone();
    let notifies = move |_| {
        lines.push("notifies");
        event.notify();
        Next::Done
    };
    exec.spawn(WorkClass::Flush, job(waits));
    exec.spawn(WorkClass::Maintenance, job(notifies));
    assert_eq!(exec.run_until_idle(), 1, "the other ran inside");
    assert_eq!(log.lines(), ["before", "notifies", "after"]);
}

#[test]
fn a_seed_repeats_its_order_and_seeds_differ() {
    let run = |seed| {
        let (exec, log) = (ManualExec::seeded(seed), Log::default());
        for (name, class) in [("f", WorkClass::Flush), ("c", WorkClass::Compaction)] {
            exec.spawn(class, named(&log, name, 8));
            exec.spawn(class, named(&log, name, 8));
        }
        assert_eq!(exec.run_until_idle(), 32);
        log.lines()
    };
    assert_eq!(run(1), run(1));
    let orders: std::collections::BTreeSet<_> = (1..10).map(run).collect();
    assert_eq!(orders.len(), 9);
}

#[test]
fn a_panic_reaches_whoever_ran_the_step() {
    let (exec, log) = (ManualExec::new(), Log::default());
    exec.spawn(WorkClass::Flush, dropping(&log, "dropped", |_| panic!("on purpose")));
    let run = std::panic::AssertUnwindSafe(|| exec.run_one());
    assert!(std::panic::catch_unwind(run).is_err());
    assert_eq!(log.lines(), ["dropped"]);
    assert!(!exec.run_one(), "and the executor is as before");
}

#[test]
fn dropping_the_executor_drops_its_jobs() {
    let (exec, log) = (ManualExec::new(), Log::default());
    let event = Arc::new(Event::new());
    let waits = move |_| Next::Wait { event: Arc::clone(&event), seen: 0 };
    exec.spawn(WorkClass::Flush, dropping(&log, "waiting", waits));
    exec.run_until_idle();
    exec.spawn(WorkClass::Flush, dropping(&log, "ready", |_| Next::Done));
    drop(exec);
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["ready", "waiting"]);
}
