//! Levels that are over their target give tables to the next.

use std::{cmp::Reverse, sync::Arc};

use lsmer_core::{JobOutput, Place, PlanContext, Run, TableMeta, Target};

use super::{Leveled, shape::Shape};
use crate::job::{Part, Plan, into};

/// Plans for the levels from 1 on, the fullest first. Level 1 is left alone while level 0 waits
/// for it.
pub(super) fn plan(
    settings: &Leveled,
    shape: &Shape<'_>,
    plan: &mut Plan<'_>,
    (cx, waiting): (&PlanContext, bool),
) {
    let mut full: Vec<_> = shape
        .levels()
        .iter()
        .filter(|run| !(waiting && run.level == 1))
        .filter_map(|run| Some((run, settings.target_in(shape, run.level, cx)?)))
        .filter(|(run, target)| plan.free_bytes(run) > *target)
        .collect();
    full.sort_by_key(|(run, target)| {
        Reverse(u128::from(plan.free_bytes(run)) * 1000 / u128::from(*target).max(1))
    });
    if !waiting {
        pass_deletes_on(settings, shape, plan, cx);
    }
    for (run, target) in full {
        while plan.free_bytes(run) > target && !plan.is_full() && step(shape, plan, run, target) {}
    }
}

/// Plans for tables whose deletes are due: into the next older run.
fn pass_deletes_on(settings: &Leveled, shape: &Shape<'_>, plan: &mut Plan<'_>, cx: &PlanContext) {
    for pair in shape.levels().windows(2) {
        let [newer, older] = pair else { unreachable!("windows of two") };
        let due = |table: &&TableMeta| settings.deletes.are_due(table, cx);
        let tables: Vec<_> = plan.free(newer).filter(due).collect();
        for table in tables {
            let below = older.overlapping(&table.smallest, &table.largest);
            let kept = below.is_empty() && plan.free(older).next().is_none(); // L3
            if plan.is_full() || kept || below.iter().any(|table| plan.takes(table)) {
                continue;
            }
            let part = keep_one(shape, plan, (newer, vec![table]));
            if !part.1.is_empty() {
                // Also what could be moved is read: the deletes are to go.
                let below = below.iter().map(AsRef::as_ref).collect();
                plan.merge(&[part, (older, below)], into(older), "deletes");
            }
        }
    }
}

/// Plans one job that takes tables out of a level. Returns false if there is none for now.
fn step(shape: &Shape<'_>, plan: &mut Plan<'_>, run: &Run, target: u64) -> bool {
    let level = run.level + 1;
    let next = shape.level(level);
    let output = if let Some(next) = next {
        into(next)
    } else if shape.above(level).iter().any(|run| plan.touches(run)) {
        return false; // L4
    } else {
        JobOutput { target: Target::New(Place::After(run.id)), level }
    };
    let can_move = next.is_none_or(|next| plan.free(next).next().is_some()); // L3
    let clear = if can_move { clear_tables(plan, run, next, target) } else { Vec::new() };
    if !clear.is_empty() {
        let part = keep_one(shape, plan, (run, clear));
        if part.1.is_empty() {
            return false;
        }
        plan.shift(part, output, "move");
        return true;
    }
    let Some((next, table, below)) = next.and_then(|next| cheapest(plan, run, next)) else {
        return false;
    };
    let part = keep_one(shape, plan, (run, vec![table]));
    if part.1.is_empty() {
        return false;
    }
    plan.merge(&[part, (next, below)], output, "level size");
    true
}

/// Returns the first tables that overlap nothing in the next level, as many as it takes to get
/// within the target.
fn clear_tables<'a>(
    plan: &Plan<'_>,
    run: &'a Run,
    next: Option<&Run>,
    target: u64,
) -> Vec<&'a TableMeta> {
    let mut excess = plan.free_bytes(run).saturating_sub(target);
    let is_clear = |table: &&TableMeta| {
        next.is_none_or(|next| next.overlapping(&table.smallest, &table.largest).is_empty())
    };
    let needed = |table: &&TableMeta| {
        let needed = excess > 0;
        excess = excess.saturating_sub(table.file_bytes);
        needed
    };
    plan.free(run).filter(is_clear).take_while(needed).collect()
}

/// Returns the free table with the least overlap for its size, the first of equals, with what it
/// overlaps.
fn cheapest<'a>(
    plan: &Plan<'_>,
    run: &'a Run,
    next: &'a Run,
) -> Option<(&'a Run, &'a TableMeta, Vec<&'a TableMeta>)> {
    let mut best: Option<(u128, u128, &TableMeta, &[Arc<TableMeta>])> = None;
    for table in plan.free(run) {
        let below = next.overlapping(&table.smallest, &table.largest);
        if below.is_empty() || below.iter().any(|table| plan.takes(table)) {
            continue;
        }
        let cost = below.iter().map(|table| u128::from(table.file_bytes)).sum::<u128>();
        let gain = u128::from(table.file_bytes);
        if best.is_none_or(|(least, most, ..)| cost * most < least * gain) {
            best = Some((cost, gain, table, below));
        }
    }
    best.map(|(_, _, table, below)| (next, table, below.iter().map(AsRef::as_ref).collect()))
}

/// Leaves a table that no job takes in the run, if others may be on the way to it: L3.
fn keep_one<'a>(shape: &Shape<'_>, plan: &Plan<'_>, (run, mut tables): Part<'a>) -> Part<'a> {
    let awaited = shape.above(run.level).iter().any(|run| plan.touches(run));
    if awaited && plan.free(run).count() == tables.len() {
        tables.pop();
    }
    (run, tables)
}
