//! The laws against all small trees and all plans of one job.
//!
//! A tree is up to four runs of up to three tables over up to four keys; of two that differ by the
//! names of keys, or are each other's mirror image, one is enough. Every table has an entry for
//! each key in its bounds and every output is one table: whatever else tables hold, and wherever
//! outputs are cut, fewer entries meet fewer others. So what does no harm here does none at all,
//! and what does harm here is the counterexample of a job that is refused.

use std::{collections::BTreeSet, sync::Arc};

use super::*;
use crate::{JobInput, JobOutput, TableId};

/// First and last key of a table.
type Span = (u8, u8);

/// What is tried: runs, tables in each, keys. All of one bound, or one tree of so many.
#[derive(Clone, Copy, Debug)]
struct Bound {
    runs: usize,
    tables: usize,
    keys: u8,
    one_of: u64,
}

const fn bound(runs: usize, tables: usize, keys: u8, one_of: u64) -> Bound {
    Bound { runs, tables, keys, one_of }
}

/// All of the first two; a sample of the largest.
const BOUNDS: [Bound; 3] = if cfg!(debug_assertions) {
    [bound(3, 3, 3, 1), bound(4, 2, 2, 1), bound(4, 3, 4, 20_000)]
} else {
    [bound(3, 3, 4, 1), bound(4, 3, 3, 1), bound(4, 3, 4, 1_000)]
};

#[derive(Debug, Default)]
struct Counts {
    trees: u64,
    jobs: u64,
    legal: u64,
    /// Moves that would do no harm, and are no single step of an engine.
    strict: u64,
}

/// Returns all runs of up to `most` tables over `keys` keys.
fn rows(keys: u8, most: usize) -> Vec<Vec<Span>> {
    fn extend(row: &[Span], keys: u8, most: usize, rows: &mut Vec<Vec<Span>>) {
        let start = row.last().map_or(0, |(_, last)| last + 1);
        for first in start..keys {
            for last in first..keys {
                let longer = [row, &[(first, last)]].concat();
                if longer.len() < most {
                    extend(&longer, keys, most, rows);
                }
                rows.push(longer);
            }
        }
    }
    let mut rows = Vec::new();
    extend(&[], keys, most, &mut rows);
    rows
}

/// Returns whether no smaller tree, nor this tree's mirror image, stands for it: each key is in a
/// table, and each two neighbours are told apart by one.
fn stands_for_itself(tree: &[&Vec<Span>], keys: u8) -> bool {
    let spans = || tree.iter().copied().flatten();
    let covered = |key| spans().any(|(first, last)| (*first..=*last).contains(&key));
    let apart = |key| spans().any(|(first, last)| *first == key + 1 || *last == key);
    let mirrored = tree.iter().map(|row| {
        row.iter().rev().map(|(first, last)| (keys - 1 - last, keys - 1 - first)).collect()
    });
    (0..keys).all(covered)
        && (0..keys - 1).all(apart)
        && mirrored.collect::<Vec<Vec<Span>>>().iter().cmp(tree.iter().copied()).is_ge()
}

fn tree_of(rows: &[&Vec<Span>]) -> Tree {
    let mut number = 0;
    let mut table = |(first, last): &Span| {
        number += 1;
        let id = TableId { epoch: 1, number };
        let (smallest, largest) = ([*first].into(), [*last].into());
        Arc::new(TableMeta { id, smallest, largest, ..TableMeta::default() })
    };
    let runs = rows.iter().enumerate().map(|(i, row)| {
        let tables = row.iter().map(&mut table).collect();
        Run { id: RunId(i as u64), level: 0, tables }
    });
    Tree { runs: runs.collect() }
}

/// Where outputs may go: each run, and each gap.
fn targets(runs: usize) -> Vec<(usize, Target)> {
    let existing = (0..runs).map(|i| (2 * i + 1, Target::Existing(RunId(i as u64))));
    let gap = |i: usize| match i {
        0 => Target::New(Place::Newest),
        i if i == runs => Target::New(Place::Oldest),
        i if i % 2 == 0 => Target::New(Place::Before(RunId(i as u64))),
        i => Target::New(Place::After(RunId(i as u64 - 1))),
    };
    existing.chain((0..=runs).map(|i| (2 * i, gap(i)))).collect()
}

/// A tree, and which of its tables a job takes: a bit for each, in order.
struct Chosen<'a> {
    tree: &'a Tree,
    mask: u32,
}

