//! What runs next: at most one flush per keyspace, and as many compactions as allowed.

use std::sync::Arc;

use lsmer_core::{CompactionJob, PlanContext, TreeView, WorkClass, check};
use lsmer_sync::atomic::Ordering;

use crate::{compact::CompactJob, flush::FlushJob, shared::Shared, space::Space};

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
}
