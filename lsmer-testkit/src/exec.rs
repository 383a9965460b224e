//! The suite for executors: one function per property, each of which panics if it does not hold.
//!
//! The suite waits through [`Exec::wait`] only, so an executor may have threads or run its jobs
//! there. A job that is never stepped again is a failure where `wait` can tell that nothing goes
//! on ([`Waited::Deadlock`]), and a test that does not end where it cannot.
//!
//! That two threads never step one job needs no property: a step takes `&mut self`.

mod order;
mod random;
mod script;
mod steps;
mod waits;

use std::sync::Arc;

#[cfg(doc)]
use lsmer_core::Waited;
use lsmer_core::{Event, Exec};

pub use self::{
    order::{exec_02_more_urgent_jobs_go_first, exec_02_urgent_jobs_go_between_two_steps},
    random::exec_01_random_jobs_come_to_their_end,
    steps::{
        exec_01_a_step_or_a_drop_may_spawn_a_job, exec_01_each_job_is_stepped_until_it_is_done,
        exec_05_dropping_the_executor_drops_its_jobs,
    },
    waits::{
        exec_03_a_job_goes_on_after_the_notification_and_not_before,
        exec_03_a_notification_before_the_wait_is_not_lost, exec_03_all_who_wait_go_on,
        exec_04_a_wait_ends_with_the_notification, exec_04_a_wait_times_out,
    },
};

/// An executor to certify.
#[derive(Debug)]
pub struct Executor {
    exec: Arc<dyn Exec>,
    workers: usize,
    has_order: bool,
}

impl Executor {
    /// Takes an executor, and how many jobs it steps at the same time; 1 if it runs them in
    /// [`Exec::wait`].
    pub fn new(exec: impl Exec + 'static, workers: usize) -> Self {
        Self { exec: Arc::new(exec), workers, has_order: true }
    }

    /// Says that it runs jobs in any order, whatever their urgency: it does not keep `EXEC-02`.
    #[must_use]
    pub fn in_any_order(mut self) -> Self {
        self.has_order = false;
        self
    }

    /// Waits until something is so that jobs notify `event` of.
    #[track_caller]
    fn until(&self, id: &str, event: &Event, is_so: impl Fn() -> bool) {
        loop {
            let seen = event.count();
            if is_so() {
                return;
            }
            let waited = self.exec.wait(event, seen, None);
            assert!(event.count() != seen, "{id}: nothing goes on before all is done: {waited:?}");
        }
    }
}

/// Runs every property; `make` is called for each executor that they need.
///
/// # Panics
///
/// If one does not hold.
pub fn conforms(make: &dyn Fn() -> Executor) {
    exec_01_each_job_is_stepped_until_it_is_done(make);
    exec_01_a_step_or_a_drop_may_spawn_a_job(make);
    exec_01_random_jobs_come_to_their_end(make);
    exec_02_more_urgent_jobs_go_first(make);
    exec_02_urgent_jobs_go_between_two_steps(make);
    exec_03_a_job_goes_on_after_the_notification_and_not_before(make);
    exec_03_a_notification_before_the_wait_is_not_lost(make);
    exec_03_all_who_wait_go_on(make);
    exec_04_a_wait_ends_with_the_notification(make);
    exec_04_a_wait_times_out(make);
    exec_05_dropping_the_executor_drops_its_jobs(make);
}

/// Makes a test of each property of an [`Exec`], out of something that makes an
/// [`Executor`](crate::exec::Executor): `exec_conforms!(|| Executor::new(MyExec::new(), 1));`.
#[macro_export]
macro_rules! exec_conforms {
    ($make:expr) => {
        $crate::properties! { exec, &$make,
            exec_01_each_job_is_stepped_until_it_is_done
            exec_01_a_step_or_a_drop_may_spawn_a_job
            exec_01_random_jobs_come_to_their_end
            exec_02_more_urgent_jobs_go_first
            exec_02_urgent_jobs_go_between_two_steps
            exec_03_a_job_goes_on_after_the_notification_and_not_before
            exec_03_a_notification_before_the_wait_is_not_lost
            exec_03_all_who_wait_go_on
            exec_04_a_wait_ends_with_the_notification
            exec_04_a_wait_times_out
            exec_05_dropping_the_executor_drops_its_jobs
        }
    };
}
