//! What runs next: at most one flush per keyspace, and as many compactions as allowed.

use std::sync::Arc;

use lsmer_core::{CompactionJob, Error, Job, Next, PlanContext, TreeView, WorkClass, check};
use lsmer_sync::atomic::Ordering;

use crate::{compact::CompactJob, flush::FlushJob, shared::Shared, space::Space};

impl Shared {
    /// Starts the background work that a keyspace needs. Does not block.
    pub(crate) fn schedule(self: &Arc<Self>, space: &Arc<Space>) {
        if self.is_closing() || self.manifest.is_none() || self.failure().is_some() {
            return;
        }
        let mut work = space.work.lock();
        let limit = self.background.flush_limit.load(Ordering::Acquire);
        let due = space.view().sealed.last().is_some_and(|mem| mem.last().0 <= limit);
        if due && !work.flushing && !space.is_dropped() {
            work.flushing = true;
            drop(work);
            self.spawn(WorkClass::Flush, FlushJob::new(self, space));
            work = space.work.lock();
        }
        let blocked = work.manual || work.compaction_error.is_some() || space.is_dropped();
        if blocked || work.compacting >= self.options.compaction_jobs {
            return;
        }
        for job in self.plan(space, &work) {
            let view = space.view();
            let tree = &view.version.tree;
            if work.compacting >= self.options.compaction_jobs {
                break;
            }
            if check(TreeView { tree, busy: &work.busy }, &job).is_err() {
                self.counters.illegal_plans.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            work.compacting += 1;
            work.busy.extend(job.inputs.iter().flat_map(|input| &input.tables));
            self.spawn(WorkClass::Compaction, CompactJob::new(self, space, job));
        }
    }

    /// Asks the strategy.
    fn plan(&self, space: &Space, work: &crate::space::Work) -> Vec<CompactionJob> {
        let slots = self.options.compaction_jobs - work.compacting;
        let memtable_bytes = self.options.memtable_bytes() as u64;
        let cx = PlanContext::new(slots, space.options.table_bytes, memtable_bytes);
        let view = space.view();
        let tree = TreeView { tree: &view.version.tree, busy: &work.busy };
        self.parts.strategy.plan(tree, &cx)
    }

    /// Hands a job to the executor and counts it until it ends.
    pub(crate) fn spawn(self: &Arc<Self>, class: WorkClass, job: impl BackgroundJob + 'static) {
        self.background.jobs.fetch_add(1, Ordering::AcqRel);
        let counted = Counted { shared: Arc::clone(self), job: Some(Box::new(job)), result: None };
        self.parts.env.exec.spawn(class, Box::new(counted));
    }
}

/// What a step of a background job answers.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Step again.
    More,
    /// Step again once this event's count is no longer as given.
    Wait(Arc<lsmer_core::Event>, u64),
    /// Done.
    Done,
}

/// Background work that can fail.
pub(crate) trait BackgroundJob: Send {
    fn step(&mut self) -> Result<Progress, Error>;

    /// Called once at the end, with what became of it; then something else may be scheduled.
    fn finish(&mut self, result: Result<(), Error>);
}

/// Makes sure that a job is finished exactly once, also if it panics or the executor drops it.
struct Counted {
    shared: Arc<Shared>,
    job: Option<Box<dyn BackgroundJob>>,
    result: Option<Result<(), Error>>,
}

impl Job for Counted {
    fn step(&mut self) -> Next {
        let Some(job) = &mut self.job else { return Next::Done };
        match job.step() {
            Ok(Progress::More) => return Next::Yield,
            Ok(Progress::Wait(event, seen)) => return Next::Wait { event, seen },
            Ok(Progress::Done) => self.result = Some(Ok(())),
            Err(error) => self.result = Some(Err(error)),
        }
        Next::Done
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let stopped = || Err(Error::new(lsmer_core::ErrorKind::Conflict, "a job was stopped"));
        let result = self.result.take().unwrap_or_else(stopped);
        if let Some(mut job) = self.job.take() {
            job.finish(result);
        }
        self.shared.background.jobs.fetch_sub(1, Ordering::AcqRel);
        self.shared.background.changed.notify();
    }
}
