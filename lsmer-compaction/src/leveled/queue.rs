//! Level 0: what was flushed, and waits to get into order.

use lsmer_core::{JobOutput, Place, Run, Target, mutant};

use super::{Leveled, shape::Shape};
use crate::job::{Plan, all, into};

/// Plans for level 0. Returns whether it waits for a job that reads level 1 to end.
pub(super) fn plan(settings: &Leveled, shape: &Shape<'_>, plan: &mut Plan<'_>) -> bool {
    let queue = shape.level0();
    if queue.len() < settings.enough_runs() || queue.iter().any(|run| plan.touches(run)) {
        return false; // L1
    }
    let mut alone = false;
    for run in queue.iter().rev() {
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

/// Returns the deepest level to which a run can go as it is, if it overlaps no other run of level
/// 0: with those it would be merged sooner or later, and better sooner.
fn reach(settings: &Leveled, shape: &Shape<'_>, run: &Run) -> Option<u8> {
    let mut others = shape.level0().iter().filter(|other| other.id != run.id);
    if others.any(|other| overlap(run, other)) {
        return None;
    }
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
