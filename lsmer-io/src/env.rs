//! The worlds a database can live in.

use std::sync::Arc;

use lsmer_core::Env;

use crate::{
    ManualClock, ManualExec, MemVfs, SeededRng, StdVfs, SystemClock, SystemRng, ThreadExec,
};

/// Returns the real world: files on disk, `threads` threads (at least one), the clocks and the
/// randomness of the system.
///
/// The threads stop when the last clone of the `Env` is dropped.
///
/// # Panics
///
/// If the system starts no thread.
pub fn system(threads: usize) -> Env {
    Env {
        vfs: Arc::new(StdVfs),
        clock: Arc::new(SystemClock),
        rng: Arc::new(SystemRng::new()),
        exec: Arc::new(ThreadExec::new(threads)),
    }
}

/// Returns a world with files in memory and real threads, as [`system`] has them.
///
/// # Panics
///
/// If the system starts no thread.
pub fn memory(vfs: MemVfs, threads: usize) -> Env {
    Env { vfs: Arc::new(vfs), ..system(threads) }
}

/// Returns a world in which nothing happens by itself: files in memory, jobs that run inside
/// [`Exec::wait`](lsmer_core::Exec::wait) or when the caller of [`ManualExec::run_one`] says so,
/// and a clock that stands still until it is advanced.
///
/// `seed` decides the random numbers and the order of jobs; with seed 0 jobs run in the order of
/// their urgency.
pub fn manual(vfs: MemVfs, seed: u64) -> (Env, Arc<ManualExec>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new());
    let exec = if seed == 0 { ManualExec::new() } else { ManualExec::seeded(seed) };
    let exec = Arc::new(exec.with_clock(Arc::clone(&clock)));
    let env = Env {
        vfs: Arc::new(vfs),
        clock: Arc::<ManualClock>::clone(&clock),
        rng: Arc::new(SeededRng::new(seed)),
        exec: Arc::<ManualExec>::clone(&exec),
    };
    (env, exec, clock)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lsmer_core::{Event, Waited};

    use super::*;

    #[test]
    fn a_manual_world_repeats_itself_and_its_time_passes_in_waits_only() {
        let (one, _, clock) = manual(MemVfs::new(), 7);
        let (other, ..) = manual(MemVfs::new(), 7);
        assert_eq!(one.rng.next_u64(), other.rng.next_u64());

        assert_eq!(one.clock.now(), Duration::ZERO);
        let second = Duration::from_secs(1);
        assert_eq!(one.exec.wait(&Event::new(), 0, Some(second)), Waited::TimedOut);
        assert_eq!(clock.elapsed(), second);
        assert_eq!(one.exec.wait(&Event::new(), 0, None), Waited::Deadlock);
    }

    #[test]
    fn real_worlds_have_threads() {
        for env in [system(1), memory(MemVfs::new(), 0)] {
            let event = Event::new();
            assert_eq!(env.exec.wait(&event, 0, Some(Duration::ZERO)), Waited::TimedOut);
            event.notify();
            assert_eq!(env.exec.wait(&event, 0, None), Waited::Notified);
        }
    }
}
