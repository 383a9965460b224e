//! From the spawn of a job to its drop.

use std::sync::Arc;

use lsmer_core::{Event, Next};

use super::{
    Executor,
    script::{CLASSES, Diary, job, job_with_drop, writes},
};

/// `EXEC-01`: jobs of all classes are stepped as often as they want, and dropped once they are
/// done.
///
/// # Panics
///
/// If not.
pub fn exec_01_each_job_is_stepped_until_it_is_done(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    for number in 0..200 {
        let (steps, dropped) = (1 + number % 5, diary.clone());
        let diary = diary.clone();
        let step = move |at| {
            diary.write(format!("step {at} of {number}"));
            if at + 1 < steps { Next::Yield } else { Next::Done }
        };
        let dropped = move || dropped.write(format!("drop of {number}"));
        executor.exec.spawn(CLASSES[number % 4], job_with_drop(step, dropped));
    }
    let words = 200 * 3 + 200; // 1 to 5 steps, and the drop
    executor.until("EXEC-01", diary.written(), || diary.len() >= words);
    drop(executor);
    let written = diary.words();
    for number in 0..200 {
        let own = |word: &&String| word.ends_with(&format!(" of {number}"));
        let mut want: Vec<_> =
            (0..=number % 5).map(|at| format!("step {at} of {number}")).collect();
        want.push(format!("drop of {number}"));
        let got: Vec<_> = written.iter().filter(own).cloned().collect();
        assert!(got == want, "EXEC-01: {got:?} instead of {want:?}");
    }
}

/// `EXEC-01`: a job that is spawned by a step, or by the drop of a job that is done, is stepped as
/// any other.
///
/// # Panics
///
/// If not.
pub fn exec_01_a_step_or_a_drop_may_spawn_a_job(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    for class in CLASSES {
        // A job that is still there when the executor is dropped must not hold it.
        let (one, other) = (Arc::downgrade(&executor.exec), Arc::downgrade(&executor.exec));
        let (step, dropped) = (diary.clone(), diary.clone());
        let step = move |_| {
            if let Some(exec) = one.upgrade() {
                exec.spawn(class, writes(&step, "by a step", 2));
            }
            Next::Done
        };
        let dropped = move || {
            if let Some(exec) = other.upgrade() {
                exec.spawn(class, writes(&dropped, "by a drop", 2));
            }
        };
        executor.exec.spawn(class, job_with_drop(step, dropped));
    }
    executor.until("EXEC-01", diary.written(), || diary.len() >= 16);
    let counts = (diary.count("by a step"), diary.count("by a drop"));
    assert!(counts == (8, 8), "EXEC-01: {counts:?} steps instead of 8 and 8");
}

/// `EXEC-05`: jobs that wait and jobs that would go on for ever are dropped with the executor, and
/// none is stepped afterwards.
///
/// # Panics
///
/// If not.
pub fn exec_05_dropping_the_executor_drops_its_jobs(make: &dyn Fn() -> Executor) {
    let (executor, steps, drops) = (make(), Diary::default(), Diary::default());
    // Of the first kind each owns the event that it waits for: nobody else ever notifies it.
    for number in 0..40 {
        let (event, steps, drops) = (Arc::new(Event::new()), steps.clone(), drops.clone());
        let step = move |at| {
            if at == 0 {
                steps.write("first step");
            }
            let event = Arc::clone(&event);
            if number % 2 == 0 { Next::Wait { event, seen: 0 } } else { Next::Yield }
        };
        executor.exec.spawn(CLASSES[3], job_with_drop(step, move || drops.write("drop")));
    }
    executor.until("EXEC-05", steps.written(), || steps.len() >= 1);
    drop(executor);
    let count = drops.len();
    assert!(count == 40, "EXEC-05: {count} of 40 jobs were dropped with the executor");
}

/// Workers that are kept busy until this is dropped.
pub(super) struct Gate(Arc<Event>);

/// Keeps all workers but one busy.
pub(super) fn occupy(executor: &Executor) -> Gate {
    let (gate, entered) = (Gate(Arc::default()), Diary::default());
    for _ in 1..executor.workers {
        let (event, entered) = (Arc::clone(&gate.0), entered.clone());
        let step = move |_| {
            entered.write("in");
            event.park(0, None);
            Next::Done
        };
        executor.exec.spawn(CLASSES[0], job(step));
    }
    executor.until("EXEC-01", entered.written(), || entered.len() + 1 >= executor.workers);
    gate
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.0.notify();
    }
}
