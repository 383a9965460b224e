//! The laws of compaction, checked on every plan.
//!
//! Runs are ordered newest first, and a lookup stops at the first run that has its key. So a job
//! is legal if, for every key, the entries it moves stay between those that are newer and those
//! that are older:
//!
//! - **C1** It takes something; its runs and tables are there, none is named twice, and none is
//!   taken by another job.
//! - **C2** For a table `I` that it takes and a table `T` that it leaves, with overlapping keys: a
//!   `T` in a newer run than `I` is in a newer run than the output, and a `T` in an older run than
//!   `I` is in an older run than the output.
//! - **C3** What it leaves of the run it writes to has no key between the smallest and the largest
//!   that it reads: wherever the output is cut, tables of a run stay disjoint.
//! - **C4** Tables that are moved as they are come from one run, go to another one, and each keeps
//!   clear of what is there.
//! - **C5** What a drop leaves of older runs overlaps none of the tables that it drops: what is
//!   lost stays lost, and no older version of its keys comes to light.
//!
//! What a table holds between its bounds is not known, so a law counts on a key everywhere: a job
//! that would do no harm to the tables as they happen to be may be refused. In two cases it does
//! none whatever they hold, and is refused all the same: a move that would put tables of several
//! runs beside each other, or tables where they are, is not what the engine does as one step.
//!
//! Places: run `i` is at `2 i + 1`, and the gaps around it are at `2 i` and `2 i + 2`, so that a
//! run and a gap are never at the same place. A new run takes the gap that its [`Place`] names
//! while the runs it reads are still there; that they vanish afterwards changes no order.
//!
//! Each run is looked at once, with the ranges of what would pass it, so that a check costs about
//! as much as the tables that the job takes and the runs that there are.

mod illegal;
mod ranges;

use std::collections::{BTreeMap, BTreeSet};

pub use self::illegal::{Illegal, Law};
use self::ranges::Ranges;
use super::{CompactionJob, JobKind, Target};
use crate::{Place, Run, RunId, TableMeta, Tree, TreeView, mutant};

/// Checks a job against the tree as it is now. Cheap enough to be done for every job, twice.
///
/// # Errors
///
/// The first law it breaks.
pub fn check(view: TreeView<'_>, job: &CompactionJob) -> Result<(), Illegal> {
    let places = Places::new(view.tree);
    let taken = Taken::new(view, &places, job)?;
    match job.kind {
        JobKind::Merge { output, .. } => {
            let output = places.output(output.target)?;
            taken.keep_order(view.tree, output)?;
            taken.keep_clear(view.tree, output, taken.hull().into_iter())
        }
        JobKind::Move { output } => {
            let output = places.output(output.target)?;
            if taken.runs.len() > 1 || taken.runs.contains_key(&output) {
                return Err(Illegal::NotTrivial);
            }
            taken.keep_order(view.tree, output)?;
            taken.keep_clear(view.tree, output, taken.tables().map(bounds))
        }
        JobKind::Drop => taken.hide_nothing(view.tree),
    }
}

type Bounds<'a> = (&'a [u8], &'a [u8]);

fn bounds(table: &TableMeta) -> Bounds<'_> {
    (&table.smallest, &table.largest)
}

/// Where runs are.
struct Places {
    by_id: Vec<(RunId, usize)>,
    gap_behind_all: usize,
}

impl Places {
    fn new(tree: &Tree) -> Self {
        let places = tree.runs.iter().enumerate().map(|(i, run)| (run.id, 2 * i + 1));
        let mut by_id: Vec<_> = places.collect();
        by_id.sort_unstable();
        Self { by_id, gap_behind_all: 2 * tree.runs.len() }
    }

    fn of(&self, id: RunId) -> Result<usize, Illegal> {
        let found = self.by_id.binary_search_by_key(&id, |(id, _)| *id);
        found.map(|i| self.by_id[i].1).map_err(|_| Illegal::NoSuchRun(id))
    }

    fn output(&self, target: Target) -> Result<usize, Illegal> {
        match target {
            Target::Existing(id) => self.of(id),
            Target::New(Place::Newest) => Ok(0),
            Target::New(Place::Before(id)) => Ok(self.of(id)? - 1),
            Target::New(Place::After(id)) => Ok(self.of(id)? + 1),
            Target::New(Place::Oldest) => Ok(self.gap_behind_all),
        }
    }
}

/// What a job takes: tables by the place of their run, in key order.
struct Taken<'a> {
    runs: BTreeMap<usize, Vec<&'a TableMeta>>,
}

