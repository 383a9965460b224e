//! Compaction by hand: all tables that touch a range, into one run.

use std::sync::Arc;

use lsmer_core::{
    CompactionJob, JobInput, JobOutput, KeyRange, Place, Result, Run, TableMeta, Target, Tree,
    WorkClass, after_range, before_range, check,
};

use crate::{compact::CompactJob, shared::Shared, space::Space};

impl Shared {
    /// Merges the tables of a keyspace that touch a range, and returns when that is done.
    pub(crate) fn compact_range(
        self: &Arc<Self>,
        space: &Arc<Space>,
        range: KeyRange<'_>,
    ) -> Result<()> {
        self.take_over(space)?;
        let result = self.wait_for_compactions(space).and_then(|()| {
            let started = self.start_by_hand(space, range);
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
            if space.work.lock().compacting.is_empty() {
                return Ok(());
            }
            self.wait_for_background(seen)?;
        }
    }

    /// Starts the job; `false` if there is nothing to do.
    fn start_by_hand(self: &Arc<Self>, space: &Arc<Space>, range: KeyRange<'_>) -> bool {
        let mut work = space.work.lock();
        let view = space.view();
        let tree = &view.version.tree;
        let Some(job) = job_by_hand(tree, range, space.options.table_bytes) else { return false };
        let law = check(work.view(tree), &job);
        assert_eq!(law, Ok(()), "merging all that overlaps breaks no law");
        work.begin(&job);
        self.spawn(WorkClass::Compaction, CompactJob::new(self, space, job).by_hand());
        true
    }
}

/// Returns the job that merges every table which touches the range, or a table that does, and so
/// on; `None` if there is none.
fn job_by_hand(tree: &Tree, range: KeyRange<'_>, table_bytes: u64) -> Option<CompactionJob> {
    let touches = |table: &&Arc<TableMeta>| {
        !before_range(&table.largest, range) && !after_range(&table.smallest, range)
    };
    let mut low = tree.tables().filter(touches).map(|table| &table.smallest).min()?;
    let mut high = tree.tables().filter(touches).map(|table| &table.largest).max()?;
    loop {
        let mut inside = tree.tables().filter(|table| table.overlaps(low, high));
        let Some(wider) = inside.find(|table| table.smallest < *low || table.largest > *high)
        else {
            break;
        };
        low = low.min(&wider.smallest);
        high = high.max(&wider.largest);
    }
    let input = |run: &Run| {
        let tables = run.overlapping(low, high).iter().map(|table| table.id).collect();
        JobInput { run: run.id, tables }
    };
    let inputs = tree.runs.iter().map(input).filter(|input| !input.tables.is_empty());
    let inputs: Vec<JobInput> = inputs.collect();
    // Into the oldest run that takes part; or, if flushes made that one, into the next older one
    // that they did not make. Nothing there overlaps: it would take part.
    let oldest = tree.runs.iter().position(|run| Some(run.id) == inputs.last().map(|i| i.run))?;
    let output = match tree.runs[oldest..].iter().find(|run| run.level > 0) {
        Some(run) => JobOutput { target: Target::Existing(run.id), level: run.level },
        None => JobOutput { target: Target::New(Place::After(tree.runs[oldest].id)), level: 1 },
    };
    Some(CompactionJob::merge(inputs, output, table_bytes).because("by hand"))
}
