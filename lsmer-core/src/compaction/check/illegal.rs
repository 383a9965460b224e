//! What is said of a job that breaks a law.

use std::fmt;

use crate::{RunId, TableId};

/// What a job does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Illegal {
    /// It takes nothing, or nothing of a run that it names.
    Empty,
    /// It names a run that is not in the tree.
    NoSuchRun(RunId),
    /// It names a table that is not in that run.
    NoSuchTable(RunId, TableId),
    /// It names this table, or the run of this table, twice.
    Twice(TableId),
    /// It takes a table that another job takes.
    Busy(TableId),
    /// It moves entries of `moved` past those of `past`, which overlap them: an old version would
    /// hide a newer one.
    Overtakes {
        /// A table that the job takes.
        moved: TableId,
        /// A table that it leaves where it is.
        past: TableId,
    },
    /// It would write beside a table of the output run whose keys overlap its own.
    Overlaps(TableId),
    /// It moves tables without reading them although their keys would have to be merged, or moves
    /// them to where they are.
    NotTrivial,
    /// It drops a table and leaves an older one with the same keys, whose versions would come to
    /// light.
    Uncovers {
        /// A table that the job drops.
        dropped: TableId,
        /// A table of an older run.
        older: TableId,
    },
    /// It drops tables, and its strategy [does not say](crate::CompactionStrategy::drops) that it
    /// does.
    Undeclared,
}

/// The laws, for counting: see [`check`](crate::check).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Law {
    /// C1: what it takes is there, and free.
    Takes,
    /// C2: no entry passes another one of its key.
    Order,
    /// C3: tables of a run are disjoint.
    Disjoint,
    /// C4: what is moved as it is can be.
    Moves,
    /// C5: what is dropped was to be dropped, and uncovers nothing.
    Drops,
}

impl Law {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::Takes, Self::Order, Self::Disjoint, Self::Moves, Self::Drops];
}

impl Illegal {
    /// Returns the law that is broken.
    pub fn law(&self) -> Law {
        match self {
            Self::Empty
            | Self::NoSuchRun(_)
            | Self::NoSuchTable(..)
            | Self::Twice(_)
            | Self::Busy(_) => Law::Takes,
            Self::Overtakes { .. } => Law::Order,
            Self::Overlaps(_) => Law::Disjoint,
            Self::NotTrivial => Law::Moves,
            Self::Uncovers { .. } | Self::Undeclared => Law::Drops,
        }
    }
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the job takes nothing"),
            Self::NoSuchRun(run) => write!(f, "there is no run {}", run.0),
            Self::NoSuchTable(run, table) => write!(f, "run {} has no table {table}", run.0),
            Self::Twice(table) => write!(f, "the job names table {table} or its run twice"),
            Self::Busy(table) => write!(f, "another job takes table {table}"),
            Self::Overtakes { moved, past } => {
                write!(f, "entries of table {moved} would move past those of table {past}")
            }
            Self::Overlaps(table) => write!(f, "the output may overlap table {table} of its run"),
            Self::NotTrivial => f.write_str("the tables cannot be moved as they are"),
            Self::Uncovers { dropped, older } => {
                write!(f, "without table {dropped} older entries of table {older} come to light")
            }
            Self::Undeclared => f.write_str("the strategy does not say that it drops tables"),
        }
    }
}