impl<'a> Taken<'a> {
    /// Looks up what the job takes: C1.
    fn new(view: TreeView<'a>, places: &Places, job: &CompactionJob) -> Result<Self, Illegal> {
        let mut runs = BTreeMap::new();
        for input in &job.inputs {
            let at = places.of(input.run)?;
            let first = *input.tables.first().ok_or(Illegal::Empty)?;
            if runs.contains_key(&at) {
                return Err(Illegal::Twice(first));
            }
            let mut missing = BTreeSet::new();
            for id in &input.tables {
                if !missing.insert(*id) {
                    return Err(Illegal::Twice(*id));
                }
                if view.busy.contains(id) {
                    return Err(Illegal::Busy(*id));
                }
            }
            let tables = view.tree.runs[at / 2].tables.iter().map(AsRef::as_ref);
            let tables: Vec<&TableMeta> =
                tables.filter(|table| missing.remove(&table.id)).collect();
            if let Some(id) = missing.first() {
                return Err(Illegal::NoSuchTable(input.run, *id));
            }
            runs.insert(at, tables);
        }
        if runs.is_empty() { Err(Illegal::Empty) } else { Ok(Self { runs }) }
    }

    fn tables(&self) -> impl Iterator<Item = &'a TableMeta> {
        self.runs.values().flatten().copied()
    }

    /// Returns the smallest and the largest key.
    fn hull(&self) -> Option<Bounds<'a>> {
        let low = self.tables().map(|table| &*table.smallest).min()?;
        let high = self.tables().map(|table| &*table.largest).max()?;
        Some((low, high))
    }

    /// Returns what the job takes of the run at a place.
    fn of(&self, at: usize) -> &[&'a TableMeta] {
        self.runs.get(&at).map_or(&[], Vec::as_slice)
    }

    fn leaves(&self, at: usize, table: &TableMeta) -> bool {
        let taken = self.of(at);
        let found = taken.binary_search_by(|other| other.smallest.cmp(&table.smallest));
        found.map_or(true, |i| taken[i].id != table.id)
    }

    /// Returns a table that the job leaves in the run at a place and that overlaps the range.
    fn left<'r>(&self, at: usize, run: &'r Run, (low, high): Bounds<'_>) -> Option<&'r TableMeta> {
        let mut overlapping = run.overlapping(low, high).iter().map(AsRef::as_ref);
        overlapping.find(|table| self.leaves(at, table))
    }

    /// Checks that no entry passes another one of its key: C2. From either end to the output, what
    /// was taken before has to pass each run.
    fn keep_order(&self, tree: &Tree, output: usize) -> Result<(), Illegal> {
        let first = self.runs.keys().next().map_or(output, |at| *at);
        let last = self.runs.keys().next_back().map_or(output, |at| *at);
        let down = (first..output).filter(|at| is_run(*at));
        // The run it writes to is not passed: C3 sees to that.
        let up = (output + 1..=last).rev().filter(|at| is_run(*at));
        self.pass(tree, down)?;
        if mutant!("law-forgets-newer-runs") { Ok(()) } else { self.pass(tree, up) }
    }

    /// Checks that what is taken of earlier ones of these runs overlaps nothing that is left in
    /// later ones.
    fn pass(&self, tree: &Tree, places: impl Iterator<Item = usize>) -> Result<(), Illegal> {
        let mut moving = Ranges::default();
        let mut passed = Vec::new();
        for at in places {
            let (run, taken) = (&tree.runs[at / 2], self.of(at));
            let met = if taken.len() == run.tables.len() {
                None
            } else if moving.len() < run.tables.len() {
                moving.iter().find_map(|range| self.left(at, run, range))
            } else {
                let tables = run.tables.iter().map(AsRef::as_ref);
                { tables }.find(|table| self.leaves(at, table) && moving.meet(bounds(table)))
            };
            if let Some(past) = met {
                let mut moved = passed.iter().flat_map(|at| self.of(*at));
                let moved = moved.find(|table| table.overlaps(&past.smallest, &past.largest));
                let moved = moved.expect("ranges are made of tables").id;
                return Err(Illegal::Overtakes { moved, past: past.id });
            }
            if !taken.is_empty() {
                passed.push(at);
                for table in taken {
                    moving.add(bounds(table));
                }
            }
        }
        Ok(())
    }

    /// Checks that these ranges overlap nothing that is left of the run at the output: C3, C4.
    fn keep_clear(
        &self,
        tree: &Tree,
        output: usize,
        mut ranges: impl Iterator<Item = Bounds<'a>>,
    ) -> Result<(), Illegal> {
        if !is_run(output) {
            return Ok(());
        }
        let run = &tree.runs[output / 2];
        let met = ranges.find_map(|range| self.left(output, run, range));
        met.map_or(Ok(()), |table| Err(Illegal::Overlaps(table.id)))
    }

    /// Checks that nothing older than what is dropped comes to light: C5.
    fn hide_nothing(&self, tree: &Tree) -> Result<(), Illegal> {
        let first = self.runs.keys().next().map_or(0, |at| *at);
        let older = (first..=2 * tree.runs.len()).filter(|at| is_run(*at));
        self.pass(tree, older).map_err(|illegal| match illegal {
            Illegal::Overtakes { moved, past } => Illegal::Uncovers { dropped: moved, older: past },
            other => other,
        })
    }
}

fn is_run(place: usize) -> bool {
    place % 2 == 1
}

#[cfg(test)]
mod exhaustive;
#[cfg(test)]
mod tests;
