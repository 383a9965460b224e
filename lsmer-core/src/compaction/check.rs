//! The laws of compaction, checked on every plan.

use std::fmt;

use super::CompactionJob;
use crate::{RunId, TableId, TreeView};

/// Which law a job breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Illegal {
    /// It reads nothing.
    Empty,
    /// It names a run that is not in the tree.
    NoSuchRun(RunId),
    /// It names a table that is not in that run.
    NoSuchTable(RunId, TableId),
    /// It names a run or a table twice.
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
    /// It moves tables without reading them although their keys would have to be merged.
    NotTrivial,
}

impl fmt::Display for Illegal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// Checks a job against the tree as it is now.
///
/// # Errors
///
/// The first law it breaks.
pub fn check(_tree: TreeView<'_>, _job: &CompactionJob) -> Result<(), Illegal> {
    Err(Illegal::Empty) // being written
}
