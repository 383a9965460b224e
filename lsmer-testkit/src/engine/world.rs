//! A world in which nothing happens by itself: files that can be crashed, one thread, and a clock
//! that is turned by waiting.

use std::{sync::Arc, time::Duration};

use lsmer_core::{Env, Event, Exec, Job, Next, Vfs, Waited, WorkClass};
use lsmer_io::{ManualClock, ManualExec, SeededRng};
use lsmer_sync::atomic::{AtomicUsize, Ordering};

/// Steps of background work after which a run is said to have no end.
const STEPS: usize = 2_000_000;

/// Background work in an order that a seed decides, without threads; knows what is under way.
///
/// It is a [`ManualExec`] that counts.
#[derive(Debug)]
pub struct SimExec {
    inner: ManualExec,
    /// Steps that compactions took.
    compacted: Arc<AtomicUsize>,
    steps: Arc<AtomicUsize>,
}

/// A job whose steps are counted.
struct Counted {
    job: Box<dyn Job>,
    compacted: Option<Arc<AtomicUsize>>,
    steps: Arc<AtomicUsize>,
}

impl SimExec {
    /// Makes one that runs any of the ready jobs next, and turns `clock` while all wait.
    pub fn new(seed: u64, clock: Arc<ManualClock>) -> Self {
        let inner = ManualExec::seeded(seed).with_clock(clock);
        Self { inner, compacted: Arc::default(), steps: Arc::default() }
    }

    /// Decides the order from here on by another seed.
    pub fn reseed(&self, seed: u64) {
        self.inner.reseed(seed);
    }

    /// Runs at most so many steps of jobs.
    ///
    /// # Panics
    ///
    /// If the jobs of the whole run took too many steps to have an end.
    pub fn run(&self, steps: usize) {
        for _ in 0..steps {
            if !self.inner.run_one() {
                return;
            }
        }
    }

    /// Returns how many steps compactions took so far.
    pub fn compacted(&self) -> usize {
        self.compacted.load(Ordering::Relaxed)
    }
}

impl Exec for SimExec {
    fn spawn(&self, class: WorkClass, job: Box<dyn Job>) {
        let compacted = (class == WorkClass::Compaction).then(|| Arc::clone(&self.compacted));
        let steps = Arc::clone(&self.steps);
        self.inner.spawn(class, Box::new(Counted { job, compacted, steps }));
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        self.inner.wait(event, seen, timeout)
    }
}

impl Job for Counted {
    fn step(&mut self) -> Next {
        if let Some(compacted) = &self.compacted {
            compacted.fetch_add(1, Ordering::Relaxed);
        }
        let steps = self.steps.fetch_add(1, Ordering::Relaxed);
        assert!(steps != STEPS, "background work takes more than {STEPS} steps: it has no end");
        if steps > STEPS {
            // Who unwinds closes the database, and must not panic again.
            return Next::Done;
        }
        self.job.step()
    }
}

/// Makes an [`Env`] of these files, and returns it with its executor.
pub fn world(vfs: impl Vfs, seed: u64) -> (Env, Arc<SimExec>) {
    let clock = Arc::new(ManualClock::new());
    let exec = Arc::new(SimExec::new(seed, Arc::clone(&clock)));
    let env = Env {
        vfs: Arc::new(vfs),
        clock,
        rng: Arc::new(SeededRng::new(seed)),
        exec: Arc::<SimExec>::clone(&exec),
    };
    (env, exec)
}
