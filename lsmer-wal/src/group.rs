//! Group commit: one of the threads that wait for a sync does it for all of them.
//!
//! - **G1** There is one leader at a time; only the leader syncs.
//! - **G2** A failure is kept before the leader steps down, so nobody syncs after it: a second
//!   sync may succeed although what the first one lost is still lost.

use std::sync::OnceLock;

use lsmer_core::{Error, ErrorKind, Event, Exec, Lsn, Result, Waited};
use lsmer_sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

/// How far the log is synced, and who is working on it.
#[derive(Debug)]
pub(crate) struct Group {
    /// Whether somebody leads.
    led: Mutex<bool>,
    /// Notified when a leader steps down.
    stepped_down: Event,
    synced: AtomicU64,
    syncs: AtomicU64,
    failed: OnceLock<Error>,
}

/// The right to sync. Dropping it wakes the others.
#[derive(Debug)]
pub(crate) struct Leader<'a>(&'a Group);

impl Group {
    pub(crate) fn new(synced: Lsn) -> Self {
        Self {
            led: Mutex::new(false),
            stepped_down: Event::new(),
            synced: AtomicU64::new(synced.0),
            syncs: AtomicU64::new(0),
            failed: OnceLock::new(),
        }
    }

    /// Returns up to where the log survives a power loss.
    pub(crate) fn synced(&self) -> Lsn {
        Lsn(self.synced.load(Ordering::Acquire))
    }

    /// Returns how often the log was synced.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Refuses everything after a failure.
    ///
    /// # Errors
    ///
    /// `ReadOnly`.
    pub(crate) fn check(&self) -> Result<()> {
        match self.failed.get() {
            None => Ok(()),
            Some(error) => Err(Error::new(
                ErrorKind::ReadOnly,
                "the log could not be written; reopen the database",
            )
            .detail(error)),
        }
    }

    /// Keeps the first failure, and returns this one.
    #[cold]
    pub(crate) fn fail(&self, error: Error) -> Error {
        self.failed.get_or_init(|| error.clone());
        error
    }

    /// Waits until `done` (then there is nothing to lead) or until nobody leads. `done` may take
    /// locks.
    ///
    /// # Errors
    ///
    /// The failure of the leader that was waited for.
    pub(crate) fn lead(
        &self,
        exec: &dyn Exec,
        done: impl Fn() -> bool,
    ) -> Result<Option<Leader<'_>>> {
        loop {
            let seen = self.stepped_down.count();
            if done() {
                return Ok(None);
            }
            let mut led = self.led.lock();
            if !*led {
                *led = true;
                drop(led);
                let leader = Leader(self);
                // Another one may have led, and failed, since the last look.
                return match self.failed.get() {
                    Some(error) => Err(error.clone()),
                    None => Ok((!done()).then_some(leader)),
                };
            }
            drop(led);
            if exec.wait(&self.stepped_down, seen, None) == Waited::Deadlock {
                return Err(Error::new(ErrorKind::Io, "who syncs the log is gone"));
            }
        }
    }
}

impl Leader<'_> {
    /// Announces that everything before `lsn` survives a power loss.
    ///
    /// # Errors
    ///
    /// A failure of somebody else in the meantime.
    pub(crate) fn publish(&self, lsn: Lsn) -> Result<()> {
        if let Some(error) = self.0.failed.get() {
            return Err(error.clone());
        }
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        self.0.synced.fetch_max(lsn.0, Ordering::Release);
        Ok(())
    }
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        *self.0.led.lock() = false;
        self.0.stepped_down.notify();
    }
}
