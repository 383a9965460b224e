//! Memtable to table.
//!
//! Order: inserts in flight are done; the table is durable, its name too; the log is synced
//! through the memtable if another keyspace has older entries in memory; the manifest names the
//! table; the view shows it; the log lets go of its segments.

use std::{sync::Arc, time::Duration};

use lsmer_core::{
    ALL, Arrival, BlockReader, BlockShelf, Cursor, Error, ErrorKind, Flushed, Place, Result,
    SegmentId, SeqNo, Step, TreeEdit, Window, mutant,
};
use lsmer_manifest::Edit;
use lsmer_sync::atomic::Ordering;

use crate::{
    job::{Allowance, BackgroundJob, Progress},
    output::Output,
    shared::Shared,
    space::Space,
    survive::Survive,
    view::{Mem, Version},
};

pub(crate) struct FlushJob {
    shared: Arc<Shared>,
    space: Arc<Space>,
    writing: Option<Writing>,
}

struct Writing {
    began: Duration,
    mem: Arc<Mem>,
    cursor: Box<dyn Cursor + Send>,
    window: Window,
    survive: Survive,
    output: Output,
}

impl FlushJob {
    pub(crate) fn new(shared: &Arc<Shared>, space: &Arc<Space>) -> Self {
        Self { shared: Arc::clone(shared), space: Arc::clone(space), writing: None }
    }

    /// Takes the oldest sealed memtable once nobody inserts into it.
    fn begin(&mut self) -> Result<Progress> {
        let view = self.space.view();
        let newest = mutant!("newest-memtable-flushed-first");
        let oldest = if newest { view.sealed.first() } else { view.sealed.last() };
        let Some(mem) = oldest else { return Ok(Progress::Done) };
        if let Some(seen) = mem.busy() {
            return Ok(Progress::Wait(Arc::clone(&mem.quiet), seen));
        }
        let mut cursor = Arc::clone(&mem.table).cursor();
        let mut shelf = BlockShelf::default();
        let cache = &*self.shared.parts.cache;
        let sought = cursor.seek(ALL, false, &mut BlockReader::new(cache, &mut shelf))?;
        assert_eq!(sought, Step::Done(()), "a memtable has no blocks to miss");
        let boundaries = self.shared.snapshots.boundaries(&self.shared.visible);
        let flushed = Flushed::at(self.shared.parts.env.clock.wall());
        self.writing = Some(Writing {
            began: self.shared.parts.env.clock.now(),
            mem: Arc::clone(mem),
            cursor,
            window: Window::default(),
            survive: Survive::new(boundaries),
            output: Output::new(&self.shared, &self.space, 0, u64::MAX).flushed(flushed),
        });
        Ok(Progress::More)
    }
}

impl Writing {
    /// Writes some windows; `false` at the end of the memtable.
    fn write_some(&mut self, cache: &dyn lsmer_core::BlockCache) -> Result<bool> {
        let mut shelf = BlockShelf::default();
        let mut allowance = Allowance::new();
        while !allowance.is_spent() {
            let mut blocks = BlockReader::new(cache, &mut shelf);
            let stepped = self.cursor.next_window(&mut self.window, &mut blocks)?;
            assert_eq!(stepped, Step::Done(()), "a memtable has no blocks to miss");
            let Self { window, survive, output, .. } = self;
            let rows = window.range();
            if rows.is_empty() {
                return Ok(false);
            }
            allowance.spend(window, rows.clone());
            // Whether older tables hold a deleted key is for compaction to find out.
            let bottom = |_: &[u8]| mutant!("flush-drops-deletes");
            survive.sift(window, rows, bottom, |rows| output.add(window, rows))?;
        }
        Ok(true)
    }
}

impl BackgroundJob for FlushJob {
    fn step(&mut self) -> Result<Progress> {
        let Some(writing) = &mut self.writing else { return self.begin() };
        if writing.write_some(&*self.shared.parts.cache)? {
            return Ok(Progress::More);
        }
        let mut writing = self.writing.take().expect("matched above");
        let tables = writing.output.finish()?;
        let bytes: u64 = tables.iter().map(|table| table.file_bytes).sum();
        let run = self.shared.new_run();
        let behind = mutant!("flushed-run-behind-the-others");
        let place = if behind { Place::Oldest } else { Place::Newest };
        let add = vec![Arrival { run, level: 0, place, tables }];
        let change = TreeEdit { remove: Vec::new(), add };
        let log_first = self.shared.install_flush(&self.space, &writing.mem, change)?;
        writing.output.keep();
        self.shared.counters.flushes.fetch_add(1, Ordering::Relaxed);
        self.shared.counters.flushed_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.wal()?.release(log_first)?;
        let now = self.shared.parts.env.clock.now();
        self.space.flushes.took(now.saturating_sub(writing.began));
        Ok(Progress::Done)
    }

