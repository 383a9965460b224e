//! What a strategy sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::CompactionJob;
use crate::{Run, TableId, TableMeta, Tree};

/// The tree, and what jobs under way do with it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TreeView<'a> {
    /// The tree: runs newest first, and all that is known of their tables.
    pub tree: &'a Tree,
    /// Tables that a running job takes; a plan must leave them alone.
    pub busy: &'a BTreeSet<TableId>,
    /// The jobs under way, as far as the caller tells.
    pub running: &'a [CompactionJob],
    reads: Option<&'a BTreeMap<TableId, u64>>,
}

impl<'a> TreeView<'a> {
    /// Makes a view of a tree and of the tables that are taken.
    pub fn new(tree: &'a Tree, busy: &'a BTreeSet<TableId>) -> Self {
        Self { tree, busy, running: &[], reads: None }
    }

    /// Sets [`running`](Self::running), whose tables are in [`busy`](Self::busy).
    #[must_use]
    pub fn with_running(mut self, running: &'a [CompactionJob]) -> Self {
        self.running = running;
        self
    }

    /// Sets what [`reads`](Self::reads) knows.
    #[must_use]
    pub fn with_reads(mut self, reads: &'a BTreeMap<TableId, u64>) -> Self {
        self.reads = Some(reads);
        self
    }

    /// Returns the runs, newest first.
    pub fn runs(&self) -> &'a [Run] {
        &self.tree.runs
    }

    /// Returns whether a job takes the table.
    pub fn is_taken(&self, table: &TableMeta) -> bool {
        self.busy.contains(&table.id)
    }

    /// Returns whether no table of the run is taken.
    pub fn is_free(&self, run: &Run) -> bool {
        self.busy.is_empty() || run.tables.iter().all(|table| !self.is_taken(table))
    }

    /// Returns how many bytes of tables of `run` have keys in the range of `table`.
    pub fn overlap_bytes(&self, table: &TableMeta, run: &Run) -> u64 {
        let overlap = run.overlapping(&table.smallest, &table.largest).iter();
        overlap.fold(0, |sum, table| sum.saturating_add(table.file_bytes))
    }

    /// Returns how many lookups and scans the table served since it was written; `None` if the
    /// caller does not count them.
    pub fn reads(&self, table: &TableMeta) -> Option<u64> {
        Some(self.reads?.get(&table.id).copied().unwrap_or(0))
    }

    /// Returns how long ago the oldest delete of the run was flushed, as far as is known.
    pub fn oldest_delete(&self, run: &Run, now: Duration) -> Option<Duration> {
        run.tables.iter().filter_map(|table| table.delete_age(now)).max()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::RunId;

    fn table(number: u64, bounds: [u8; 2], bytes: u64) -> Arc<TableMeta> {
        Arc::new(TableMeta {
            id: TableId { epoch: 1, number },
            file_bytes: bytes,
            smallest: [bounds[0]].into(),
            largest: [bounds[1]].into(),
            ..TableMeta::default()
        })
    }

    #[test]
    fn what_is_taken_overlapped_and_read_is_seen() {
        let tables = vec![table(1, *b"ac", 10), table(2, *b"df", 20), table(3, *b"gh", u64::MAX)];
        let tree = Tree { runs: vec![Run { id: RunId(1), level: 0, tables }] };
        let busy = BTreeSet::from([TableId { epoch: 1, number: 2 }]);
        let view = TreeView::new(&tree, &busy);
        let run = &view.runs()[0];
        assert_eq!(
            run.tables.iter().map(|table| view.is_taken(table)).collect::<Vec<_>>(),
            [false, true, false]
        );
        assert!(!view.is_free(run));
        assert_eq!(view.overlap_bytes(&table(9, *b"cd", 0), run), 30);
        assert_eq!(view.overlap_bytes(&table(9, *b"cz", 0), run), u64::MAX, "no overflow");
        assert_eq!(view.reads(&run.tables[0]), None);
        let reads = BTreeMap::from([(run.tables[0].id, 7)]);
        let counted = view.with_reads(&reads);
        let reads: Vec<_> = run.tables.iter().map(|table| counted.reads(table)).collect();
        assert_eq!(reads, [Some(7), Some(0), Some(0)]);
    }
}
