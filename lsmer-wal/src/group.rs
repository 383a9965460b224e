//! Group commit: one of the threads that wait for a sync does it for all of them.
//!
//! - **G1** There is one leader at a time; only the leader syncs.
//! - **G2** A failure is kept before the leader steps down, so nobody syncs after it: a second
//!   sync may succeed although what the first one lost is still lost.

use lsmer_core::{Error, ErrorKind, Event, Exec, Lsn, Result, Waited, mutant, twin};
use lsmer_sync::{
    Mutex, OnceLock,
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
        if !mutant!("log-forgets-a-failed-sync") {
            self.failed.get_or_init(|| error.clone());
        }
        error
    }

    /// Returns once everything before `lsn` survives a power loss. One of the threads that are here
    /// calls `sync` for all of them: it makes what was written durable, and returns up to where.
    ///
    /// # Errors
    ///
    /// The failure of a sync, for everybody who waited for it; `ReadOnly` afterwards.
    pub(crate) fn sync_to(
        &self,
        exec: &dyn Exec,
        lsn: Lsn,
        sync: impl FnOnce() -> Result<Lsn>,
    ) -> Result<()> {
        self.check()?;
        let done = || self.synced() >= lsn;
        let Some(leader) = self.lead(exec, done)? else { return Ok(()) };
        let synced = sync().and_then(|target| leader.publish(target));
        if twin!("group-failure-kept-late") {
            drop(leader);
            return synced.map_err(|error| self.fail(error));
        }
        synced.map_err(|error| self.fail(error))
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
                    Some(error) if !twin!("group-leads-after-a-failure") => Err(error.clone()),
                    _ => Ok((!done()).then_some(leader)),
                };
            }
            drop(led);
            if exec.wait(&self.stepped_down, seen, None) == Waited::Deadlock {
                return Err(Error::new(ErrorKind::Io, "who syncs the log is gone"));
            }
            if twin!("group-any-sync-will-do") {
                return Ok(None);
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
        if twin!("group-steps-down-unheard") {
            self.0.stepped_down.notify();
            *self.0.led.lock() = false;
            return;
        }
        *self.0.led.lock() = false;
        self.0.stepped_down.notify();
    }
}

#[cfg(all(test, lsmer_loom))]
mod loom_tests {
    //! Two threads that write and wait for a sync.

    use std::{sync::Arc, time::Duration};

    use lsmer_core::{Job, WorkClass, models::Model};
    use lsmer_sync::thread;

    use super::*;

    #[derive(Debug)]
    struct Parks;

    impl Exec for Parks {
        fn spawn(&self, _class: WorkClass, _job: Box<dyn Job>) {}

        fn wait(&self, event: &Event, seen: u64, timeout: Option<Duration>) -> Waited {
            event.park(seen, timeout)
        }
    }

    /// A group, what was written, and what is durable.
    struct Log {
        group: Group,
        written: AtomicU64,
        durable: AtomicU64,
        /// Syncs that fail, and lose what they were to make durable.
        failing: AtomicU64,
    }

    impl Log {
        fn new(failing: u64) -> Arc<Self> {
            let (written, durable) = (AtomicU64::new(0), AtomicU64::new(0));
            let failing = AtomicU64::new(failing);
            Arc::new(Self { group: Group::new(Lsn(0)), written, durable, failing })
        }

        /// Writes, and waits until that is durable.
        fn write(&self) -> Result<()> {
            let mine = self.written.fetch_add(1, Ordering::AcqRel) + 1;
            let result = self.group.sync_to(&Parks, Lsn(mine), || {
                let target = self.written.load(Ordering::Acquire);
                if self.failing.load(Ordering::Relaxed) > 0 {
                    self.failing.fetch_sub(1, Ordering::Relaxed);
                    return Err(Error::new(ErrorKind::Io, "on purpose"));
                }
                assert!(self.group.failed.get().is_none(), "nobody syncs after a failure");
                self.durable.fetch_max(target, Ordering::Relaxed);
                Ok(Lsn(target))
            });
            let durable = self.durable.load(Ordering::Relaxed);
            assert!(result.is_err() || durable >= mine, "acknowledged, and not durable");
            result
        }
    }

    #[test]
    fn a_write_is_acknowledged_by_a_sync_that_covers_it() {
        let model = Model::exhaustive("group-sync");
        model.twin("group-any-sync-will-do").twin("group-steps-down-unheard").check(|| {
            let log = Log::new(0);
            let other = Arc::clone(&log);
            let follower = thread::spawn(move || other.write().unwrap());
            log.write().unwrap();
            follower.join().unwrap();
            assert_eq!(log.group.synced(), Lsn(2));
        });
    }

    #[test]
    fn a_failed_sync_reaches_all_who_wait_and_no_sync_follows() {
        let model = Model::exhaustive("group-failure");
        model.twin("group-failure-kept-late").twin("group-leads-after-a-failure").check(|| {
            let log = Log::new(1);
            let other = Arc::clone(&log);
            let follower = thread::spawn(move || other.write().is_err());
            let mine = log.write().is_err();
            assert!(mine && follower.join().unwrap(), "the first sync failed");
            assert!(log.group.check().is_err());
        });
    }
}