    fn finish(&mut self, result: Result<(), Error>) {
        self.writing = None;
        let failed = result.is_err();
        {
            let mut work = self.space.work.lock();
            work.flushing = false;
            work.flush_error = result.err().filter(|_| !mutant!("flush-error-swallowed"));
            if !failed {
                work.compaction_error = None;
            }
        }
        if !failed {
            self.shared.schedule(&self.space);
            self.shared.bound_log();
        }
    }
}

impl Shared {
    /// Makes a flushed memtable part of the tree; returns the first segment of the log that is
    /// still needed.
    fn install_flush(
        &self,
        space: &Arc<Space>,
        mem: &Arc<Mem>,
        change: TreeEdit,
    ) -> Result<SegmentId> {
        let wal = self.wal()?;
        if self.others_hold_older(space, mem.last()) && !mutant!("table-ahead-of-the-log") {
            wal.sync_to(mem.lsn()).inspect_err(|error| self.fail(error))?;
        }
        // The segment that the manifest will name is synced while commits go on; below it is looked
        // up again, for one that was older may have come to an end.
        let needed = {
            let state = self.commit.lock();
            self.first_needed(Some(mem)).unwrap_or(state.next_seqno)
        };
        wal.oldest(needed);
        let installing = self.install.lock();
        let log_first = {
            // Under the commit lock nobody has a place in the log and none in a memtable yet.
            let state = self.commit.lock();
            let needed = self.first_needed(Some(mem));
            let needed = needed.filter(|_| !mutant!("log-let-go-for-one-keyspace"));
            wal.oldest(needed.unwrap_or(state.next_seqno))
        };
        if mutant!("log-let-go-before-the-manifest") {
            wal.release(log_first)?;
        }
        let beyond = mutant!("watermark-beyond-the-table");
        let flushed = if beyond { self.visible.get() } else { mem.last() };
        let stats = wal.stats();
        let edit = Edit {
            next_table: Some(self.next_table.load(Ordering::Relaxed)),
            next_run: Some(self.next_run.load(Ordering::Relaxed)),
            last_seqno: Some(mem.last()),
            log_first: Some(log_first),
            log_synced: Some(stats.synced),
            ..Edit::tree(space.id, change, Some(flushed))
        };
        let state = self.commit_edit(&edit)?;
        let tree = &state.keyspaces.get(&space.id).expect("the edit was to it").tree;
        space.install(Version::new(Arc::clone(tree), &self.tables), Some(mem));
        drop(installing);
        self.background.changed.notify();
        Ok(log_first)
    }

    /// Commits an edit to the manifest. Requires: `install` is held.
    ///
    /// Refused once the lock is free. A failure that leaves unknown what is on disk turns the database read-only.
    pub(crate) fn commit_edit(&self, edit: &Edit) -> Result<Arc<lsmer_manifest::ManifestState>> {
        if self.background.closed.load(Ordering::Acquire) {
            return Err(Error::invalid("the database is closed"));
        }
        let manifest = self.manifest()?;
        let (version, _) = manifest.state();
        match manifest.commit(version, edit) {
            Ok((_, state)) => Ok(state),
            Err(error) => {
                use ErrorKind::{Conflict, Full, InvalidArgument};
                let unchanged = matches!(error.kind(), Conflict | Full | InvalidArgument);
                if !unchanged && !mutant!("manifest-failure-forgotten") {
                    self.fail(&error);
                }
                Err(error)
            }
        }
    }

    /// Returns the first seqno that is in no table, leaving `flushed` out of account. Requires: the
    /// commit lock is held.
    pub(crate) fn first_needed(&self, flushed: Option<&Arc<Mem>>) -> Option<SeqNo> {
        let first = |space: &Arc<Space>| {
            let view = space.view();
            let mems = view.mems().filter(|mem| !mem.is_empty());
            let kept = mems.filter(|mem| !flushed.is_some_and(|gone| Arc::ptr_eq(mem, gone)));
            kept.map(|mem| mem.first()).min()
        };
        let in_memory = self.spaces.read().values().filter_map(first).min();
        let replayed = self.replayed.load(Ordering::Acquire);
        let in_log = (replayed != u64::MAX).then_some(SeqNo(replayed));
        in_memory.into_iter().chain(in_log).min()
    }

    fn others_hold_older(&self, space: &Space, seqno: SeqNo) -> bool {
        let spaces = self.spaces.read();
        let mut others = spaces.values().filter(|other| other.id != space.id);
        others.any(|other| other.view().first_unflushed().is_some_and(|first| first <= seqno))
    }
}
