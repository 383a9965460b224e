//! Background work without threads: jobs run when somebody waits, or when the caller says so.

use std::{sync::Arc, time::Duration};

use lsmer_core::{Event, Exec, Job, Waited, WorkClass};

use super::queue::{Order, Queue, Task};
use crate::{ManualClock, SeededRng};

/// An executor for one thread, in which the order of everything is known.
///
/// Jobs are stepped by [`run_one`](Self::run_one), by [`run_until_idle`](Self::run_until_idle)
/// and inside [`wait`](Exec::wait), also when a job's step waits. A panic in a step reaches
/// whoever ran it, and the job is dropped.
#[derive(Debug)]
pub struct ManualExec {
    queue: Arc<Queue>,
    clock: Option<Arc<ManualClock>>,
}

impl ManualExec {
    /// Makes one that runs the most urgent job first, and those of a class in turn.
    pub fn new() -> Self {
        Self { queue: Queue::new(Order::Urgency), clock: None }
    }

    /// Makes one that runs any of the ready jobs next, as `seed` decides. It does not keep to
    /// EXEC-02: that is what it is for.
    pub fn seeded(seed: u64) -> Self {
        Self { queue: Queue::new(Order::Random(SeededRng::new(seed))), clock: None }
    }

    /// Makes waits that time out advance `clock` by their timeout.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<ManualClock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Decides the order from here on by another seed; without effect on one that was not seeded.
    pub fn reseed(&self, seed: u64) {
        self.queue.reseed(seed);
    }

    /// Runs one step of one job; returns `false` if no job was ready.
    pub fn run_one(&self) -> bool {
        let Some(mut task) = self.queue.try_pop() else { return false };
        let next = task.job.step();
        self.queue.settle(task, next);
        true
    }

    /// Runs steps until no job is ready, and returns how many. Does not return while a job
    /// yields for ever.
    pub fn run_until_idle(&self) -> u64 {
        let mut steps = 0;
        while self.run_one() {
            steps += 1;
        }
        steps
    }

    /// Returns how many jobs are ready to run.
    pub fn ready(&self) -> usize {
        self.queue.counts().0
    }

    /// Returns how many jobs wait for an event.
    pub fn waiting(&self) -> usize {
        self.queue.counts().1
    }
}

impl Default for ManualExec {
    fn default() -> Self {
        Self::new()
    }
}

impl Exec for ManualExec {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        self.queue.push(Task { class, job });
    }

    /// Runs other jobs until the event's count changes. When no job is ready: with a timeout,
    /// that time passes at once; without one this is a [`Waited::Deadlock`].
    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        while event.count() == seen {
            if self.run_one() {
                continue;
            }
            let Some(timeout) = timeout else { return Waited::Deadlock };
            if let Some(clock) = &self.clock {
                clock.advance(timeout);
            }
            return Waited::TimedOut;
        }
        Waited::Notified
    }
}

impl Drop for ManualExec {
    fn drop(&mut self) {
        self.queue.stop();
    }
}
