//! Open tables by id.
//!
//! A table is opened on first use and closed again when too many are open or their indexes and
//! filters take too much memory, oldest first; who uses it meanwhile goes on. A handle lives as long as a version or a reader
//! holds it; the file of a retired table is removed when its last holder lets go.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Deref,
    path::PathBuf,
    sync::{Arc, Weak},
};

use lsmer_core::{
    BlockReader, Error, Event, FileClass, Job, Next, OpenOptions, Result, Step, Table, TableFormat,
    TableId, TableMeta, VfsFile, Waited, WorkClass, mutant, twin,
};
use lsmer_sync::{
    ArcSwapOption, Mutex, SwapGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::Components;

/// Most table files open at the same time.
const MAX_OPEN: usize = 500;

/// All tables of a database that somebody holds.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) dir: PathBuf,
    pub(crate) parts: Components,
    live: Mutex<BTreeMap<TableId, Weak<TableHandle>>>,
    open: Mutex<VecDeque<Weak<TableHandle>>>,
    /// Memory of open indexes and filters, in bytes, and how much it may be.
    index_bytes: AtomicUsize,
    index_limit: usize,
    /// Memory of tables that were closed, and that versions may still keep.
    closed_bytes: AtomicUsize,
    read_only: bool,
    /// Files that are being removed in the background, and what tells of the end of each.
    removing: AtomicUsize,
    removed: Event,
}

/// One table: its metadata, and its file and index while they are open.
#[derive(Debug)]
pub(crate) struct TableHandle {
    pub(crate) meta: Arc<TableMeta>,
    /// What reads it; `None` if no format here does.
    format: Option<Arc<dyn TableFormat>>,
    tables: Weak<Tables>,
    file: ArcSwapOption<OpenFile>,
    table: Mutex<Option<Arc<dyn Table>>>,
    retired: AtomicBool,
}

#[derive(Debug)]
struct OpenFile(Arc<dyn VfsFile>);

/// Keeps an open file from being dropped, at less cost than a count: closing it meanwhile only
/// keeps others from finding it.
#[derive(Debug)]
pub(crate) struct FileGuard(SwapGuard<Option<Arc<OpenFile>>>);

impl Deref for FileGuard {
    type Target = dyn VfsFile;

    fn deref(&self) -> &Self::Target {
        &*self.0.as_ref().expect("made of an open file").0
    }
}

impl Tables {
    pub(crate) fn new(
        dir: PathBuf,
        parts: Components,
        index_limit: usize,
        read_only: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            dir,
            parts,
            live: Mutex::default(),
            open: Mutex::default(),
            index_bytes: AtomicUsize::new(0),
            index_limit,
            closed_bytes: AtomicUsize::new(0),
            read_only,
            removing: AtomicUsize::new(0),
            removed: Event::new(),
        })
    }

    /// Blocks until the files of all tables that nobody holds are gone.
    pub(crate) fn wait_for_removals(&self) {
        loop {
            let seen = self.removed.count();
            if self.removing.load(Ordering::Acquire) == 0
                || self.parts.env.exec.wait(&self.removed, seen, None) == Waited::Deadlock
            {
                return;
            }
        }
    }

    /// Returns the handle of a table, making it if nobody holds one.
    pub(crate) fn handle(self: &Arc<Self>, meta: &Arc<TableMeta>) -> Arc<TableHandle> {
        let mut live = self.live.lock();
        if let Some(handle) = live.get(&meta.id).and_then(Weak::upgrade)
            && handle.meta == *meta
        {
            return handle;
        }
        let handle = Arc::new(TableHandle {
            meta: Arc::clone(meta),
            format: self.parts.format(&meta.format).map(Arc::clone),
            tables: Arc::downgrade(self),
            file: ArcSwapOption::empty(),
            table: Mutex::default(),
            retired: AtomicBool::new(false),
        });
        live.insert(meta.id, Arc::downgrade(&handle));
        handle
    }

    /// Returns the handle of a table that somebody holds.
    pub(crate) fn find(&self, id: TableId) -> Option<Arc<TableHandle>> {
        self.live.lock().get(&id).and_then(Weak::upgrade)
    }

    /// Returns the memory of open indexes and filters, in bytes, and of those that were closed
    /// and not yet let go of.
    pub(crate) fn index_bytes(&self) -> usize {
        self.index_bytes.load(Ordering::Relaxed) + self.closed_bytes.load(Ordering::Relaxed)
    }

    /// Returns whether versions may keep so much of closed tables that they should be renewed,
    /// and counts that anew.
    pub(crate) fn take_excess(&self) -> bool {
        let excess = self.closed_bytes.load(Ordering::Relaxed) > self.index_limit / 8;
        excess && self.closed_bytes.swap(0, Ordering::Relaxed) > 0
    }

    /// Returns how many tables have an open file.
    pub(crate) fn open_count(&self) -> usize {
        self.open.lock().len()
    }

    pub(crate) fn path(&self, id: TableId) -> PathBuf {
        self.dir.join(id.file_name())
    }

    /// Removes the file of a table that no manifest names.
    pub(crate) fn remove_file(&self, id: TableId) {
        // If it fails, the next open finds an orphan and removes it.
        drop(self.parts.env.vfs.remove_file(&self.path(id)));
    }

    /// Queues an opened file, and closes others if there are too many.
    fn admit(&self, handle: &Arc<TableHandle>) {
        self.open.lock().push_back(Arc::downgrade(handle));
        self.trim();
    }

    /// Closes the oldest tables while too many are open, or while they take too much memory.
    fn trim(&self) {
        // What is closed stays for a while: see `take_excess`.
        let most = self.index_limit - self.index_limit / 8;
        let mut open = self.open.lock();
        let is_large = || self.index_bytes.load(Ordering::Relaxed) > most;
        while open.len() > MAX_OPEN || (open.len() > 1 && is_large()) {
            let Some(oldest) = open.pop_front() else { break };
            if let Some(oldest) = oldest.upgrade() {
                self.closed_bytes.fetch_add(oldest.close(self), Ordering::Relaxed);
            }
        }
    }
}

