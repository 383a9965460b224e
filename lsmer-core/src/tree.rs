//! The shape of a tree: an ordered list of runs, newest first, each of tables with disjoint keys.
//!
//! Levels are a label that a strategy gives to runs. Positions are named by [`RunId`] and never by
//! index, because flushes insert runs while a compaction is under way.

use std::sync::Arc;

use crate::{Error, Result, TableId, TableMeta, mutant};

/// Identity of a run; never reused within a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RunId(pub u64);

/// Tables whose key ranges are disjoint, in key order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Identity.
    pub id: RunId,
    /// The strategy's label; flushes make level 0.
    pub level: u8,
    /// The tables, by key. Never empty.
    pub tables: Vec<Arc<TableMeta>>,
}

impl Run {
    /// Returns the size of its files in bytes.
    pub fn bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.file_bytes).sum()
    }

    /// Returns the tables that may hold a key of `[low, high]`: a stretch of neighbours.
    pub fn overlapping(&self, low: &[u8], high: &[u8]) -> &[Arc<TableMeta>] {
        let start = self.tables.partition_point(|table| *table.largest < *low);
        let rest = &self.tables[start..];
        &rest[..rest.partition_point(|table| *table.smallest <= *high)]
    }

    /// Returns the table that may hold `key`.
    pub fn covering(&self, key: &[u8]) -> Option<&Arc<TableMeta>> {
        self.overlapping(key, key).first()
    }
}

/// All runs of one keyspace, newest first: where two hold the same key, the first one's entries
/// are newer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// The runs.
    pub runs: Vec<Run>,
}

/// Where a run goes that the tree does not have yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Place {
    /// Before all others: the result of a flush.
    Newest,
    /// Just before (newer than) this run.
    Before(RunId),
    /// Just behind (older than) this run.
    After(RunId),
    /// Behind all others.
    Oldest,
}

/// A change of a tree's shape: tables leave, then tables arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeEdit {
    /// Tables that leave their runs. A run without tables is gone.
    pub remove: Vec<(RunId, TableId)>,
    /// Tables that arrive.
    pub add: Vec<Arrival>,
}

/// Tables that arrive in one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The run; made at `place` if the tree does not have it.
    pub run: RunId,
    /// Label of the run if it is made.
    pub level: u8,
    /// Where the run goes if it is made. Resolved before the removals of the same edit, so that a
    /// run may take the place of one that vanishes.
    pub place: Place,
    /// The tables.
    pub tables: Vec<Arc<TableMeta>>,
}

impl Tree {
    /// Returns the run, if it is here.
    pub fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.id == id)
    }

    /// Returns all tables, newest run first.
    pub fn tables(&self) -> impl Iterator<Item = &Arc<TableMeta>> {
        self.runs.iter().flat_map(|run| &run.tables)
    }

    /// Returns the size of all files in bytes.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(Run::bytes).sum()
    }

    /// Returns the tree after an edit.
    ///
    /// # Errors
    ///
    /// `Conflict` if the edit names a table or a run that is not here, or would put overlapping
    /// tables into one run.
    pub fn apply(&self, edit: &TreeEdit) -> Result<Self> {
        let conflict = |what| Error::new(crate::ErrorKind::Conflict, what);
        let mut tree = self.clone();
        for arrival in &edit.add {
            if tree.run(arrival.run).is_some() {
                continue;
            }
            let position = |id| tree.runs.iter().position(|run| run.id == id);
            let at = match arrival.place {
                Place::Newest => Some(0),
                Place::Oldest => Some(tree.runs.len()),
                Place::Before(id) => position(id),
                Place::After(id) if mutant!("run-before-instead-of-behind") => position(id),
                Place::After(id) => position(id).map(|at| at + 1),
            };
            let at = at.ok_or_else(|| conflict("an edit places a run beside one that is gone"))?;
            let run = Run { id: arrival.run, level: arrival.level, tables: Vec::new() };
            tree.runs.insert(at, run);
        }
        for (id, table) in &edit.remove {
            let run = tree.runs.iter_mut().find(|run| run.id == *id);
            let at = run.and_then(|run| {
                let at = run.tables.iter().position(|meta| meta.id == *table)?;
                Some((run, at))
            });
            let (run, at) = at.ok_or_else(|| conflict("an edit removes a table that is gone"))?;
            run.tables.remove(at);
        }
        for arrival in &edit.add {
            let run = tree.runs.iter_mut().find(|run| run.id == arrival.run).expect("made above");
            run.tables.extend(arrival.tables.iter().map(Arc::clone));
            run.tables.sort_by(|a, b| a.smallest.cmp(&b.smallest));
            if run.tables.windows(2).any(|pair| pair[0].largest >= pair[1].smallest) {
                return Err(conflict("an edit would make the tables of a run overlap"));
            }
        }
        tree.runs.retain(|run| !run.tables.is_empty());
        Ok(tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(number: u64, low: &str, high: &str) -> Arc<TableMeta> {
        Arc::new(TableMeta {
            id: TableId { epoch: 1, number },
            smallest: low.as_bytes().into(),
            largest: high.as_bytes().into(),
            ..TableMeta::default()
        })
    }

    fn arrive(run: u64, place: Place, tables: &[&Arc<TableMeta>]) -> Arrival {
        let tables = tables.iter().map(|table| Arc::clone(table)).collect();
        Arrival { run: RunId(run), level: 0, place, tables }
    }

    #[test]
    fn edits_place_fill_and_empty_runs() {
        let [a, b, c] = [table(1, "a", "c"), table(2, "d", "f"), table(3, "e", "g")];
        let edit = TreeEdit {
            remove: vec![],
            add: vec![arrive(1, Place::Oldest, &[&b, &a]), arrive(2, Place::Newest, &[&c])],
        };
        let tree = Tree::default().apply(&edit).unwrap();
        assert_eq!(tree.runs.iter().map(|run| run.id.0).collect::<Vec<_>>(), [2, 1]);
        let ids: Vec<_> = tree.runs[1].tables.iter().map(|table| table.id.number).collect();
        assert_eq!(ids, [1, 2], "by key");
        assert_eq!(tree.runs[1].overlapping(b"c", b"d").len(), 2);
        assert!(tree.runs[1].covering(b"cc").is_none());

        // A run may take the place of one that vanishes with the same edit.
        let remove = vec![(RunId(2), c.id)];
        let add = vec![arrive(3, Place::Before(RunId(2)), &[&c])];
        let moved = tree.apply(&TreeEdit { remove, add }).unwrap();
        assert_eq!(moved.runs.iter().map(|run| run.id.0).collect::<Vec<_>>(), [3, 1]);
    }

    #[test]
    fn an_edit_that_does_not_fit_is_a_conflict() {
        let [a, b] = [table(1, "a", "c"), table(2, "c", "f")];
        let add = vec![arrive(1, Place::Newest, &[&a, &b])];
        let overlap = TreeEdit { remove: vec![], add };
        let missing = TreeEdit { remove: vec![(RunId(1), a.id)], add: vec![] };
        let add = vec![arrive(1, Place::After(RunId(9)), &[&a])];
        let nowhere = TreeEdit { remove: vec![], add };
        for edit in [overlap, missing, nowhere] {
            let error = Tree::default().apply(&edit).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Conflict, "{edit:?}");
        }
    }
}
