//! What all parts of an open database share.

use std::{collections::BTreeMap, sync::Arc};

use lsmer_core::{
    Error, ErrorKind, Event, KeyspaceId, LockGuard, Result, RunId, SeqNo, TableId, Wal,
};
use lsmer_manifest::Manifest;
use lsmer_sync::{
    Mutex, OnceLock, RwLock,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

use crate::{
    Components, Options, counters::Counters, driver::Driver, snapshots::Snapshots, space::Space,
    tables::Tables, visible::Visible,
};

/// An open database. Handles, snapshots, iterators and jobs hold it.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Only this opening has it, in this process: handles of others are told by it.
    pub(crate) number: u64,
    pub(crate) options: Options,
    pub(crate) parts: Components,
    pub(crate) tables: Arc<Tables>,
    pub(crate) driver: Driver,
    /// `None` if opened read-only; likewise the log.
    pub(crate) manifest: Option<Manifest>,
    pub(crate) wal: Option<Arc<dyn Wal>>,
    pub(crate) epoch: u64,
    pub(crate) next_table: AtomicU64,
    pub(crate) next_run: AtomicU64,
    pub(crate) commit: Mutex<CommitState>,
    pub(crate) visible: Visible,
    /// The first seqno of the record that the replay is at: the log is needed from there on. The
    /// largest number once it is over.
    pub(crate) replayed: AtomicU64,
    pub(crate) snapshots: Snapshots,
    pub(crate) spaces: RwLock<BTreeMap<KeyspaceId, Arc<Space>>>,
    /// Held while an edit is committed and the views it changes are replaced: across I/O.
    pub(crate) install: Mutex<()>,
    pub(crate) background: Background,
    /// The first failure after which nothing may be written.
    failure: OnceLock<Error>,
    pub(crate) counters: Counters,
    pub(crate) lock: Mutex<Option<Box<dyn LockGuard>>>,
}

/// What the commit's critical section guards.
#[derive(Debug)]
pub(crate) struct CommitState {
    pub(crate) next_seqno: SeqNo,
    pub(crate) next_ticket: u64,
    /// Bytes given to active memtables since their sum was last counted.
    pub(crate) active_bytes: usize,
}

/// The background work of a database.
#[derive(Debug)]
pub(crate) struct Background {
    pub(crate) jobs: AtomicUsize,
    /// Notified whenever a job ends or the shape of a tree changes.
    pub(crate) changed: Event,
    pub(crate) closing: AtomicBool,
    /// The lock of the files is free, or about to be. Set while `install` is held.
    pub(crate) closed: AtomicBool,
    /// Memtables with entries beyond this are not flushed now: a checkpoint is being taken.
    pub(crate) flush_limit: AtomicU64,
}

impl Default for Background {
    fn default() -> Self {
        Self {
            jobs: AtomicUsize::new(0),
            changed: Event::new(),
            closing: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            flush_limit: AtomicU64::new(u64::MAX),
        }
    }
}

/// What a database is made from, once it is found and recovered.
#[derive(Debug)]
pub(crate) struct Foundation {
    pub(crate) options: Options,
    pub(crate) parts: Components,
    pub(crate) tables: Arc<Tables>,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) wal: Option<Arc<dyn Wal>>,
    pub(crate) state: Arc<lsmer_manifest::ManifestState>,
    pub(crate) last_seqno: SeqNo,
    pub(crate) lock: Option<Box<dyn LockGuard>>,
}

impl Shared {
    pub(crate) fn new(foundation: Foundation, spaces: BTreeMap<KeyspaceId, Arc<Space>>) -> Self {
        let Foundation { options, parts, tables, manifest, wal, state, last_seqno, lock } =
            foundation;
        Self {
            number: lsmer_sync::unique(),
            driver: Driver::new(Arc::clone(&tables)),
            options,
            parts,
            tables,
            manifest,
            wal,
            epoch: state.epoch,
            next_table: AtomicU64::new(state.next_table),
            next_run: AtomicU64::new(state.next_run),
            commit: Mutex::new(CommitState {
                next_seqno: last_seqno.plus(1),
                next_ticket: 0,
                active_bytes: 0,
            }),
            visible: Visible::new(last_seqno),
            replayed: AtomicU64::new(0),
            snapshots: Snapshots::default(),
            spaces: RwLock::new(spaces),
            install: Mutex::default(),
            background: Background::default(),
            failure: OnceLock::new(),
            counters: Counters::default(),
            lock: Mutex::new(lock),
        }
    }

    /// Returns the manifest of a database that may be written.
    pub(crate) fn manifest(&self) -> Result<&Manifest> {
        self.manifest.as_ref().ok_or_else(opened_read_only)
    }

    /// Returns the log of a database that may be written.
    pub(crate) fn wal(&self) -> Result<&Arc<dyn Wal>> {
        self.wal.as_ref().ok_or_else(opened_read_only)
    }

    /// Refuses a write after a failure, after closing, or if opened read-only.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if let Some(cause) = self.failure.get() {
            let what = "the database is read-only since a write or sync failed; reopen it";
            return Err(Error::new(ErrorKind::ReadOnly, what).detail(cause));
        }
        self.check_open()?;
        self.wal().map(|_| ())
    }

    /// Refuses everything once the database is closed.
    pub(crate) fn check_open(&self) -> Result<()> {
        if self.is_closing() {
            return Err(Error::invalid("the database is closed"));
        }
        Ok(())
    }

    /// Notes a failure after which what is on disk is unknown: from here on, only reads.
    pub(crate) fn fail(&self, error: &Error) {
        self.failure.get_or_init(|| error.clone());
        self.background.changed.notify();
    }

    pub(crate) fn failure(&self) -> Option<&Error> {
        self.failure.get()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.background.closing.load(Ordering::Acquire)
    }

    pub(crate) fn new_table(&self) -> TableId {
        let number = self.next_table.fetch_add(1, Ordering::Relaxed);
        TableId { epoch: self.epoch, number }
    }

    pub(crate) fn new_run(&self) -> RunId {
        RunId(self.next_run.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns all keyspaces, by id.
    pub(crate) fn all_spaces(&self) -> Vec<Arc<Space>> {
        self.spaces.read().values().map(Arc::clone).collect()
    }

    pub(crate) fn space(&self, id: KeyspaceId) -> Result<Arc<Space>> {
        let space = self.spaces.read().get(&id).map(Arc::clone);
        space.ok_or_else(|| Error::invalid("no such keyspace, or it was dropped").detail(id.0))
    }

    /// Blocks until something in the background changes after `seen` was counted.
    ///
    /// # Errors
    ///
    /// `Conflict` if an executor knows that nothing ever will.
    pub(crate) fn wait_for_background(&self, seen: u64) -> Result<()> {
        match self.parts.env.exec.wait(&self.background.changed, seen, None) {
            lsmer_core::Waited::Deadlock => {
                Err(Error::new(ErrorKind::Conflict, "background work has come to a standstill"))
            }
            _ => Ok(()),
        }
    }
}

pub(crate) fn opened_read_only() -> Error {
    Error::new(ErrorKind::ReadOnly, "the database was opened read-only")
}
