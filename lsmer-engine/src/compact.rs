//! Tables to tables, or to nothing: one job of a strategy, carried out.

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::{
    ALL, BlockShelf, CompactionJob, Cursor, Error, ErrorKind, Flushed, JobKind, JobOutput, Result,
    TableId, TableMeta, TreeView, check, mutant,
};
use lsmer_manifest::Edit;
use lsmer_sync::atomic::Ordering;

use crate::{
    driver::Fill,
    job::{Allowance, BackgroundJob, Progress},
    merge::Merge,
    output::Output,
    run_cursor::RunCursor,
    run_tables::{RunTable, RunTables},
    shared::Shared,
    space::Space,
    survive::Survive,
    view::Version,
};

pub(crate) struct CompactJob {
    shared: Arc<Shared>,
    space: Arc<Space>,
    job: CompactionJob,
    /// Somebody waits to hear what became of it.
    by_hand: bool,
    merging: Option<Merging>,
}

struct Merging {
    merge: Merge,
    shelf: BlockShelf,
    survive: Survive,
    output: Output,
    /// The runs older than the output: where a key of the job may still have older versions, but
    /// for the inputs.
    below: Vec<RunTables>,
    inputs: BTreeSet<TableId>,
}

impl CompactJob {
    /// Requires: the inputs are marked busy.
    pub(crate) fn new(shared: &Arc<Shared>, space: &Arc<Space>, job: CompactionJob) -> Self {
        let (shared, space) = (Arc::clone(shared), Arc::clone(space));
        Self { shared, space, job, by_hand: false, merging: None }
    }

    /// Says that somebody waits for the job, and wants to know if it was stopped.
    pub(crate) fn by_hand(self) -> Self {
        Self { by_hand: true, ..self }
    }

    fn begin(&self, to: JobOutput, table_bytes: u64) -> Result<Merging> {
        let view = self.space.view();
        let version = &view.version;
        let mut cursors: Vec<Box<dyn Cursor + Send>> = Vec::new();
        for input in &self.job.inputs {
            let wanted: BTreeSet<TableId> = input.tables.iter().copied().collect();
            let run = version.runs.iter().find(|run| run.id == input.run).ok_or_else(moved)?;
            let tables = run.tables.iter().filter(|table| wanted.contains(&table.meta.id));
            cursors.push(Box::new(RunCursor::new(tables.map(RunTable::again).collect())));
        }
        let mut merge = Merge::new(cursors);
        merge.seek(ALL, false);
        let read = self.job.metas(&version.tree);
        let flushed = read.fold(Flushed::default(), |all, table| all.and(table.flushed));
        let older = to.target.first_older(&version.tree).ok_or_else(moved)?;
        let output = Output::new(&self.shared, &self.space, to.level, table_bytes);
        Ok(Merging {
            merge,
            shelf: BlockShelf::default(),
            survive: Survive::new(self.shared.snapshots.boundaries(&self.shared.visible)),
            output: output.flushed(flushed),
            below: version.runs[older..].to_vec(),
            inputs: self.job.tables().collect(),
        })
    }

