//! A tree, seen as levels.

use lsmer_core::{Run, Tree};

/// A tree that has levels: labels do not fall from newer to older runs, and only 0 repeats.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    /// All runs, newest first.
    pub(super) runs: &'a [Run],
    /// How many of them are level 0.
    pub(super) queue: usize,
}

impl<'a> Shape<'a> {
    /// Looks for levels.
    ///
    /// # Errors
    ///
    /// The first two neighbours whose labels are out of order.
    pub(super) fn of(tree: &'a Tree) -> Result<Self, [&'a Run; 2]> {
        let runs = &tree.runs[..];
        for pair in runs.windows(2) {
            let [newer, older] = pair else { unreachable!("windows of two") };
            if newer.level > older.level || newer.level == older.level && newer.level > 0 {
                return Err([newer, older]);
            }
        }
        Ok(Self { runs, queue: runs.partition_point(|run| run.level == 0) })
    }

    /// Returns the runs of level 0, newest first.
    pub(super) fn level0(&self) -> &'a [Run] {
        &self.runs[..self.queue]
    }

    /// Returns the runs of the other levels, newest first.
    pub(super) fn levels(&self) -> &'a [Run] {
        &self.runs[self.queue..]
    }

    /// Returns the run of a level other than 0.
    pub(super) fn level(&self, level: u8) -> Option<&'a Run> {
        self.levels().iter().find(|run| run.level == level)
    }

    /// Returns the runs that are newer than all of `level` and below.
    pub(super) fn above(&self, level: u8) -> &'a [Run] {
        &self.runs[..self.runs.partition_point(|run| run.level < level)]
    }
}
