//! Compaction by hand: everything into one run.

use std::sync::Arc;

use lsmer_core::{
    CompactionJob, JobInput, JobOutput, Place, Result, Target, TreeView, WorkClass, check,
};

use crate::{compact::CompactJob, shared::Shared, space::Space};

impl Shared {
    /// Merges all tables of a keyspace into its oldest run, and returns when that is done.
    pub(crate) fn compact_all(self: &Arc<Self>, space: &Arc<Space>) -> Result<()> {
        self.take_over(space)?;
        let result = self.wait_for_compactions(space).and_then(|()| {
            let started = self.start_full(space);
            if started { self.wait_for_compactions(space) } else { Ok(()) }
        });
        let error = {
            let mut work = space.work.lock();
            work.manual = false;
            work.compaction_error.take()
        };
        self.background.changed.notify();
        self.schedule(space);
        result.and_then(|()| error.map_or(Ok(()), Err))
    }

    /// Waits for whoever else compacts by hand, and keeps the strategy out.
    fn take_over(&self, space: &Space) -> Result<()> {
        loop {
            let seen = self.background.changed.count();
            {
                let mut work = space.work.lock();
                if !work.manual {
                    work.manual = true;
                    return Ok(());
                }
            }
            self.wait_for_background(seen)?;
        }
    }

    fn wait_for_compactions(&self, space: &Space) -> Result<()> {
        loop {
            let seen = self.background.changed.count();
            if space.work.lock().compacting == 0 {
                return Ok(());
            }
            self.wait_for_background(seen)?;
        }
    }

    /// Starts the job; `false` if there is nothing to do.
    fn start_full(self: &Arc<Self>, space: &Arc<Space>) -> bool {
        let mut work = space.work.lock();
        let view = space.view();
        let tree = &view.version.tree;
        let Some(oldest) = tree.runs.last() else { return false };
        let input = |run: &lsmer_core::Run| {
            let tables = run.tables.iter().map(|table| table.id).collect();
            JobInput { run: run.id, tables }
        };
        let deepest = tree.runs.iter().map(|run| run.level).max().unwrap_or(0).max(1);
        let target = if oldest.level == 0 {
            Target::New(Place::After(oldest.id))
        } else {
            Target::Existing(oldest.id)
        };
        let job = CompactionJob {
            inputs: tree.runs.iter().map(input).collect(),
            output: JobOutput { target, level: deepest },
            trivial_move: false,
            table_bytes: space.options.table_bytes,
            reason: "by hand",
        };
        let law = check(TreeView { tree, busy: &work.busy }, &job);
        assert_eq!(law, Ok(()), "merging everything breaks no law");
        work.compacting += 1;
        work.busy.extend(job.inputs.iter().flat_map(|input| &input.tables));
        self.spawn(WorkClass::Compaction, CompactJob::new(self, space, job));
        true
    }
}