    fn move_tables(&self) -> Result<()> {
        let view = self.space.view_owned();
        self.install(self.job.metas(&view.version.tree).map(Arc::clone).collect())?;
        self.shared.counters.moves.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// The files go when their last reader lets go of them.
    fn drop_tables(&self) -> Result<()> {
        let view = self.space.view_owned();
        let bytes: u64 = self.job.metas(&view.version.tree).map(|table| table.file_bytes).sum();
        self.install(Vec::new())?;
        self.shared.counters.drops.fetch_add(1, Ordering::Relaxed);
        self.shared.counters.dropped_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Replaces the inputs by `tables`, if the job is still legal.
    fn install(&self, tables: Vec<Arc<TableMeta>>) -> Result<()> {
        let shared = &self.shared;
        let installing = shared.install.lock();
        let busy = BTreeSet::new();
        let view = self.space.view_owned();
        let legal = check(TreeView::new(&view.version.tree, &busy), &self.job);
        if !mutant!("job-not-checked-again") {
            legal.map_err(|law| {
                shared.counters.stale_jobs.fetch_add(1, Ordering::Relaxed);
                Error::new(ErrorKind::Conflict, "a compaction became illegal").detail(law)
            })?;
        }
        let change = self.job.edit(tables, || shared.new_run());
        let edit = Edit {
            next_table: Some(shared.next_table.load(Ordering::Relaxed)),
            next_run: Some(shared.next_run.load(Ordering::Relaxed)),
            ..Edit::tree(self.space.id, change, None)
        };
        let state = shared.commit_edit(&edit)?;
        let tree = &state.keyspaces.get(&self.space.id).expect("the edit was to it").tree;
        self.space.install(Version::new(Arc::clone(tree), &shared.tables), None);
        drop(installing);
        shared.background.changed.notify();
        Ok(())
    }
}

impl Merging {
    /// Merges some entries; `false` at the end.
    fn merge_some(&mut self, shared: &Shared) -> Result<bool> {
        let Self { merge, shelf, survive, output, below, inputs } = self;
        let mut allowance = Allowance::new();
        while !allowance.is_spent() {
            shared.driver.drive(shelf, Fill::Nothing, |blocks| merge.advance(blocks))?;
            shelf.drop_used();
            let (window, rows) = merge.stretch();
            if rows.is_empty() {
                return Ok(false);
            }
            allowance.spend(window, rows.clone());
            let hides = |run: &RunTables, key: &[u8]| {
                run.covering(key).is_some_and(|table| !inputs.contains(&table.meta.id))
            };
            let hidden = |key: &[u8]| below.iter().any(|run| hides(run, key));
            let bottom = |key: &[u8]| mutant!("compaction-drops-deletes") || !hidden(key);
            survive.sift(window, rows, bottom, |rows| output.add(window, rows))?;
        }
        Ok(true)
    }
}

impl BackgroundJob for CompactJob {
    fn step(&mut self) -> Result<Progress> {
        if self.shared.is_closing() || self.space.is_dropped() {
            return Err(Error::new(ErrorKind::Conflict, "a compaction was stopped"));
        }
        let (output, table_bytes) = match self.job.kind {
            JobKind::Merge { output, table_bytes } => (output, table_bytes),
            JobKind::Move { .. } => return self.move_tables().map(|()| Progress::Done),
            JobKind::Drop => return self.drop_tables().map(|()| Progress::Done),
        };
        let Some(merging) = &mut self.merging else {
            self.merging = Some(self.begin(output, table_bytes)?);
            return Ok(Progress::More);
        };
        if merging.merge_some(&self.shared)? {
            return Ok(Progress::More);
        }
        let mut merging = self.merging.take().expect("matched above");
        let tables = merging.output.finish()?;
        let bytes: u64 = tables.iter().map(|table| table.file_bytes).sum();
        if mutant!("inputs-removed-before-the-manifest") {
            self.job.tables().for_each(|id| self.shared.tables.remove_file(id));
        }
        self.install(tables)?;
        merging.output.keep();
        self.shared.counters.compactions.fetch_add(1, Ordering::Relaxed);
        self.shared.counters.compacted_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(Progress::Done)
    }

    fn finish(&mut self, result: Result<(), Error>) {
        self.merging = None;
        {
            let mut work = self.space.work.lock();
            work.end(&self.job);
            // A conflict is nobody's fault: the next plan sees the tree as it is. And there is
            // nothing to do any more in a keyspace that was dropped.
            let told = self.by_hand && !self.space.is_dropped();
            let matters = |error: &Error| error.kind() != ErrorKind::Conflict || told;
            work.compaction_error = result.err().filter(matters);
            if mutant!("compaction-error-swallowed") {
                work.compaction_error = None;
            }
        }
        self.shared.schedule(&self.space);
    }
}

fn moved() -> Error {
    Error::new(ErrorKind::Conflict, "a compaction's runs are gone")
}