impl Chosen<'_> {
    /// Calls `each` with each table: its run, whether it is taken, its keys as bits.
    fn tables(&self) -> impl Iterator<Item = (usize, bool, u16)> + Clone {
        let tables = self.tree.runs.iter().enumerate();
        let tables = tables.flat_map(|(run, of)| of.tables.iter().map(move |table| (run, table)));
        tables.enumerate().map(|(bit, (run, table))| {
            let keys = (table.smallest[0]..=table.largest[0]).fold(0, |keys, key| keys | 1 << key);
            (run, self.mask >> bit & 1 == 1, keys)
        })
    }

    fn inputs(&self) -> Vec<JobInput> {
        let mut bit = 0..;
        let input = |run: &Run| {
            let mut taken = |_: &_| self.mask >> bit.next().expect("endless") & 1 == 1;
            let tables = run.tables.iter().map(|table| table.id).filter(&mut taken).collect();
            JobInput { run: run.id, tables }
        };
        self.tree.runs.iter().map(input).filter(|input| !input.tables.is_empty()).collect()
    }

    /// Carries a merge or a move out and reads: whether every reader finds what it found before,
    /// and the tables of a run are disjoint.
    fn keeps_reads(&self, output: usize, is_move: bool) -> bool {
        let taken = self.tables().filter(|(_, taken, _)| *taken).map(|(.., keys)| keys);
        let all: u16 = taken.clone().fold(0, |all, keys| all | keys);
        let hull = (1_u16 << (16 - all.leading_zeros())) - (1 << all.trailing_zeros());
        // What the run of the output holds then: the new table, or those that were moved.
        let new: Vec<u16> = if is_move { taken.collect() } else { vec![hull] };
        let beside = |run: usize, keys: u16, taken: bool| {
            2 * run + 1 == output && !taken && new.iter().any(|new| new & keys != 0)
        };
        let meets = new.iter().enumerate().any(|(i, a)| new[..i].iter().any(|b| a & b != 0));
        if meets || self.tables().any(|(run, taken, keys)| beside(run, keys, taken)) {
            return false;
        }
        // Each key's entries in the order of a walk: the larger a run's number, the older they are.
        (0..16).filter(|key| all >> key & 1 == 1).all(|key| {
            let walk = |gone: bool| {
                let tables = self.tables().filter(move |(_, taken, _)| *taken == gone);
                tables.filter(move |(.., keys)| keys >> key & 1 == 1).map(|(run, ..)| run)
            };
            let before = walk(false).filter(|run| 2 * run < output);
            let behind = walk(false).filter(|run| 2 * run >= output);
            before.chain(walk(true)).chain(behind).is_sorted_by(|newer, older| newer < older)
        })
    }

    /// Drops the tables and reads: whether nothing that they hid comes to light.
    fn uncovers_nothing(&self) -> bool {
        let dropped = |key: u16| self.tables().filter(move |(.., keys)| keys >> key & 1 == 1);
        (0..16).all(|key| {
            let mut walk = dropped(key).skip_while(|(_, taken, _)| !taken);
            walk.all(|(_, taken, _)| taken)
        })
    }
}

fn try_jobs(tree: &Tree, counts: &mut Counts) {
    let tables = tree.tables().count();
    let (busy, targets) = (BTreeSet::new(), targets(tree.runs.len()));
    let view = TreeView::new(tree, &busy);
    counts.trees += 1;
    for mask in 1..1_u32 << tables {
        let chosen = Chosen { tree, mask };
        let mut job = CompactionJob::drop_tables(chosen.inputs());
        let mut judge = |job: &CompactionJob, harmless: bool| {
            let verdict = check(view, job);
            counts.jobs += 1;
            counts.legal += u64::from(verdict.is_ok());
            if verdict == Err(Illegal::NotTrivial) {
                counts.strict += u64::from(harmless);
            } else {
                assert_eq!(verdict.is_ok(), harmless, "{verdict:?} {job} in {tree:?}");
            }
        };
        judge(&job, chosen.uncovers_nothing());
        for (place, target) in &targets {
            let output = JobOutput { target: *target, level: 1 };
            job.kind = JobKind::Merge { output, table_bytes: 1 };
            judge(&job, chosen.keeps_reads(*place, false));
            job.kind = JobKind::Move { output };
            judge(&job, chosen.keeps_reads(*place, true));
        }
    }
}

/// Tries all trees of a bound, or a sample of them.
fn try_trees(bound: Bound) -> Counts {
    let mut counts = Counts::default();
    let mut number = 0_u64;
    for keys in 1..=bound.keys {
        let rows = rows(keys, bound.tables);
        for runs in 1..=bound.runs {
            for n in 0..rows.len().pow(u32::try_from(runs).unwrap()) {
                // One in so many, spread over all.
                number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
                if !(number >> 20).is_multiple_of(bound.one_of) {
                    continue;
                }
                let digit = |i: usize| n / rows.len().pow(u32::try_from(i).unwrap()) % rows.len();
                let chosen: Vec<_> = (0..runs).map(|i| &rows[digit(i)]).collect();
                if stands_for_itself(&chosen, keys) {
                    try_jobs(&tree_of(&chosen), &mut counts);
                }
            }
        }
    }
    counts
}

#[test]
fn of_all_jobs_on_small_trees_those_are_legal_that_keep_every_read() {
    for bound in BOUNDS {
        let counts = try_trees(bound);
        println!("{bound:?}: {counts:?}");
        assert!(counts.legal > 0 && counts.legal < counts.jobs && counts.strict > 0);
    }
}
