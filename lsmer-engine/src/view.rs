//! What a keyspace is made of at one moment: memtables, and the shape of the tree.
//!
//! A [`View`] is swapped whole. Readers pin one first and load `visible` second; what they pinned
//! stays until they let go, files included.

use std::sync::Arc;

use lsmer_core::{Event, Lsn, Memtable, Probe, SeqNo, Slot, TableId, Tree, mutant, twin};
use lsmer_sync::atomic::{AtomicBool, AtomicU64, Ordering, order_in_models};

use crate::{idle::Idle, run_tables::RunTables, tables::Tables};

/// A memtable, with what the engine must know of it.
#[derive(Debug)]
pub(crate) struct Mem {
    pub(crate) table: Arc<dyn Memtable>,
    /// Commits that got a place in the log, and those of them that have inserted.
    begun: AtomicU64,
    ended: AtomicU64,
    /// Whether somebody waits for all of them.
    watched: AtomicBool,
    /// Notified when one of them is done, while it is watched.
    pub(crate) quiet: Arc<Event>,
    /// First and last seqno that was given out for this memtable; 0 for none.
    first: AtomicU64,
    last: AtomicU64,
    /// Start of the first record with an entry for it, and end of the last one.
    first_lsn: AtomicU64,
    lsn: AtomicU64,
}

impl Mem {
    pub(crate) fn new(table: Arc<dyn Memtable>) -> Self {
        Self {
            table,
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            watched: AtomicBool::new(false),
            quiet: Arc::new(Event::new()),
            first: AtomicU64::new(0),
            last: AtomicU64::new(0),
            first_lsn: AtomicU64::new(0),
            lsn: AtomicU64::new(0),
        }
    }

    /// Notes that entries `[first, last]`, logged in `slot`, are about to be inserted. Called
    /// inside the commit's critical section.
    pub(crate) fn begin_write(&self, first: SeqNo, last: SeqNo, slot: Slot) {
        // Only here, one at a time: no need to add atomically.
        self.begun.store(self.begun.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if self.first.load(Ordering::Relaxed) == 0 {
            self.first.store(first.0, Ordering::Relaxed);
            self.first_lsn.store(slot.start.0, Ordering::Relaxed);
        }
        self.last.store(last.0, Ordering::Relaxed);
        self.lsn.store(slot.end.0, Ordering::Release);
    }

    /// Notes that they are in.
    pub(crate) fn end_write(&self) {
        let weak = twin!("insert-ends-relaxed");
        self.ended.fetch_add(1, if weak { Ordering::Relaxed } else { Ordering::SeqCst });
        order_in_models();
        if self.watched.load(Ordering::SeqCst) {
            self.quiet.notify();
        }
    }

    /// Returns, while inserts are under way, the count of `quiet` whose change to wait for.
    /// Meaningful once the memtable is sealed.
    pub(crate) fn busy(&self) -> Option<u64> {
        // Either the last insert sees that it is watched, or this sees that it is over.
        self.watched.store(!twin!("flush-does-not-say-that-it-waits"), Ordering::SeqCst);
        order_in_models();
        let seen = self.quiet.count();
        let is_busy = self.ended.load(Ordering::SeqCst) < self.begun.load(Ordering::Relaxed);
        let seen = if twin!("flush-counts-after-it-looked") { self.quiet.count() } else { seen };
        (is_busy && !twin!("flush-does-not-wait-for-inserts")).then_some(seen)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first() == SeqNo::ZERO
    }

    pub(crate) fn first(&self) -> SeqNo {
        SeqNo(self.first.load(Ordering::Acquire))
    }

    pub(crate) fn last(&self) -> SeqNo {
        SeqNo(self.last.load(Ordering::Acquire))
    }

    pub(crate) fn first_lsn(&self) -> Lsn {
        Lsn(self.first_lsn.load(Ordering::Acquire))
    }

    pub(crate) fn lsn(&self) -> Lsn {
        Lsn(self.lsn.load(Ordering::Acquire))
    }
}

/// The immutable shape of a tree, with a handle for each of its tables.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) tree: Arc<Tree>,
    pub(crate) runs: Vec<RunTables>,
}

impl Version {
    /// Gives each table of a tree its handle: the one it has, or a new one.
    pub(crate) fn new(tree: Arc<Tree>, tables: &Arc<Tables>) -> Self {
        let runs = tree.runs.iter().map(|run| RunTables::new(run, tables)).collect();
        Self { tree, runs }
    }

    /// Returns the same version, which keeps of its tables what is open now.
    pub(crate) fn renewed(&self) -> Self {
        let runs = self.runs.iter().map(RunTables::renewed).collect();
        Self { tree: Arc::clone(&self.tree), runs }
    }

    /// Marks the tables that `next` does not have: their files go with their last holder.
    pub(crate) fn retire(&self, next: &Self) {
        let kept: std::collections::BTreeSet<TableId> =
            next.tree.tables().map(|table| table.id).collect();
        let all = self.runs.iter().flat_map(|run| run.tables.iter());
        for table in all.filter(|table| !kept.contains(&table.meta.id)) {
            table.retire();
        }
    }
}

/// All that a read of one keyspace looks at.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// Takes inserts.
    pub(crate) active: Arc<Mem>,
    /// Waiting to be flushed, newest first.
    pub(crate) sealed: Vec<Arc<Mem>>,
    pub(crate) version: Arc<Version>,
    /// What scans of this view have left.
    pub(crate) idle: Idle,
}

impl View {
    /// Returns the memtables, newest first.
    pub(crate) fn mems(&self) -> impl Iterator<Item = &Arc<Mem>> {
        std::iter::once(&self.active).chain(&self.sealed)
    }

    /// Returns the first seqno that is in no table yet; `None` if all are.
    pub(crate) fn first_unflushed(&self) -> Option<SeqNo> {
        self.mems().filter(|mem| !mem.is_empty()).map(|mem| mem.first()).min()
    }

    /// Looks a key up in the memtables, newest first.
    pub(crate) fn get_in_memory(
        &self,
        probe: &Probe<'_>,
        found: &mut dyn FnMut(lsmer_core::EntryRef<'_>),
    ) -> bool {
        if mutant!("older-memtables-first") {
            return self
                .sealed
                .iter()
                .rev()
                .chain([&self.active])
                .any(|m| m.table.get(probe, found));
        }
        self.mems().any(|mem| mem.table.get(probe, found))
    }
}

/// What an operation may see: a pinned view, and a seqno that was loaded after it.
#[derive(Debug)]
pub(crate) struct Pinned {
    pub(crate) view: Arc<View>,
    pub(crate) seqno: SeqNo,
}
