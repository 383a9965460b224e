//! Jobs in the making.

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::{
    CompactionJob, JobInput, JobOutput, PlanContext, Run, TableId, TableMeta, Target, TreeView,
    mutant,
};

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
