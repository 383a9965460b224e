//! A file system that watches how it is used: rules that keep a database whole over a power loss,
//! checked while it runs, also where no crash is tried.
//!
//! | rule | what |
//! |---|---|
//! | `LINT-01` | a file is synced before it is renamed to `CURRENT` |
//! | `LINT-02` | so is the newest manifest, and its name |
//! | `LINT-03` | after a failed sync a file is not written or synced, until it is opened anew |
//! | `LINT-04` | a table or segment is removed only when all but the last write to the manifest are synced |
//! | `LINT-05` | segments of the log that were read are synced before the next `CURRENT`, unless a sync has covered all of them |
//! | `LINT-06` | no file is changed while nobody holds a lock |
//! | `LINT-07` | a table is read only when it and its name are durable |
//! | `LINT-08` | every handle is closed: [`LintVfs::handles`] |
//!
//! The last write to a manifest may be a mark, which need not last. `LINT-04` supposes that no
//! other thread is about to sync, and says nothing once a sync of the manifest failed: what goes
//! then may have been let go of before. `LINT-05` supposes that no segment is discarded.

mod file;
mod rules;

use std::{io, panic::Location, path::Path, sync::Arc};

use lsmer_core::{Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, Vfs, VfsFile};
use lsmer_sync::{Mutex, MutexGuard};

use self::{file::LintFile, rules::Rules};

/// A file system that passes everything on, and notes what breaks a rule. A clone is the same.
#[derive(Clone, Debug)]
pub struct LintVfs {
    inner: Arc<dyn Vfs>,
    rules: Arc<Mutex<Rules>>,
}

#[derive(Debug)]
struct Guard {
    vfs: LintVfs,
    _inner: Box<dyn LockGuard>,
}

impl LintVfs {
    /// Watches how a file system is used. What is there already counts as durable.
    pub fn new(inner: Arc<dyn Vfs>) -> Self {
        Self { inner, rules: Arc::default() }
    }

    /// Watches another process that goes on with the same files.
    #[must_use]
    pub fn next_process(&self, inner: Arc<dyn Vfs>) -> Self {
        let rules = self.rules().of_next_process();
        Self { inner, rules: Arc::new(Mutex::new(rules)) }
    }

    /// Returns what broke a rule: the rule, the file, and who called.
    pub fn violations(&self) -> Vec<String> {
        self.rules().violations().to_vec()
    }

    /// Returns how many handles are open.
    pub fn handles(&self) -> usize {
        self.rules().handles
    }

    /// Forgets everything but what broke a rule, as after the death of the process.
    pub fn restart(&self) {
        self.rules().restart();
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock()
    }
}

impl Vfs for LintVfs {
    fn open(&self, path: &Path, how: OpenOptions) -> io::Result<Arc<dyn VfsFile>> {
        let site = Location::caller();
        if how.create_new || how.truncate {
            self.rules().change(path, site);
        }
        let inner = self.inner.open(path, how)?;
        let file = self.rules().open(path, how, site);
        let path = path.to_path_buf();
        Ok(Arc::new(LintFile { vfs: self.clone(), inner, path, file }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rules().rename(from, to, Location::caller());
        self.inner.rename(from, to)?;
        self.rules().renamed(from, to);
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.rules().remove(path, Location::caller());
        self.inner.remove_file(path)?;
        self.rules().forget(path);
        Ok(())
    }

    fn hard_link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.rules().change(from, Location::caller());
        self.inner.hard_link(from, to)?;
        self.rules().link(from, to);
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn read_dir(&self, path: &Path) -> io::Result<Vec<DirEntry>> {
        self.inner.read_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.sync_dir(path)?;
        self.rules().synced_names(path);
        Ok(())
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Box<dyn LockGuard>> {
        let inner = self.inner.lock(path, mode)?;
        self.rules().open(path, OpenOptions::read(FileClass::Lock), Location::caller());
        self.rules().locks += 1;
        Ok(Box::new(Guard { vfs: self.clone(), _inner: inner }))
    }

    fn caps(&self, dir: &Path) -> Caps {
        self.inner.caps(dir)
    }
}

impl LockGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut rules = self.vfs.rules();
        rules.locks -= 1;
        rules.handles -= 1;
    }
}
