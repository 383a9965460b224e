//! Closing: no new work, no work under way, the log synced, the manifest told so, the lock free.

use lsmer_core::{Result, mutant, twin};
use lsmer_manifest::Edit;
use lsmer_sync::atomic::Ordering;

use crate::shared::Shared;

impl Shared {
    /// Closes the database; the second call only waits for the first.
    pub(crate) fn close(&self) -> Result<()> {
        if !self.stop() {
            loop {
                let seen = self.background.changed.count();
                if self.background.closed.load(Ordering::Acquire) {
                    return Ok(());
                }
                self.wait_for_background(seen)?;
            }
        }
        let result = self.close_files();
        self.unlock();
        result
    }

    /// Gives up a database that could not be opened. Its jobs hold it, and with it the lock.
    pub(crate) fn abandon(&self) {
        self.stop();
        self.unlock();
    }

    /// Lets others have the files. From here on nothing is committed: a thread that was on its way
    /// when the door was shut may come to it now, and the log and the tables may be another's.
    fn unlock(&self) {
        let installing = (!twin!("closed-beside-an-install")).then(|| self.install.lock());
        self.background.closed.store(true, Ordering::Release);
        drop(self.lock.lock().take());
        drop(installing);
        self.background.changed.notify();
    }

    /// Waits for the work under way, and lets none begin; `false` if that was done before.
    fn stop(&self) -> bool {
        if self.background.closing.swap(true, Ordering::AcqRel) {
            return false;
        }
        // Whoever waits for background work looks again, and sees that the database is closed.
        self.background.changed.notify();
        loop {
            let seen = self.background.changed.count();
            if self.background.jobs.load(Ordering::Acquire) == 0 {
                break;
            }
            let late = twin!("close-counts-after-it-looked");
            let seen = if late { self.background.changed.count() } else { seen };
            if self.wait_for_background(seen).is_err() {
                break;
            }
        }
        self.tables.wait_for_removals();
        true
    }

    fn close_files(&self) -> Result<()> {
        let (Some(wal), Some(manifest)) = (&self.wal, &self.manifest) else { return Ok(()) };
        if let Some(cause) = self.failure() {
            // What is on disk is unknown: recovery decides, and nothing is added here.
            return Err(cause.clone());
        }
        // A commit that began before the door was shut is finished by this lock.
        let tail = {
            let _commit = self.commit.lock();
            wal.stats().tail
        };
        if !mutant!("close-does-not-sync") {
            wal.sync_to(tail)?;
        }
        // Without this, damage in the last synced group could not be told from a torn tail.
        let _installing = self.install.lock();
        let edit = Edit { log_synced: Some(tail), ..Edit::default() };
        let (version, _) = manifest.state();
        manifest.commit(version, &edit)?;
        wal.close();
        manifest.close()
    }
}

#[cfg(all(test, not(lsmer_loom)))]
mod tests;
