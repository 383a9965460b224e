//! What runs next: at most one flush per keyspace, and as many compactions as allowed.

use std::{sync::Arc, time::Duration};

use lsmer_core::{
    CompactionJob, Illegal, JobKind, PlanContext, TreeView, WorkClass, check, mutant,
};
use lsmer_sync::atomic::Ordering;

use crate::{
    compact::CompactJob,
    flush::FlushJob,
    shared::Shared,
    space::{Space, Work},
};

/// Once nothing was written for so long, what makes reads cheaper may be done.
const IDLE_AFTER: Duration = Duration::from_secs(10);

impl Shared {
    /// Starts the background work that a keyspace needs. Does not block.
    pub(crate) fn schedule(self: &Arc<Self>, space: &Arc<Space>) {
        if self.is_closing() || self.manifest.is_none() || self.failure().is_some() {
            return;
        }
        let mut work = space.work.lock();
        let view = space.view();
        // After the view: whoever sees a memtable from behind a checkpoint sees its limit too.
        let limit = self.background.flush_limit.load(Ordering::Acquire);
        let due = view.sealed.last().is_some_and(|mem| mem.last().0 <= limit);
        drop(view);
        if due && !work.flushing && !space.is_dropped() {
            work.flushing = true;
            drop(work);
            self.spawn(WorkClass::Flush, FlushJob::new(self, space));
            work = space.work.lock();
        }
        let blocked = work.manual || work.compaction_error.is_some() || space.is_dropped();
        if blocked || work.compacting.len() >= self.options.compaction_jobs {
            return;
        }
        for job in self.plan(space, &mut work) {
            let view = space.view();
            let tree = &view.version.tree;
            if work.compacting.len() >= self.options.compaction_jobs {
                break;
            }
            if let Err(illegal) = self.admit(work.view(tree), &job) {
                self.counters.refusals.count(&job, &illegal);
                continue;
            }
            work.begin(&job);
            self.spawn(WorkClass::Compaction, CompactJob::new(self, space, job));
        }
    }

    /// Asks the strategy.
    fn plan(&self, space: &Space, work: &mut Work) -> Vec<CompactionJob> {
        let clock = &self.parts.env.clock;
        let quiet_for = work.quiet_for(self.visible.get(), clock.now());
        let slots = self.options.compaction_jobs - work.compacting.len();
        let memtable_bytes = self.options.memtable_bytes() as u64;
        let cx = PlanContext::new(slots, space.options.table_bytes, memtable_bytes)
            .with_now(clock.wall())
            .with_idle(quiet_for >= IDLE_AFTER);
        self.parts.strategy.plan(work.view(&space.view().version.tree), &cx)
    }

    /// Checks a job of the strategy.
    fn admit(&self, tree: TreeView<'_>, job: &CompactionJob) -> Result<(), Illegal> {
        let declared = self.parts.strategy.drops() || mutant!("anyone-may-drop");
        if job.kind == JobKind::Drop && !declared {
            return Err(Illegal::Undeclared);
        }
        check(tree, job)
    }
}
