//! The tables of one run as a version shows them: handles, and what of them is open.
//!
//! A lookup pins its view once. All that it reads from there on belongs to the view, open tables
//! included, so that it neither counts nor locks to use one: the version keeps a table from when a
//! lookup first found it open. Closing it meanwhile only keeps others from finding it. What closed
//! tables take is so let go of with the version, and when that gets too much, the view is
//! replaced by an equal one that keeps open tables only (`Shared::count_blocks`).

use std::{ops::Deref, sync::Arc};

use lsmer_core::{BlockReader, Probe, Result, Run, RunId, Step, Table};
use lsmer_sync::OnceLock;

use crate::{
    fences::Fences,
    tables::{TableHandle, Tables},
};

/// The tables of one run, by key.
#[derive(Clone, Debug)]
pub(crate) struct RunTables {
    pub(crate) id: RunId,
    pub(crate) tables: Arc<[RunTable]>,
    fences: Arc<Fences>,
}

/// A table, which is kept open once a lookup came by.
#[derive(Debug)]
pub(crate) struct RunTable {
    handle: Arc<TableHandle>,
    kept: OnceLock<Arc<dyn Table>>,
}

impl RunTables {
    pub(crate) fn new(run: &Run, tables: &Arc<Tables>) -> Self {
        let fences = Fences::new(run.tables.iter().map(|meta| &**meta));
        let tables = run.tables.iter().map(|meta| RunTable::new(tables.handle(meta))).collect();
        Self { id: run.id, tables, fences: Arc::new(fences) }
    }

    /// Returns the same run, which keeps what is open now.
    pub(crate) fn renewed(&self) -> Self {
        let tables = self.tables.iter().map(|table| RunTable::new(Arc::clone(table))).collect();
        Self { id: self.id, tables, fences: Arc::clone(&self.fences) }
    }

    /// Returns the table that may hold `key`.
    #[inline]
    pub(crate) fn covering(&self, key: &[u8]) -> Option<&RunTable> {
        let at = self.fences.covering(key, |at| &self.tables[at].meta)?;
        Some(&self.tables[at])
    }
}

impl RunTable {
    /// Keeps the table open if it is.
    fn new(handle: Arc<TableHandle>) -> Self {
        let kept = OnceLock::new();
        if let Some(open) = handle.opened() {
            kept.get_or_init(|| open);
        }
        Self { handle, kept }
    }

    /// Returns the open table, and keeps it as long as the version lives; on a miss its index or
    /// its filter has to be fetched first.
    #[inline]
    pub(crate) fn keep_open(&self, blocks: &mut BlockReader<'_>) -> Result<Step<&dyn Table>> {
        match self.kept.get() {
            Some(table) => Ok(Step::Done(&**table)),
            None => self.keep_open_now(blocks),
        }
    }

    /// Brings closer what a lookup in the table begins with; purely a hint.
    #[inline]
    pub(crate) fn prefetch(&self, probe: &Probe<'_>) {
        if let Some(table) = self.kept.get() {
            table.prefetch(probe);
        }
    }

    #[cold]
    fn keep_open_now(&self, blocks: &mut BlockReader<'_>) -> Result<Step<&dyn Table>> {
        let Step::Done(table) = self.handle.open(blocks)? else { return Ok(Step::Miss) };
        Ok(Step::Done(&**self.kept.get_or_init(|| table)))
    }

    /// Returns the open table, and does not keep it: a walk over all tables would otherwise hold
    /// all of them at its end.
    pub(crate) fn open(&self, blocks: &mut BlockReader<'_>) -> Result<Step<Arc<dyn Table>>> {
        match self.kept.get() {
            Some(table) => Ok(Step::Done(Arc::clone(table))),
            None => self.handle.open(blocks),
        }
    }

    /// Returns the same table, for a walk that does not keep it open.
    pub(crate) fn again(&self) -> Self {
        Self { handle: Arc::clone(&self.handle), kept: OnceLock::new() }
    }
}

impl Deref for RunTable {
    type Target = Arc<TableHandle>;

    fn deref(&self) -> &Arc<TableHandle> {
        &self.handle
    }
}

#[cfg(test)]
mod tests;
