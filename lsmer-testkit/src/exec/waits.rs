//! Waiting: of jobs, and of those who call `wait`.

use std::{sync::Arc, time::Duration};

use lsmer_core::{Event, Next, Waited, WorkClass};

use super::{
    Executor,
    script::{CLASSES, Diary, job, writes},
};

const CLASS: WorkClass = WorkClass::Flush;

/// `EXEC-03`: a job that waits lets others pass, is not stepped while nobody notifies its event,
/// and is stepped once when somebody does.
///
/// # Panics
///
/// If not.
pub fn exec_03_a_job_goes_on_after_the_notification_and_not_before(make: &dyn Fn() -> Executor) {
    let (executor, diary, event) = (make(), Diary::default(), Arc::new(Event::new()));
    let (awaited, steps) = (Arc::clone(&event), diary.clone());
    let step = move |number| {
        steps.write("step");
        let seen = number as u64;
        if number < 3 { Next::Wait { event: Arc::clone(&awaited), seen } } else { Next::Done }
    };
    executor.exec.spawn(CLASS, job(step));
    executor.until("EXEC-03", diary.written(), || diary.count("step") == 1);
    for round in 1..=3 {
        executor.exec.spawn(WorkClass::Maintenance, writes(&diary, "other", 50));
        executor.until("EXEC-03", diary.written(), || diary.count("other") == 50 * round);
        let steps = diary.count("step");
        assert!(steps == round, "EXEC-03: a step before the notification: {steps} of {round}");
        event.notify();
        executor.until("EXEC-03", diary.written(), || diary.count("step") > round);
    }
    let steps = diary.count("step");
    assert!(steps == 4, "EXEC-03: {steps} steps after 3 notifications");
}

/// `EXEC-03`: if the event is notified between the moment at which the job read its count and the
/// end of its step, the job goes on.
///
/// # Panics
///
/// If not.
pub fn exec_03_a_notification_before_the_wait_is_not_lost(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    for class in CLASSES {
        let (diary, event) = (diary.clone(), Arc::new(Event::new()));
        let step = move |number| {
            diary.write("step");
            let seen = event.count();
            event.notify();
            if number < 9 { Next::Wait { event: Arc::clone(&event), seen } } else { Next::Done }
        };
        executor.exec.spawn(class, job(step));
    }
    executor.until("EXEC-03", diary.written(), || diary.len() >= 40);
}

/// `EXEC-03`: one notification is for all who wait.
///
/// # Panics
///
/// If not.
pub fn exec_03_all_who_wait_go_on(make: &dyn Fn() -> Executor) {
    let (executor, diary, event) = (make(), Diary::default(), Arc::new(Event::new()));
    for number in 0..40 {
        let (diary, event) = (diary.clone(), Arc::clone(&event));
        let step = move |at| {
            diary.write(["before", "after"][at]);
            if at == 0 { Next::Wait { event: Arc::clone(&event), seen: 0 } } else { Next::Done }
        };
        executor.exec.spawn(CLASSES[number % 4], job(step));
    }
    executor.until("EXEC-03", diary.written(), || diary.len() >= 40);
    event.notify();
    executor.until("EXEC-03", diary.written(), || diary.len() >= 80);
    let words = diary.words();
    let (before, after) = words.split_at(40);
    let apart = before.iter().all(|word| word == "before") && after.iter().all(|w| w == "after");
    assert!(apart, "EXEC-03: a job went on before the notification");
}

/// `EXEC-04`: a wait ends when a job notifies the event, and at once if that has happened, with a
/// time and without.
///
/// # Panics
///
/// If not.
pub fn exec_04_a_wait_ends_with_the_notification(make: &dyn Fn() -> Executor) {
    let (executor, event) = (make(), Arc::new(Event::new()));
    let notifies = Arc::clone(&event);
    let step = move |number| {
        if number < 10 {
            return Next::Yield;
        }
        notifies.notify();
        Next::Done
    };
    executor.exec.spawn(WorkClass::Maintenance, job(step));
    let waited = executor.exec.wait(&event, 0, None);
    let count = event.count();
    assert!(waited == Waited::Notified, "EXEC-04: {waited:?}, and a job would have notified");
    assert!(count == 1, "EXEC-04: a wait ended at count {count}");
    for time in [None, Some(Duration::ZERO), Some(Duration::from_secs(3600))] {
        let waited = executor.exec.wait(&event, 0, time);
        assert!(waited == Waited::Notified, "EXEC-04: {waited:?} after the notification");
    }
}

/// `EXEC-04`: a wait for what does not happen ends when its time is over, whatever else happens.
///
/// # Panics
///
/// If not.
pub fn exec_04_a_wait_times_out(make: &dyn Fn() -> Executor) {
    let (executor, diary) = (make(), Diary::default());
    let event = Event::new();
    event.notify();
    for time in [Duration::ZERO, Duration::from_millis(1)] {
        executor.exec.spawn(CLASS, writes(&diary, "other", 3));
        let waited = executor.exec.wait(&event, 1, Some(time));
        assert!(waited == Waited::TimedOut, "EXEC-04: {waited:?}, but nobody notifies");
    }
    executor.until("EXEC-04", diary.written(), || diary.len() >= 6);
}
