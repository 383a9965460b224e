//! The laws of compaction, checked on every plan.
//!
//! Runs are ordered newest first, and a lookup stops at the first run that has its key. So a job
//! is legal if, for every key, the entries it moves stay between those that are newer and those
//! that are older:
//!
//! - **C1** It reads something; its runs and tables are there, none is named twice, and none is
//!   read by another job.
//! - **C2** For a table `I` that it reads and a table `T` that it leaves, with overlapping keys: a
//!   `T` in a newer run than `I` is in a newer run than the output, and a `T` in an older run than
//!   `I` is in an older run than the output.
//! - **C3** What it leaves of the run it writes to has no key between the smallest and the largest
//!   that it reads: wherever the output is cut, tables of a run stay disjoint.
//! - **C4** Tables that are moved as they are come from one run, go to another one, and each keeps
//!   clear of what is there.
//!
//! Places: run `i` is at `2 i + 1`, and the gaps around it are at `2 i` and `2 i + 2`, so that a
//! run and a gap are never at the same place. A new run takes the gap that its [`Place`] names
//! while the runs it reads are still there; that they vanish afterwards changes no order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{CompactionJob, Target};
use crate::{Place, Run, RunId, TableId, TableMeta, Tree, TreeView, mutant};

/// Which law a job breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Illegal {
    /// It reads nothing, or nothing of a run that it names.
    Empty,
    /// It names a run that is not in the tree.
    NoSuchRun(RunId),
    /// It names a table that is not in that run.
    NoSuchTable(RunId, TableId),
    /// It names this table, or the run of this table, twice.
    Twice(TableId),
    /// It reads a table that another job reads.
    Busy(TableId),
    /// It moves entries of `moved` past those of `past`, which overlap them: an old version would
    /// hide a newer one.
    Overtakes {
        /// A table that the job reads.
        moved: TableId,
        /// A table that it leaves where it is.
        past: TableId,
    },
    /// It would write beside a table of the output run whose keys overlap its own.
    Overlaps(TableId),
    /// It moves tables without reading them although their keys would have to be merged, or moves
    /// them to where they are.
    NotTrivial,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the job reads nothing"),
            Self::NoSuchRun(run) => write!(f, "there is no run {}", run.0),
            Self::NoSuchTable(run, table) => write!(f, "run {} has no table {table}", run.0),
            Self::Twice(table) => write!(f, "the job names table {table} or its run twice"),
            Self::Busy(table) => write!(f, "another job reads table {table}"),
            Self::Overtakes { moved, past } => {
                write!(f, "entries of table {moved} would move past those of table {past}")
            }
            Self::Overlaps(table) => write!(f, "the output may overlap table {table} of its run"),
            Self::NotTrivial => f.write_str("the tables cannot be moved as they are"),
        }
    }
}

/// Checks a job against the tree as it is now. Compares each table read with those it overlaps:
/// cheap enough to be done for every job, twice.
///
/// # Errors
///
/// The first law it breaks.
pub fn check(view: TreeView<'_>, job: &CompactionJob) -> Result<(), Illegal> {
    let inputs = inputs(view, job)?;
    let output = output(view.tree, job.output.target)?;
    let read: BTreeSet<_> = inputs.iter().map(|input| (input.at, input.table.id)).collect();
    let strays = |input: &Input<'_>| input.at != inputs[0].at || input.at == output;
    if job.trivial_move && inputs.iter().any(strays) {
        return Err(Illegal::NotTrivial);
    }

    for (at, run) in places(view.tree) {
        let left = |table: &TableMeta| !read.contains(&(at, table.id));
        if at == output {
            // C3 and C4. Entries that would move past such a table without overlapping the hull
            // do not exist, so C2 needs no look at this run.
            no_overlap(run, job, &inputs, left)?;
            continue;
        }
        let passed = |input: &&Input<'_>| (at < input.at) != (at < output);
        let newer = |input: &&Input<'_>| mutant!("law-forgets-newer-runs") && at < input.at;
        for input in inputs.iter().filter(|input| passed(input) && !newer(input)) {
            let mut past = run.overlapping(&input.table.smallest, &input.table.largest).iter();
            if let Some(past) = past.find(|table| left(table)) {
                return Err(Illegal::Overtakes { moved: input.table.id, past: past.id });
            }
        }
    }
    Ok(())
}

/// A table that the job reads, and the place of its run.
struct Input<'a> {
    at: usize,
    table: &'a TableMeta,
}

fn places(tree: &Tree) -> impl Iterator<Item = (usize, &Run)> {
    tree.runs.iter().enumerate().map(|(i, run)| (2 * i + 1, run))
}

fn place_of(tree: &Tree, id: RunId) -> Result<(usize, &Run), Illegal> {
    places(tree).find(|(_, run)| run.id == id).ok_or(Illegal::NoSuchRun(id))
}

/// Looks up what the job reads: C1.
fn inputs<'a>(view: TreeView<'a>, job: &CompactionJob) -> Result<Vec<Input<'a>>, Illegal> {
    let mut runs = BTreeSet::new();
    let mut tables = BTreeSet::new();
    let mut inputs = Vec::new();
    for input in &job.inputs {
        let (at, run) = place_of(view.tree, input.run)?;
        let first = *input.tables.first().ok_or(Illegal::Empty)?;
        if !runs.insert(input.run) {
            return Err(Illegal::Twice(first));
        }
        let by_id: BTreeMap<_, _> = run.tables.iter().map(|table| (table.id, table)).collect();
        for id in &input.tables {
            let table = by_id.get(id).ok_or(Illegal::NoSuchTable(input.run, *id))?;
            if !tables.insert(*id) {
                return Err(Illegal::Twice(*id));
            }
            if view.busy.contains(id) {
                return Err(Illegal::Busy(*id));
            }
            inputs.push(Input { at, table });
        }
    }
    if inputs.is_empty() {
        return Err(Illegal::Empty);
    }
    Ok(inputs)
}

/// Returns the place of the output.
fn output(tree: &Tree, target: Target) -> Result<usize, Illegal> {
    match target {
        Target::Existing(id) => place_of(tree, id).map(|(at, _)| at),
        Target::New(Place::Newest) => Ok(0),
        Target::New(Place::Before(id)) => place_of(tree, id).map(|(at, _)| at - 1),
        Target::New(Place::After(id)) => place_of(tree, id).map(|(at, _)| at + 1),
        Target::New(Place::Oldest) => Ok(2 * tree.runs.len()),
    }
}

/// Checks that the output keeps clear of what is left of its run: C3, and C4 table by table.
fn no_overlap(
    run: &Run,
    job: &CompactionJob,
    inputs: &[Input<'_>],
    left: impl Fn(&TableMeta) -> bool,
) -> Result<(), Illegal> {
    let clear = |low: &[u8], high: &[u8]| {
        let beside = run.overlapping(low, high).iter().find(|table| left(table));
        beside.map_or(Ok(()), |table| Err(Illegal::Overlaps(table.id)))
    };
    if job.trivial_move {
        return inputs.iter().try_for_each(|input| {
            let table = input.table;
            clear(&table.smallest, &table.largest)
        });
    }
    let low = inputs.iter().map(|input| &input.table.smallest).min();
    let high = inputs.iter().map(|input| &input.table.largest).max();
    clear(low.expect("C1: there is an input"), high.expect("C1: there is an input"))
}

#[cfg(test)]
mod tests;
