//! Background work on threads: what is more than the obligations.

use std::sync::Arc;

use lsmer_core::{Event, Exec, Next, WorkClass};
use lsmer_io::ThreadExec;
use lsmer_sync::thread;

use crate::recorder::{Log, dropping, job, named};

/// Spawns a job when it is dropped.
struct Spawns(std::sync::Weak<ThreadExec>, Log);

impl Drop for Spawns {
    fn drop(&mut self) {
        if let Some(exec) = self.0.upgrade() {
            exec.spawn(WorkClass::Flush, named(&self.1, "late ", 1));
        }
        self.1.push("dropped");
    }
}

/// Keeps the only thread of an executor busy until the event is notified.
fn gate(exec: &ThreadExec) -> Arc<Event> {
    let (entered, gate) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let (signal, held) = (Arc::clone(&entered), Arc::clone(&gate));
    let step = move |_| {
        signal.notify();
        held.park(0, None);
        Next::Done
    };
    exec.spawn(WorkClass::Flush, job(step));
    entered.park(0, None);
    gate
}

#[test]
fn urgent_jobs_go_first_and_those_of_a_class_in_turn() {
    let (exec, log) = (ThreadExec::new(1), Log::default());
    let gate = gate(&exec);
    exec.spawn(WorkClass::Maintenance, named(&log, "m", 1));
    exec.spawn(WorkClass::Compaction, named(&log, "c", 2));
    exec.spawn(WorkClass::Compaction, named(&log, "d", 2));
    exec.spawn(WorkClass::Flush, named(&log, "f", 2));
    gate.notify();
    assert_eq!(log.wait_for(7), ["f0", "f1", "c0", "d0", "c1", "d1", "m0"]);
}

#[test]
fn a_panic_ends_the_job_and_not_the_thread() {
    let (exec, log) = (ThreadExec::new(1), Log::default());
    let panics = |_| -> Next { panic!("on purpose") };
    exec.spawn(WorkClass::Flush, dropping(&log, "dropped", panics));
    exec.spawn(WorkClass::Compaction, named(&log, "next ", 1));
    assert_eq!(log.wait_for(2), ["dropped", "next 0"]);
    assert_eq!(exec.panics(), 1);
}

#[test]
fn threads_have_names() {
    let (exec, log) = (ThreadExec::new(1), Log::default());
    let lines = log.clone();
    let step = move |_| {
        lines.push(thread::current().name().unwrap_or("none"));
        Next::Done
    };
    exec.spawn(WorkClass::Log, job(step));
    assert_eq!(log.wait_for(1), ["lsmer-0"]);
}

#[test]
fn dropping_the_executor_drops_ready_and_waiting_jobs() {
    let (exec, log) = (ThreadExec::new(1), Log::default());
    // The job owns the event it waits for: nobody else will ever notify it.
    let (event, lines) = (Arc::new(Event::new()), log.clone());
    let waits = move |_| {
        lines.push("waits");
        Next::Wait { event: Arc::clone(&event), seen: 0 }
    };
    exec.spawn(WorkClass::Flush, dropping(&log, "waiting dropped", waits));
    log.wait_for(1);
    let gate = gate(&exec);
    exec.spawn(WorkClass::Flush, dropping(&log, "ready dropped", |_| panic!("must not run")));
    let ending = move || drop(exec);
    let handle = thread::Builder::new().spawn(ending).unwrap();
    let mut lines = log.wait_for(3);
    lines.sort();
    assert_eq!(lines, ["ready dropped", "waiting dropped", "waits"]);
    gate.notify();
    handle.join().unwrap();
}

#[test]
fn dropping_the_executor_waits_for_the_running_step() {
    let (exec, log) = (ThreadExec::new(1), Log::default());
    let (entered, lines) = (Arc::new(Event::new()), log.clone());
    let signal = Arc::clone(&entered);
    let step = move |_| {
        signal.notify();
        (0..1000).for_each(|_| thread::yield_now());
        lines.push("step over");
        Next::Yield
    };
    exec.spawn(WorkClass::Flush, dropping(&log, "dropped", step));
    entered.park(0, None);
    drop(exec);
    assert!(log.lines().ends_with(&["dropped".to_owned()]));
}

#[test]
fn a_job_may_be_the_last_to_hold_the_executor() {
    let (exec, log) = (Arc::new(ThreadExec::new(2)), Log::default());
    let gate = Arc::new(Event::new());
    let (held, owned, lines) = (Arc::clone(&gate), Arc::clone(&exec), log.clone());
    let mut owned = Some(owned);
    let step = move |_| {
        held.park(0, None);
        drop(owned.take());
        lines.push("not blocked");
        Next::Done
    };
    exec.spawn(WorkClass::Flush, dropping(&log, "dropped", step));
    drop(exec);
    gate.notify();
    assert_eq!(log.wait_for(2), ["not blocked", "dropped"]);
}

#[test]
fn a_job_that_is_dropped_may_spawn_another() {
    let log = Log::default();
    let exec = Arc::new(ThreadExec::new(1));
    let gate = gate(&exec);
    let other = Arc::downgrade(&exec);
    let spawns = Spawns(other, log.clone());
    let step = move |_| {
        let _spawns = &spawns;
        Next::Done
    };
    exec.spawn(WorkClass::Flush, job(step));
    gate.notify();
    assert_eq!(log.wait_for(2), ["dropped", "late 0"]);
}
