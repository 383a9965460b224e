//! Jobs that are ready, in the order of their urgency, and jobs that wait for an event.
//!
//! A waiting job stays here, and the event gets only its ticket: a job usually owns the event it
//! waits for, and an event that owned the job in turn would keep both alive for ever.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Weak},
};

use lsmer_core::{Event, Job, Next, Rng, WorkClass};
use lsmer_sync::{Condvar, Mutex};

use crate::SeededRng;

/// A job and how urgent it is.
pub(super) struct Task {
    pub(super) class: WorkClass,
    pub(super) job: Box<dyn Job>,
}

/// Which of the ready jobs is next.
#[derive(Debug)]
pub(super) enum Order {
    /// The most urgent class first, in a class the one that came first.
    Urgency,
    /// Any.
    Random(SeededRng),
}

/// The jobs of an executor, shared with the events they wait for.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: Mutex<Jobs>,
    ready: Condvar,
    order: Order,
}

#[derive(Default)]
struct Jobs {
    /// No empty deques.
    ready: BTreeMap<WorkClass, VecDeque<Box<dyn Job>>>,
    waiting: BTreeMap<u64, Task>,
    next_ticket: u64,
    stopped: bool,
}

impl Queue {
    pub(super) fn new(order: Order) -> Arc<Self> {
        Arc::new(Self { jobs: Mutex::default(), ready: Condvar::new(), order })
    }

    /// Begins the sequence of another seed, where the order is random.
    pub(super) fn reseed(&self, seed: u64) {
        if let Order::Random(rng) = &self.order {
            rng.reseed(seed);
        }
    }

    /// Puts a task behind those of its class; drops it once stopped.
    pub(super) fn push(&self, task: Task) {
        let mut jobs = self.jobs.lock();
        if jobs.stopped {
            drop(jobs); // before the job, which may call back
            return;
        }
        jobs.ready.entry(task.class).or_default().push_back(task.job);
        drop(jobs);
        self.ready.notify_one();
    }

    /// Takes the next task, if there is one.
    pub(super) fn try_pop(&self) -> Option<Task> {
        let mut jobs = self.jobs.lock();
        jobs.pop(&self.order)
    }

    /// Waits for a task; `None` once stopped.
    pub(super) fn pop(&self) -> Option<Task> {
        let mut jobs = self.jobs.lock();
        loop {
            if jobs.stopped {
                return None;
            }
            if let Some(task) = jobs.pop(&self.order) {
                return Some(task);
            }
            jobs = self.ready.wait(jobs);
        }
    }

    /// Does what a task wants after a step.
    pub(super) fn settle(self: &Arc<Self>, task: Task, next: Next) {
        match next {
            Next::Yield => self.push(task),
            Next::Wait { event, seen } => self.wait(task, &event, seen),
            Next::Done => drop(task),
        }
    }

    /// Drops all jobs but the running ones, and ends every [`pop`](Self::pop).
    pub(super) fn stop(&self) {
        let mut jobs = self.jobs.lock();
        jobs.stopped = true;
        let ready = std::mem::take(&mut jobs.ready);
        let waiting = std::mem::take(&mut jobs.waiting);
        drop(jobs);
        self.ready.notify_all();
        drop((ready, waiting)); // without the lock: they may call back
    }

    /// Returns how many jobs are ready, and how many wait for an event.
    pub(super) fn counts(&self) -> (usize, usize) {
        let jobs = self.jobs.lock();
        (jobs.ready.values().map(VecDeque::len).sum(), jobs.waiting.len())
    }

    fn wait(self: &Arc<Self>, task: Task, event: &Event, seen: u64) {
        let mut jobs = self.jobs.lock();
        if jobs.stopped {
            drop(jobs);
            return;
        }
        let ticket = jobs.next_ticket;
        jobs.next_ticket += 1;
        jobs.waiting.insert(ticket, task);
        drop(jobs);
        let queue = Arc::downgrade(self);
        event.on_change(seen, Box::new(move || resume(&queue, ticket)));
    }
}

fn resume(queue: &Weak<Queue>, ticket: u64) {
    let Some(queue) = queue.upgrade() else { return };
    let task = queue.jobs.lock().waiting.remove(&ticket);
    if let Some(task) = task {
        queue.push(task);
    }
}

impl Jobs {
    fn pop(&mut self, order: &Order) -> Option<Task> {
        let (class, at) = match order {
            Order::Urgency => (*self.ready.keys().next()?, 0),
            Order::Random(rng) => self.choose(rng)?,
        };
        let deque = self.ready.get_mut(&class)?;
        let job = deque.remove(at)?;
        if deque.is_empty() {
            self.ready.remove(&class);
        }
        Some(Task { class, job })
    }

    fn choose(&self, rng: &SeededRng) -> Option<(WorkClass, usize)> {
        let count: usize = self.ready.values().map(VecDeque::len).sum();
        if count == 0 {
            return None;
        }
        let chosen = usize::try_from(rng.next_u64() % count as u64).ok()?;
        let all = self.ready.iter().flat_map(|(class, jobs)| (0..jobs.len()).map(|i| (*class, i)));
        all.into_iter().nth(chosen)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ready: usize = self.ready.values().map(VecDeque::len).sum();
        write!(f, "{ready} ready, {} waiting", self.waiting.len())
    }
}
