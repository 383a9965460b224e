//! Jobs: what a strategy wants done, as plain data that prints in one line.

use std::{borrow::Cow, collections::BTreeSet, fmt, sync::Arc};

use crate::{Arrival, Place, Run, RunId, TableId, TableMeta, Tree, TreeEdit};

/// One compaction. Plain data: it can be printed, compared, [encoded](Self::encode), and with the
/// feature `serde` serialised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CompactionJob {
    /// The tables it takes, by run. No run twice.
    pub inputs: Vec<JobInput>,
    /// What is done with them.
    pub kind: JobKind,
    /// Why, in a word or two, for people.
    pub reason: Cow<'static, str>,
}

/// What a job does with the tables it takes.
// Exhaustive: whoever carries jobs out must know all kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum JobKind {
    /// Read them and write what somebody can still see of them to new tables.
    Merge {
        /// Where the new tables go.
        output: JobOutput,
        /// Cut a new table once it has this many bytes.
        table_bytes: u64,
    },
    /// Give them to another run as they are, without reading them: a trivial move. Their run must
    /// be the only input.
    Move {
        /// Where they go.
        output: JobOutput,
    },
    /// Remove them with all that is in them. Their data is lost on purpose, for snapshots too; what
    /// is newer stays, and nothing older comes to light.
    Drop,
}

/// Tables of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobInput {
    /// The run.
    pub run: RunId,
    /// Some of its tables.
    pub tables: Vec<TableId>,
}

/// Where the result of a job goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JobOutput {
    /// Into a run that is there, or into a new one.
    pub target: Target,
    /// Label of the run; an existing run keeps the one it has.
    pub level: u8,
}

/// The run that a job writes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Target {
    /// A run that is there.
    Existing(RunId),
    /// A new run at this place.
    New(Place),
}

impl CompactionJob {
    /// Makes a job that merges tables.
    pub fn merge(inputs: Vec<JobInput>, output: JobOutput, table_bytes: u64) -> Self {
        let kind = JobKind::Merge { output, table_bytes };
        Self { inputs, kind, reason: Cow::Borrowed("") }
    }

    /// Makes a job that moves tables as they are.
    pub fn trivial_move(input: JobInput, output: JobOutput) -> Self {
        let kind = JobKind::Move { output };
        Self { inputs: vec![input], kind, reason: Cow::Borrowed("") }
    }

    /// Makes a job that drops tables with what is in them.
    pub fn drop_tables(inputs: Vec<JobInput>) -> Self {
        Self { inputs, kind: JobKind::Drop, reason: Cow::Borrowed("") }
    }

    /// Sets [`reason`](Self::reason).
    #[must_use]
    pub fn because(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Returns where its result goes; `None` for a drop, which has none.
    pub fn output(&self) -> Option<JobOutput> {
        match self.kind {
            JobKind::Merge { output, .. } | JobKind::Move { output } => Some(output),
            JobKind::Drop => None,
        }
    }

    /// Returns the tables it takes.
    pub fn tables(&self) -> impl Iterator<Item = TableId> + Clone {
        self.inputs.iter().flat_map(|input| &input.tables).copied()
    }

    /// Returns what is known of the tables it takes, those of newer runs first.
    pub fn metas<'a>(&self, tree: &'a Tree) -> impl Iterator<Item = &'a Arc<TableMeta>> {
        let taken: BTreeSet<TableId> = self.tables().collect();
        tree.tables().filter(move |table| taken.contains(&table.id))
    }

    /// Returns the change of the tree once it is carried out: what it takes leaves, and `tables`
    /// arrive. If they make a run, it is given the name that `new_run` returns.
    pub fn edit(&self, tables: Vec<Arc<TableMeta>>, new_run: impl FnOnce() -> RunId) -> TreeEdit {
        let of_run = |input: &JobInput| {
            let run = input.run;
            input.tables.clone().into_iter().map(move |table| (run, table))
        };
        let arrival = self.output().filter(|_| !tables.is_empty()).map(|output| {
            let (run, place) = match output.target {
                Target::Existing(run) => (run, Place::Oldest),
                Target::New(place) => (new_run(), place),
            };
            Arrival { run, level: output.level, place, tables }
        });
        let remove = self.inputs.iter().flat_map(of_run).collect();
        TreeEdit { remove, add: arrival.into_iter().collect() }
    }
}

impl Target {
    /// Returns the number of the first run of a tree that is older than what is written there;
    /// `None` if the run that names the place is gone.
    pub fn first_older(self, tree: &Tree) -> Option<usize> {
        let position = |id| tree.runs.iter().position(|run| run.id == id);
        match self {
            Self::Existing(id) | Self::New(Place::After(id)) => Some(position(id)? + 1),
            Self::New(Place::Before(id)) => position(id),
            Self::New(Place::Newest) => Some(0),
            Self::New(Place::Oldest) => Some(tree.runs.len()),
        }
    }
}

impl JobInput {
    /// Names all tables of a run.
    pub fn all_of(run: &Run) -> Self {
        Self { run: run.id, tables: run.tables.iter().map(|table| table.id).collect() }
    }
}

impl fmt::Display for CompactionJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.kind {
            JobKind::Merge { .. } => "merge",
            JobKind::Move { .. } => "move",
            JobKind::Drop => "drop",
        };
        f.write_str(verb)?;
        for (i, input) in self.inputs.iter().enumerate() {
            write!(f, "{} run {} [", if i > 0 { "," } else { "" }, input.run.0)?;
            for (i, table) in input.tables.iter().enumerate() {
                write!(f, "{}{table}", if i > 0 { " " } else { "" })?;
            }
            f.write_str("]")?;
        }
        if let Some(output) = self.output() {
            write!(f, " to {} at level {}", output.target, output.level)?;
        }
        if let JobKind::Merge { table_bytes, .. } = self.kind {
            write!(f, " in tables of {table_bytes} bytes")?;
        }
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Existing(run) => write!(f, "run {}", run.0),
            Self::New(Place::Newest) => f.write_str("a new run before all others"),
            Self::New(Place::Before(run)) => write!(f, "a new run before run {}", run.0),
            Self::New(Place::After(run)) => write!(f, "a new run behind run {}", run.0),
            Self::New(Place::Oldest) => f.write_str("a new run behind all others"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_one_line_that_a_person_can_read() {
        let table = |number| TableId { epoch: 1, number };
        let input = |run, tables: &[u64]| JobInput {
            run: RunId(run),
            tables: tables.iter().copied().map(table).collect(),
        };
        let output = JobOutput { target: Target::New(Place::After(RunId(3))), level: 2 };
        let inputs = vec![input(5, &[7, 8]), input(3, &[4])];
        let job = CompactionJob::merge(inputs.clone(), output, 100).because("level 0");
        let text = "merge run 5 [1-7 1-8], run 3 [1-4] to a new run behind run 3 at level 2 \
                    in tables of 100 bytes: level 0";
        assert_eq!(job.to_string(), text);
        let output = JobOutput { target: Target::Existing(RunId(9)), level: 6 };
        let moved = CompactionJob::trivial_move(input(5, &[7]), output);
        assert_eq!(moved.to_string(), "move run 5 [1-7] to run 9 at level 6");
        let job = CompactionJob::drop_tables(inputs).because("age");
        assert_eq!(job.to_string(), "drop run 5 [1-7 1-8], run 3 [1-4]: age");
        assert_eq!((job.output(), job.tables().count()), (None, 3));
    }
}
