//! Background work on threads.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use lsmer_core::{Event, Exec, Job, Next, Waited, WorkClass};
use lsmer_sync::{
    atomic::{AtomicU64, Ordering},
    thread::{self, JoinHandle},
};

use super::queue::{Order, Queue, Task};

/// An executor of a fixed number of threads, named `lsmer-0`, `lsmer-1` and so on.
///
/// The most urgent class goes first; inside a class, the job that has waited longest. A job that
/// panics is dropped and [counted](Self::panics), and its thread goes on: a job that others wait
/// for says so in its `Drop`.
///
/// Dropping the executor drops the jobs that are ready or waiting, and blocks until the running
/// steps are over; dropped by one of its own jobs, it does not block.
#[derive(Debug)]
pub struct ThreadExec {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    queue: Arc<Queue>,
    panics: AtomicU64,
}

impl ThreadExec {
    /// Starts `threads` threads, at least one.
    ///
    /// # Panics
    ///
    /// If the system starts no thread.
    pub fn new(threads: usize) -> Self {
        let shared =
            Arc::new(Shared { queue: Queue::new(Order::Urgency), panics: AtomicU64::new(0) });
        let start = |number| {
            let shared = Arc::clone(&shared);
            let builder = thread::Builder::new().name(format!("lsmer-{number}"));
            builder.spawn(move || shared.work()).expect("the system has a thread to give")
        };
        let threads = (0..threads.max(1)).map(start).collect();
        Self { shared, threads }
    }

    /// Returns how many jobs have panicked.
    pub fn panics(&self) -> u64 {
        self.shared.panics.load(Ordering::SeqCst)
    }
}

impl Exec for ThreadExec {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        self.shared.queue.push(Task { class, job });
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        event.park(seen, timeout)
    }
}

impl Drop for ThreadExec {
    fn drop(&mut self) {
        self.shared.queue.stop();
        let current = thread::current().id();
        if self.threads.iter().any(|handle| handle.thread().id() == current) {
            return; // the others may wait for the step that drops this
        }
        for handle in self.threads.drain(..) {
            handle.join().expect("a worker catches the panics of its jobs");
        }
    }
}

impl Shared {
    fn work(&self) {
        while let Some(task) = self.queue.pop() {
            // A job that panicked is never looked at again, so that it cannot be seen half done.
            let step = AssertUnwindSafe(|| self.step(task));
            if catch_unwind(step).is_err() {
                self.panics.fetch_add(1, Ordering::SeqCst);
            }
        }
    }

    fn step(&self, mut task: Task) {
        let next = task.job.step();
        let goes_on = matches!(next, Next::Yield);
        self.queue.settle(task, next);
        if goes_on && cfg!(not(lsmer_shuttle)) {
            // With more threads than processors a writer would wait for the end of a time slice. A
            // checker of schedules has none, and takes it as a wish to run last.
            thread::yield_now();
        }
    }
}
