//! Which job is next.

use std::sync::Arc;

use lsmer_core::{Next, WorkClass};

use super::{
    Executor,
    script::{CLASSES, Diary, job, writes},
    steps::occupy,
};

/// `EXEC-02`: of jobs that are ready, the most urgent ones are stepped first, to their end.
///
/// # Panics
///
/// If not.
pub fn exec_02_more_urgent_jobs_go_first(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    if !executor.has_order {
        return skipped(&executor);
    }
    let _busy = occupy(&executor);
    let (exec, spawned) = (Arc::downgrade(&executor.exec), diary.clone());
    let step = move |_| {
        // While this step runs, the only free worker takes none of them.
        let exec = exec.upgrade().expect("EXEC-01: the executor steps this");
        for (class, word) in CLASSES.iter().zip(["1", "2", "3", "4"]).rev() {
            exec.spawn(*class, writes(&spawned, word, 3));
            exec.spawn(*class, writes(&spawned, word, 2));
        }
        Next::Done
    };
    executor.exec.spawn(WorkClass::Maintenance, job(step));
    executor.until("EXEC-02", diary.written(), || diary.len() >= 20);
    let words = diary.words();
    assert!(words.is_sorted(), "EXEC-02: a less urgent job went first: {words:?}");
}

/// `EXEC-02`: a job that is spawned during a step of a less urgent one is stepped before that
/// one's next step, each time.
///
/// # Panics
///
/// If not.
pub fn exec_02_urgent_jobs_go_between_two_steps(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    if !executor.has_order {
        return skipped(&executor);
    }
    let _busy = occupy(&executor);
    for (urgent, patient) in CLASSES.iter().zip(&CLASSES[1..]) {
        let (exec, diary, urgent) = (Arc::downgrade(&executor.exec), diary.clone(), *urgent);
        let step = move |number| {
            diary.write("patient");
            let exec = exec.upgrade().expect("EXEC-01: the executor steps this");
            exec.spawn(urgent, writes(&diary, "urgent", 1));
            if number < 4 { Next::Yield } else { Next::Done }
        };
        executor.exec.spawn(*patient, job(step));
    }
    executor.until("EXEC-02", diary.written(), || diary.len() >= 30);
    let words = diary.words();
    let turns = words.chunks(2).all(|turn| turn == ["patient", "urgent"]);
    assert!(turns, "EXEC-02: an urgent job had to wait for more than a step: {words:?}");
}

/// An executor without an order still steps everything; that it has none is all that is said.
fn skipped(executor: &Executor) {
    let diary = Diary::default();
    for class in CLASSES {
        executor.exec.spawn(class, writes(&diary, "step", 2));
    }
    executor.until("EXEC-01", diary.written(), || diary.len() >= 8);
}