impl TableHandle {
    /// Returns the open table; on a miss its index or its filter has to be fetched first.
    pub(crate) fn open(
        self: &Arc<Self>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>> {
        match self.opened() {
            Some(table) => Ok(Step::Done(table)),
            None => self.open_now(blocks),
        }
    }

    /// Returns the table if it is open.
    pub(crate) fn opened(&self) -> Option<Arc<dyn Table>> {
        self.table.lock().clone()
    }

    #[cold]
    fn open_now(self: &Arc<Self>, blocks: &mut BlockReader<'_>) -> Result<Step<Arc<dyn Table>>> {
        let tables = self.tables.upgrade().expect("the database outlives its readers");
        let parts = &tables.parts;
        let opened = self.format()?.open(&self.meta, &parts.filter, blocks);
        let Step::Done(table) = opened.map_err(|error| error.in_file(tables.path(self.meta.id)))?
        else {
            return Ok(Step::Miss);
        };
        // Somebody else may have opened it meanwhile.
        let open = Arc::clone(self.table.lock().get_or_insert_with(|| {
            tables.index_bytes.fetch_add(table.bytes(), Ordering::Relaxed);
            table
        }));
        tables.trim();
        Ok(Step::Done(open))
    }

    /// Returns what reads the table.
    ///
    /// # Errors
    ///
    /// `Unsupported` if it was written by a format that is not here.
    pub(crate) fn format(&self) -> Result<&dyn TableFormat> {
        self.format.as_deref().ok_or_else(|| unknown_format(&self.meta))
    }

    /// Returns the file, opening it if needed. Blocks on I/O then: only the driver calls it.
    pub(crate) fn file(self: &Arc<Self>) -> Result<FileGuard> {
        let open = self.file.load();
        if open.is_some() { Ok(FileGuard(open)) } else { self.open_file() }
    }

    #[cold]
    fn open_file(self: &Arc<Self>) -> Result<FileGuard> {
        let tables = self.tables.upgrade().expect("the database outlives its readers");
        let path = tables.path(self.meta.id);
        let file = tables.parts.env.vfs.open(&path, OpenOptions::read(FileClass::Table));
        let file = file.map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::corruption("a table is missing").in_file(&path),
            _ => Error::io("cannot open a table", source).in_file(&path),
        })?;
        let open = Some(Arc::new(OpenFile(file)));
        if self.file.swap(open.clone()).is_none() {
            tables.admit(self);
        }
        Ok(FileGuard(SwapGuard::from_inner(open)))
    }

    /// Says that no version after this one has the table.
    pub(crate) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        if mutant!("table-removed-under-a-reader") || twin!("table-removed-at-its-retirement") {
            self.tables.upgrade().iter().for_each(|tables| tables.remove_file(self.meta.id));
        }
    }

    /// Returns the memory that the table took, and takes as long as somebody uses it.
    fn close(&self, tables: &Tables) -> usize {
        self.file.store(None);
        let bytes = self.table.lock().take().map_or(0, |table| table.bytes());
        tables.index_bytes.fetch_sub(bytes, Ordering::Relaxed);
        bytes
    }
}

impl Drop for TableHandle {
    fn drop(&mut self) {
        let Some(tables) = self.tables.upgrade() else { return };
        self.close(&tables);
        // An exchange reads the last value also where the order that `Arc` makes is not seen.
        if !self.retired.swap(false, Ordering::AcqRel) || tables.read_only {
            return;
        }
        // The bytes of this table leave the disk behind the back of whoever dropped it last.
        let exec = Arc::clone(&tables.parts.env.exec);
        if !twin!("removal-not-counted-in-time") {
            tables.removing.fetch_add(1, Ordering::AcqRel);
        }
        exec.spawn(WorkClass::Maintenance, Box::new(Remove { tables, id: self.meta.id }));
    }
}

/// Removes the file of a table that nobody holds and no manifest names.
struct Remove {
    tables: Arc<Tables>,
    id: TableId,
}

impl Job for Remove {
    fn step(&mut self) -> Next {
        if twin!("removal-not-counted-in-time") {
            self.tables.removing.fetch_add(1, Ordering::AcqRel);
        }
        self.tables.live.lock().remove(&self.id);
        self.tables.parts.cache.remove_table(self.id);
        if !mutant!("old-tables-stay") {
            self.tables.remove_file(self.id);
        }
        Next::Done
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        self.tables.removing.fetch_sub(1, Ordering::AcqRel);
        self.tables.removed.notify();
    }
}

#[cold]
fn unknown_format(meta: &TableMeta) -> Error {
    let what = "a table was written by a table format that this composition does not have";
    Error::new(lsmer_core::ErrorKind::Unsupported, what).detail(&meta.format)
}
