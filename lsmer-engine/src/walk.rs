//! A lookup on its way through the tables, newest run first.
//!
//! It stops wherever it lacks a block and goes on from there, so that several of them can be
//! driven in turn (`multi_get.rs`).

use lsmer_core::{
    Block, BlockReader, BlockRequest, Kind, Located, Lookup, Probe, Result, Search, Step, Table,
    mutant,
};

use crate::view::Version;

/// One key, and how far its lookup has come.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    probe: Probe<'a>,
    version: &'a Version,
    /// The first run that was not asked yet.
    next: usize,
    /// The block to look into.
    here: Option<Here<'a>>,
}

/// A block of a table that the version keeps open.
#[derive(Clone, Copy, Debug)]
struct Here<'a> {
    table: &'a dyn Table,
    located: Located,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(probe: Probe<'a>, version: &'a Version) -> Self {
        Self { probe, version, next: 0, here: None }
    }

    /// Goes on until an entry is found or no table is left.
    pub(crate) fn advance(&mut self, blocks: &mut BlockReader<'_>) -> Result<Step<Option<Lookup>>> {
        loop {
            let Step::Done(request) = self.locate(blocks)? else { return Ok(Step::Miss) };
            let Some(request) = request else { return Ok(Step::Done(None)) };
            let Some(block) = blocks.get(request) else { return Ok(Step::Miss) };
            if let Some(found) = self.search(block)? {
                return Ok(Step::Done(Some(found)));
            }
        }
    }

    /// Brings closer what the tables will look at first; purely a hint.
    pub(crate) fn prefetch(&self) {
        let tables = self.version.runs.iter().filter_map(|run| run.covering(self.probe.key));
        tables.for_each(|table| table.prefetch(&self.probe));
    }

    /// Goes on to the next block that may have the key; returns what to ask for to get it, or
    /// `None` if no table is left.
    pub(crate) fn locate(
        &mut self,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Option<BlockRequest>>> {
        while self.here.is_none() {
            let Some(run) = self.version.runs.get(self.next) else { return Ok(Step::Done(None)) };
            if let Some(table) = run.covering(self.probe.key) {
                let Step::Done(table) = table.keep_open(blocks)? else { return Ok(Step::Miss) };
                self.here = table.locate(&self.probe).map(|located| Here { table, located });
            }
            self.next += 1;
        }
        Ok(Step::Done(self.here()))
    }

    /// Returns what to ask for to get the block that was located.
    pub(crate) fn here(&self) -> Option<BlockRequest> {
        self.here.map(|here| here.located.request)
    }

    /// Looks into the block that was located; `None`: the walk goes on.
    pub(crate) fn search(&mut self, block: Block) -> Result<Option<Lookup>> {
        let Here { table, located } = self.here.take().expect("it was located");
        match table.search(&self.probe, &located, &block)? {
            Search::Row(row) => {
                let found = Lookup { block, row };
                let passed = mutant!("lookup-passes-a-delete") && found.kind() == Kind::Delete;
                return Ok((!passed).then_some(found));
            }
            Search::Nothing => {}
            Search::GoesOn(located) => self.here = Some(Here { table, located }),
        }
        Ok(None)
    }
}
