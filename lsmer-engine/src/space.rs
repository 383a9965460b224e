//! One keyspace, as the engine holds it: its view, and the work under way on it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use lsmer_core::{
    CompactionJob, Error, KeyspaceId, KeyspaceOptions, MemtableFactory, MemtableSpec, Result,
    SeqNo, TableId, Tree, TreeView, mutant, twin,
};
use lsmer_sync::{
    ArcSwap, Mutex, SwapGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{
    Components, Options,
    idle::Idle,
    pace::Flushes,
    view::{Mem, Version, View},
};

/// Most memtables of a keyspace that wait to be flushed: beyond, writers stop.
pub(crate) const MAX_SEALED: usize = 3;

#[derive(Debug)]
pub(crate) struct Space {
    pub(crate) id: KeyspaceId,
    pub(crate) name: Arc<str>,
    pub(crate) options: KeyspaceOptions,
    view: ArcSwap<View>,
    /// Held while the view is replaced; never across I/O.
    swap: Mutex<()>,
    dropped: AtomicBool,
    pub(crate) work: Mutex<Work>,
    /// Runs of level 0: what pacing looks at.
    level0_runs: AtomicUsize,
    /// Memtables that wait for a flush: likewise.
    sealed: AtomicUsize,
    /// Bytes that were written while there were too many of either.
    pub(crate) paced_bytes: AtomicUsize,
    pub(crate) flushes: Flushes,
}

/// The background work on a keyspace.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) flushing: bool,
    /// The compactions under way.
    pub(crate) compacting: Vec<CompactionJob>,
    /// Tables that they take.
    pub(crate) busy: BTreeSet<TableId>,
    /// Why the last flush failed; nobody has heard of it yet.
    pub(crate) flush_error: Option<Error>,
    /// Why the last compaction failed; none is planned until the tree changes.
    pub(crate) compaction_error: Option<Error>,
    /// A caller compacts by hand: no plan is made meanwhile.
    pub(crate) manual: bool,
    /// The last seqno when the strategy was asked, and since when it has been that.
    last_write: Option<(SeqNo, Duration)>,
}

impl Work {
    /// Returns what a strategy sees of a tree.
    pub(crate) fn view<'a>(&'a self, tree: &'a Tree) -> TreeView<'a> {
        TreeView::new(tree, &self.busy).with_running(&self.compacting)
    }

    /// Returns for how long nothing was written, as far as those who asked have seen.
    pub(crate) fn quiet_for(&mut self, visible: SeqNo, now: Duration) -> Duration {
        match self.last_write {
            Some((seen, since)) if seen == visible => now.saturating_sub(since),
            _ => {
                self.last_write = Some((visible, now));
                Duration::ZERO
            }
        }
    }

    /// Notes that a job is under way.
    pub(crate) fn begin(&mut self, job: &CompactionJob) {
        self.busy.extend(job.tables());
        self.compacting.push(job.clone());
    }

    /// Notes that it is over. No other one has the same tables.
    pub(crate) fn end(&mut self, job: &CompactionJob) {
        self.compacting.retain(|running| running.inputs != job.inputs);
        for table in job.tables() {
            self.busy.remove(&table);
        }
    }
}

impl Space {
    pub(crate) fn new(
        id: KeyspaceId,
        name: Arc<str>,
        options: KeyspaceOptions,
        view: View,
    ) -> Arc<Self> {
        let space = Self {
            id,
            name,
            options,
            view: ArcSwap::from_pointee(view),
            swap: Mutex::default(),
            dropped: AtomicBool::new(false),
            work: Mutex::default(),
            level0_runs: AtomicUsize::new(0),
            sealed: AtomicUsize::new(0),
            paced_bytes: AtomicUsize::new(0),
            flushes: Flushes::default(),
        };
        space.count();
        Arc::new(space)
    }

    /// Pins the view. Readers load `visible` after this, never before.
    pub(crate) fn view(&self) -> SwapGuard<Arc<View>> {
        self.view.load()
    }

    /// Pins the view for long.
    pub(crate) fn view_owned(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// Replaces the view by a changed copy.
    pub(crate) fn change_view(&self, change: impl FnOnce(&mut View)) {
        let _swapping = self.swap.lock();
        let mut view = View::clone(&self.view.load());
        change(&mut view);
        self.view.store(Arc::new(view));
        self.count();
    }

    /// Installs a new version, and lets go of a memtable that is now in it.
    pub(crate) fn install(&self, version: Version, flushed: Option<&Arc<Mem>>) {
        let version = Arc::new(version);
        let before = Arc::clone(&self.view().version);
        before.retire(&version);
        if twin!("memtable-let-go-before-its-table") {
            self.change_view(|view| {
                view.sealed.retain(|mem| flushed.is_none_or(|it| !Arc::ptr_eq(mem, it)));
            });
        }
        self.change_view(|view| {
            view.version = version;
            if let Some(flushed) = flushed {
                let all = mutant!("flush-lets-all-memtables-go");
                view.sealed.retain(|mem| !all && !Arc::ptr_eq(mem, flushed));
            }
        });
    }

    /// Lets go of tables that were closed since the version was made.
    pub(crate) fn renew_version(&self) {
        self.change_view(|view| view.version = Arc::new(view.version.renewed()));
    }

    /// Forgets why an earlier flush failed: the disk may have room again, and whoever waits for a
    /// flush from now on is told how that one goes.
    pub(crate) fn forget_flush_error(&self) {
        self.work.lock().flush_error = None;
    }

    pub(crate) fn level0_runs(&self) -> usize {
        self.level0_runs.load(Ordering::Relaxed)
    }

    pub(crate) fn sealed(&self) -> usize {
        self.sealed.load(Ordering::Relaxed)
    }

    fn count(&self) {
        let view = self.view.load();
        let runs = view.version.tree.runs.iter().filter(|run| run.level == 0).count();
        self.level0_runs.store(runs, Ordering::Relaxed);
        self.sealed.store(view.sealed.len(), Ordering::Relaxed);
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped.load(Ordering::Acquire)
    }

    /// Refuses a write once the keyspace is dropped.
    pub(crate) fn check_alive(&self) -> Result<()> {
        if self.is_dropped() {
            return Err(Error::invalid("the keyspace was dropped").detail(&self.name));
        }
        Ok(())
    }

    /// Refuses commits and background work from here on, or takes that back.
    pub(crate) fn set_dropped(&self, dropped: bool) {
        self.dropped.store(dropped, Ordering::Release);
    }
}

/// Makes an empty memtable of at least `bytes` bytes.
pub(crate) fn new_mem(factory: &dyn MemtableFactory, bytes: usize) -> Arc<Mem> {
    Arc::new(Mem::new(factory.create(&MemtableSpec { bytes })))
}

/// Makes what a keyspace without an entry in memory shows.
pub(crate) fn new_view(options: &Options, parts: &Components, version: Version) -> View {
    let active = new_mem(&*parts.memtable, options.memtable_bytes());
    View { active, sealed: Vec::new(), version: Arc::new(version), idle: Idle::default() }
}
