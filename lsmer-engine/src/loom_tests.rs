//! Models of the engine under loom: its kernels, and a whole small engine.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod close;
mod commits;
mod flights;
mod removals;
mod views;
mod visible;

use std::{sync::Arc, time::Duration};

use lsmer_core::{Clock, Env, Event, Exec, Job, Next, Waited, WorkClass};
use lsmer_io::{ManualClock, MemVfs, SeededRng};
use lsmer_sync::thread;

use crate::{Components, Engine, Options};

/// Where background work runs.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// At once, on the thread that spawns it.
    Here,
    /// On a thread of its own.
    Beside,
}

impl Exec for Work {
    fn spawn(&self, _class: WorkClass, job: Box<dyn Job>) {
        match self {
            Self::Here => run(job),
            Self::Beside => drop(thread::spawn(|| run(job))),
        }
    }

    fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
        event.park(seen, timeout)
    }
}

fn run(mut job: Box<dyn Job>) {
    loop {
        match job.step() {
            Next::Yield => {}
            Next::Wait { event, seen } => drop(event.park(seen, None)),
            Next::Done => return,
        }
    }
}

/// Makes the parts that ship, with files in memory, but no log.
fn parts(vfs: &MemVfs, work: Work) -> Components {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new());
    let rng = Arc::new(SeededRng::new(1));
    let env = Env { vfs: Arc::new(vfs.clone()), clock, rng, exec: Arc::new(work) };
    Components { wal: lsmer_wal::NoWal::format(), ..Components::shipped(env) }
}

/// Opens a small database that compacts nothing by itself.
fn open(parts: Components) -> Engine {
    let mut options = Options::new("/db");
    options.memory_budget = Options::MIN_MEMORY_BUDGET;
    options.memtable_bytes = 4096;
    options.compaction_jobs = 0;
    Engine::open(options, parts).unwrap()
}
