//! The seam for background work, and the only way the engine waits.
//!
//! Work is *jobs with steps*: a step does a little (a block, a write) and yields, so that a flush
//! never waits behind a big merge. The engine blocks in one place only, [`Exec::wait`]: threads
//! park there, and a simulator runs other jobs there until the event fires.

use std::{fmt, sync::Arc, time::Duration};

use lsmer_sync::{
    Condvar, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use crate::twin;

/// What background work is for, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum WorkClass {
    /// Memtable to table: writers may be waiting for it.
    Flush,
    /// Preparing the log's next segment.
    Log,
    /// Tables to tables.
    Compaction,
    /// Everything that can wait: removing files, scrubbing.
    Maintenance,
}

/// What a job wants after a step.
#[derive(Debug)]
pub enum Next {
    /// To go on, after more urgent work.
    Yield,
    /// To go on once the event's count is no longer `seen`.
    Wait {
        /// The event.
        event: Arc<Event>,
        /// What [`Event::count`] was when the job decided to wait.
        seen: u64,
    },
    /// Nothing: it is finished and is dropped.
    Done,
}

/// Background work in steps.
pub trait Job: Send {
    /// Does a little. Errors are the job's own affair: it reports them to whoever spawned it.
    fn step(&mut self) -> Next;
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The event was notified, or had been already.
    Notified,
    /// The time was over.
    TimedOut,
    /// Nothing can ever notify the event: only a simulator can tell.
    Deadlock,
}

/// Runs background work.
///
/// # Obligations
///
/// - `EXEC-01` A spawned job is stepped, by one thread at a time, until it is done.
/// - `EXEC-02` Between two steps of a job, more urgent jobs get their turn.
/// - `EXEC-03` A job that waits is stepped again after the event was notified, also if that was
///   before the job's step was over, and not earlier.
/// - `EXEC-04` [`wait`](Self::wait) says `Notified` if the event's count is no longer `seen`, also
///   if it was not when it was called; `TimedOut` only if it was given a time.
/// - `EXEC-05` Dropping the executor drops its jobs, also those that wait, and none of them is
///   stepped when the drop is over; if one of its own jobs drops it, the running steps go on.
pub trait Exec: Send + Sync + fmt::Debug {
    /// Takes a job on. Does not block.
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>);

    /// Blocks until the event's count is no longer `seen`, or the time is over.
    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited;
}

/// Something that happens again and again: an event count.
///
/// Whoever waits reads [`count`](Self::count), checks its condition, and if it does not hold waits
/// for the count to change; a notification in between is not lost.
#[derive(Debug, Default)]
pub struct Event {
    count: AtomicU64,
    /// Threads and jobs that may be waiting.
    waiters: AtomicUsize,
    parked: Mutex<Parked>,
    wake: Condvar,
}

#[derive(Default)]
struct Parked {
    jobs: Vec<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for Parked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs", self.jobs.len())
    }
}

impl Event {
    /// Makes an event that has not happened yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how often it has happened.
    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Makes it happen. Costs one atomic addition while nobody waits.
    pub fn notify(&self) {
        if twin!("event-looks-before-it-counts") && self.waiters.load(Ordering::SeqCst) == 0 {
            self.count.fetch_add(1, Ordering::SeqCst);
            return;
        }
        self.count.fetch_add(1, Ordering::SeqCst);
        order_in_models();
        if self.waiters.load(Ordering::SeqCst) == 0 {
            return;
        }
        let jobs = std::mem::take(&mut self.parked.lock().jobs);
        self.wake.notify_all();
        self.waiters.fetch_sub(jobs.len(), Ordering::SeqCst);
        for resume in jobs {
            resume();
        }
    }

