//! Level 0: what was flushed, and waits to get into order.

use std::{collections::BTreeSet, sync::Arc};

use lsmer_core::{JobOutput, Place, PlanContext, Run, RunId, TableMeta, Target, mutant};

use super::{Leveled, shape::Shape};
use crate::job::{Plan, all, into};

/// Plans for level 0. Returns whether it waits for a job that reads level 1 to end.
pub(super) fn plan(
    settings: &Leveled,
    shape: &Shape<'_>,
    plan: &mut Plan<'_>,
    cx: &PlanContext,
) -> bool {
    let queue = shape.level0();
    let old = |run: &Run| run.tables.iter().any(|table| settings.deletes.are_old(table, cx));
    let enough = if cx.idle || queue.iter().any(old) { 1 } else { settings.enough_runs() };
    if queue.len() < enough || queue.iter().any(|run| plan.touches(run)) {
        return false; // L1
    }
    let lonely = without_overlap(queue);
    let mut alone = false;
    for run in queue.iter().rev().filter(|run| lonely.contains(&run.id)) {
        if let Some(level) = reach(settings, shape, run) {
            alone = true;
            shift(shape, plan, run, level);
        }
        if plan.is_full() {
            break;
        }
    }
    !alone && !merge(shape, plan)
}

/// A table and its run.
type Reach<'a> = Option<(RunId, &'a TableMeta)>;

/// Returns the runs that overlap no other one: with those they would be merged sooner or later, and
/// better sooner. Looks at all tables once, in the order of their first keys.
fn without_overlap(queue: &[Run]) -> BTreeSet<RunId> {
    let mut tables: Vec<(RunId, &Arc<TableMeta>)> = Vec::new();
    for run in queue {
        tables.extend(run.tables.iter().map(|table| (run.id, table)));
    }
    tables.sort_by(|(_, a), (_, b)| a.smallest.cmp(&b.smallest));
    let mut lonely: BTreeSet<_> = queue.iter().map(|run| run.id).collect();
    // Of the tables before, the one that reaches furthest, and the furthest of another run.
    let (mut far, mut other): (Reach<'_>, Reach<'_>) = (None, None);
    for (run, table) in tables {
        for (met, before) in far.iter().chain(&other) {
            if *met != run && before.largest >= table.smallest {
                lonely.remove(met);
                lonely.remove(&run);
            }
        }
        let further = |than: Reach<'_>| than.is_none_or(|(_, at)| at.largest < table.largest);
        let of_another = far.is_some_and(|(before, _)| before != run);
        if further(far) {
            if of_another {
                other = far;
            }
            far = Some((run, table));
        } else if of_another && further(other) {
            other = Some((run, table));
        }
    }
    lonely
}

/// Returns the deepest level to which a run that overlaps no other one of level 0 can go as it is.
fn reach(settings: &Leveled, shape: &Shape<'_>, run: &Run) -> Option<u8> {
    match shape.levels().iter().find(|other| overlap(run, other)) {
        Some(barrier) if mutant!("run-moved-past-an-overlap") => Some(barrier.level + 1),
        Some(barrier) => barrier.level.checked_sub(1).filter(|level| *level > 0),
        None => shape.levels().last().map(|run| run.level).max(Some(settings.deepest())),
    }
}

fn overlap(a: &Run, b: &Run) -> bool {
    a.tables.iter().any(|table| !b.overlapping(&table.smallest, &table.largest).is_empty())
}

/// Moves a run of level 0 to a level, unless L3 or L4 forbid it for now.
fn shift(shape: &Shape<'_>, plan: &mut Plan<'_>, run: &Run, level: u8) {
    let output = match shape.level(level) {
        Some(there) if plan.free(there).next().is_some() => into(there), // L3
        Some(_) => return,
        None => {
            let above = shape.above(level);
            let Some(last) = above.last().filter(|_| !above.iter().any(|run| plan.touches(run)))
            else {
                return; // L4
            };
            JobOutput { target: Target::New(Place::After(last.id)), level }
        }
    };
    plan.shift(all(run), output, "move");
}

/// Merges all of level 0 into level 1. Returns false if tables of level 1 are taken.
fn merge(shape: &Shape<'_>, plan: &mut Plan<'_>) -> bool {
    let queue = shape.level0();
    let Some(oldest) = queue.last() else { return true };
    let mut parts: Vec<_> = queue.iter().map(all).collect();
    let first = usize::from(mutant!("merge-reads-too-little") && queue.len() > 1);
    let tables = || queue[first..].iter().flat_map(|run| &run.tables);
    let low = tables().map(|table| &table.smallest).min();
    let high = tables().map(|table| &table.largest).max();
    let (Some(low), Some(high)) = (low, high) else { return true };
    let output = match shape.level(1) {
        Some(level1) => {
            let below = level1.overlapping(low, high);
            let kept = below.is_empty() && plan.free(level1).next().is_none(); // L3
            if kept || below.iter().any(|table| plan.takes(table)) {
                return false;
            }
            parts.push((level1, below.iter().map(AsRef::as_ref).collect()));
            into(level1)
        }
        None => JobOutput { target: Target::New(Place::After(oldest.id)), level: 1 },
    };
    plan.merge(&parts, output, "level 0");
    true
}

#[cfg(test)]
mod tests {
    use lsmer_core::TableId;
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn overlap(a: &Run, b: &Run) -> bool {
        a.tables.iter().any(|table| !b.overlapping(&table.smallest, &table.largest).is_empty())
    }

    proptest! {
        #[test]
        fn runs_without_overlap_are_those_that_overlap_no_other_one(
            queue in vec(vec((0..30_u8, 0..4_u8), 1..4), 0..9),
        ) {
            let run = |(id, spans): (u64, Vec<(u8, u8)>)| {
                let mut tables: Vec<Arc<TableMeta>> = Vec::new();
                let mut spans = spans;
                spans.sort_unstable();
                for (low, width) in spans {
                    if tables.last().is_none_or(|last| last.largest[0] < low) {
                        tables.push(Arc::new(TableMeta {
                            id: TableId { epoch: id, number: low.into() },
                            smallest: [low].into(),
                            largest: [low + width].into(),
                            ..TableMeta::default()
                        }));
                    }
                }
                Run { id: RunId(id), level: 0, tables }
            };
            let queue: Vec<_> = (0..).zip(queue).map(run).collect();
            let alone = |run: &&Run| {
                queue.iter().all(|other| other.id == run.id || !overlap(run, other))
            };
            let want: BTreeSet<_> = queue.iter().filter(alone).map(|run| run.id).collect();
            prop_assert_eq!(without_overlap(&queue), want);
        }
    }
}
