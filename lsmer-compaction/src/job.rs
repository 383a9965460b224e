//! Jobs in the making.

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::{
    CompactionJob, JobInput, JobOutput, Place, PlanContext, Run, TableId, TableMeta, Target,
    TreeView, mutant,
};

use crate::deletes::Deletes;

/// A plan in the making: the jobs so far, and the tables that they and earlier jobs take.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    cx: &'a PlanContext,
    taken: BTreeSet<TableId>,
    jobs: Vec<CompactionJob>,
}

/// What a job reads of one run.
pub(crate) type Part<'a> = (&'a Run, Vec<&'a TableMeta>);

impl<'a> Plan<'a> {
    /// Starts an empty plan.
    pub(crate) fn new(view: TreeView<'_>, cx: &'a PlanContext) -> Self {
        Self { cx, taken: view.busy.clone(), jobs: Vec::new() }
    }

    /// Returns whether no further job may start.
    pub(crate) fn is_full(&self) -> bool {
        self.jobs.len() >= self.cx.slots
    }

    /// Returns whether there is no job yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Returns the jobs.
    pub(crate) fn finish(self) -> Vec<CompactionJob> {
        self.jobs
    }

    /// Returns whether a job takes the table.
    pub(crate) fn takes(&self, table: &TableMeta) -> bool {
        self.taken.contains(&table.id)
    }

    /// Returns whether a job takes a table of the run.
    pub(crate) fn touches(&self, run: &Run) -> bool {
        run.tables.iter().any(|table| self.takes(table))
    }

    /// Returns the tables of the run that no job takes.
    pub(crate) fn free<'r>(&self, run: &'r Run) -> impl Iterator<Item = &'r TableMeta> {
        run.tables.iter().map(Arc::as_ref).filter(|table| !self.takes(table))
    }

    /// Adds a job that merges what it reads.
    pub(crate) fn merge(&mut self, parts: &[Part<'_>], output: JobOutput, reason: &'static str) {
        let job = CompactionJob::merge(inputs(parts), output, self.cx.table_bytes);
        self.add(job.because(reason));
    }

    /// Adds a job that moves tables as they are.
    pub(crate) fn shift(&mut self, part: Part<'_>, output: JobOutput, reason: &'static str) {
        for input in inputs(&[part]) {
            self.add(CompactionJob::trivial_move(input, output).because(reason));
        }
    }

    /// Adds a job that drops the oldest runs, as many in a row as `ends` says, if there are any.
    /// Nothing older is left then.
    pub(crate) fn drop_oldest(
        &mut self,
        runs: &[Run],
        mut ends: impl FnMut(&Run) -> bool,
        reason: &'static str,
    ) {
        let dropped = runs.iter().rev().take_while(|run| !self.touches(run) && ends(run));
        let parts: Vec<_> = dropped.map(all).collect();
        if !parts.is_empty() && !self.is_full() {
            self.add(CompactionJob::drop_tables(inputs(&parts)).because(reason));
        }
    }

    /// Gives free runs of level 0 another label where they are: the engine takes level 0 for what
    /// waits to be merged, and slows writers down if there is much of it.
    pub(crate) fn label(&mut self, runs: &[Run]) {
        for run in runs.iter().rev().filter(|run| run.level == 0) {
            if !self.is_full() && !self.touches(run) {
                let target = Target::New(Place::Before(run.id));
                self.shift(all(run), JobOutput { target, level: 1 }, "label");
            }
        }
    }

    /// Merges whole neighbouring runs into one in their place.
    pub(crate) fn gather(&mut self, runs: &[Run], reason: &'static str) {
        let parts: Vec<_> = runs.iter().map(all).collect();
        let level = runs.iter().map(|run| run.level).max().unwrap_or(0).saturating_add(1);
        let newest = mutant!("merged-run-becomes-the-newest");
        let place = if newest { Place::Newest } else { Place::Before(runs[0].id) };
        self.merge(&parts, JobOutput { target: Target::New(place), level }, reason);
    }

    /// Merges neighbours of which the newer one has deletes that are due, so that these get on to
    /// the oldest run. Only old ones are worth a merge with a run that is far larger.
    pub(crate) fn pass_deletes_on(&mut self, runs: &[Run], deletes: &Deletes) {
        let cx = self.cx;
        for pair in runs.windows(2) {
            let [newer, older] = pair else { unreachable!("windows of two") };
            // What was just flushed is merged soon anyway, and most of its deletes may find nothing.
            let near = newer.level > 0 && older.bytes() <= newer.bytes().saturating_mul(4);
            let old = || newer.tables.iter().any(|table| deletes.are_old(table, cx));
            let due = near && deletes.are_due_in(newer, cx) || old();
            if due && !self.is_full() && !self.touches(newer) && !self.touches(older) {
                self.gather(pair, "deletes");
            }
        }
    }

    /// Merges stretches of at least so many free neighbours of similar size.
    pub(crate) fn gather_similar(&mut self, mut runs: &[Run], min_runs: usize, similar: u64) {
        while let [_, rest @ ..] = runs {
            let stretch = self.stretch(runs, similar);
            if self.is_full() {
                return;
            }
            if stretch < min_runs {
                runs = rest;
                continue;
            }
            let (stretch, rest) = runs.split_at(stretch);
            self.gather(stretch, "tier");
            runs = rest;
        }
    }

    /// Returns how many of the first runs are free and of similar size.
    fn stretch(&self, runs: &[Run], similar: u64) -> usize {
        let (mut low, mut high) = (u64::MAX, 0);
        let fits = |run: &&Run| {
            let bytes = run.bytes().max(1);
            (low, high) = (bytes.min(low), bytes.max(high));
            !self.touches(run) && high <= low.saturating_mul(similar)
        };
        runs.iter().take_while(fits).count()
    }

    /// Returns the bytes of a run that no job takes.
    pub(crate) fn free_bytes(&self, run: &Run) -> u64 {
        self.free(run).fold(0, |sum, table| sum.saturating_add(table.file_bytes))
    }

    fn add(&mut self, job: CompactionJob) {
        if !mutant!("plan-takes-a-table-twice") {
            self.taken.extend(job.tables());
        }
        self.jobs.push(job);
    }
}

fn inputs(parts: &[Part<'_>]) -> Vec<JobInput> {
    let input = |(run, tables): &Part<'_>| JobInput {
        run: run.id,
        tables: tables.iter().map(|table| table.id).collect(),
    };
    parts.iter().map(input).filter(|input| !input.tables.is_empty()).collect()
}

/// Returns a whole run as an input.
pub(crate) fn all(run: &Run) -> Part<'_> {
    (run, run.tables.iter().map(Arc::as_ref).collect())
}

/// Returns what is written to `run`.
pub(crate) fn into(run: &Run) -> JobOutput {
    JobOutput { target: Target::Existing(run.id), level: run.level }
}