    /// Parks the calling thread until the count is no longer `seen`, or `timeout` is over: what
    /// an [`Exec`] of threads does to wait. May return early when given a timeout.
    pub fn park(&self, seen: u64, timeout: Option<Duration>) -> Waited {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        order_in_models();
        let mut parked = self.parked.lock();
        let mut waited = Waited::Notified;
        while self.count() == seen {
            match timeout {
                None => parked = self.wake.wait(parked),
                Some(timeout) => {
                    parked = self.wake.wait_timeout(parked, timeout);
                    if self.count() == seen {
                        waited = Waited::TimedOut;
                    }
                    break;
                }
            }
        }
        drop(parked);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        waited
    }

    /// Calls `resume` once the count is no longer `seen`; at once if it is not now. How an
    /// [`Exec`] puts a waiting job back in its queue.
    pub fn on_change(&self, seen: u64, resume: Box<dyn FnOnce() + Send>) {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        order_in_models();
        let mut parked = self.parked.lock();
        if self.count() == seen || twin!("event-does-not-look-again") {
            parked.jobs.push(resume);
            return;
        }
        drop(parked);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        resume();
    }
}

/// Without it loom would see lost notifications that cannot be.
fn order_in_models() {
    if !twin!("event-without-fences") {
        lsmer_sync::atomic::order_in_models();
    }
}

#[cfg(all(test, not(any(lsmer_loom, lsmer_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn a_notification_before_the_wait_is_not_lost() {
        let event = Event::new();
        let seen = event.count();
        event.notify();
        assert_eq!(event.park(seen, None), Waited::Notified);
        assert_eq!(event.park(event.count(), Some(Duration::ZERO)), Waited::TimedOut);
    }

    #[test]
    fn a_waiting_job_is_resumed_once() {
        let event = Event::new();
        let resumed = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 {
            let resumed = Arc::clone(&resumed);
            let resume = move || {
                resumed.fetch_add(1, Ordering::SeqCst);
            };
            event.on_change(0, Box::new(resume));
            event.notify();
            event.notify();
        }
        assert_eq!(resumed.load(Ordering::SeqCst), 2, "the second found the count changed");
    }
}

#[cfg(all(test, lsmer_loom))]
mod loom_tests {
    use lsmer_sync::thread;

    use super::*;
    use crate::models::Model;

    #[test]
    fn a_notification_is_not_lost() {
        let model = Model::exhaustive("event-park");
        model.twin("event-looks-before-it-counts").twin("event-without-fences").check(|| {
            let shared = Arc::new((Event::new(), AtomicU64::new(0)));
            let other = Arc::clone(&shared);
            let notifier = thread::spawn(move || {
                other.1.store(1, Ordering::Release);
                other.0.notify();
            });
            let (event, done) = &*shared;
            loop {
                let seen = event.count();
                if done.load(Ordering::Acquire) == 1 {
                    break;
                }
                assert_eq!(event.park(seen, None), Waited::Notified);
            }
            notifier.join().unwrap();
        });
    }

    #[test]
    fn two_who_wait_are_both_told() {
        let model = Model::bounded("event-two-wait", 2);
        model.twin("event-looks-before-it-counts").twin("event-without-fences").check(|| {
            let event = Arc::new(Event::new());
            let wait = |event: Arc<Event>| move || event.park(0, None);
            let first = thread::spawn(wait(Arc::clone(&event)));
            let second = thread::spawn(wait(Arc::clone(&event)));
            event.notify();
            first.join().unwrap();
            second.join().unwrap();
        });
    }

    #[test]
    fn a_waiting_job_is_resumed_exactly_once() {
        let model = Model::exhaustive("event-job");
        model.twin("event-looks-before-it-counts").twin("event-does-not-look-again").check(|| {
            let event = Arc::new(Event::new());
            let resumed = Arc::new(AtomicU64::new(0));
            let other = Arc::clone(&event);
            let notifier = thread::spawn(move || other.notify());
            let count = Arc::clone(&resumed);
            let resume = move || {
                count.fetch_add(1, Ordering::Relaxed);
            };
            event.on_change(0, Box::new(resume));
            notifier.join().unwrap();
            assert_eq!(resumed.load(Ordering::Relaxed), 1);
            assert_eq!(event.waiters.load(Ordering::Relaxed), 0, "and is waited for no more");
        });
    }
}
