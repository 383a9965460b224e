//! Fetching what reads lack: the only place of the engine that reads tables.
//!
//! Equal fetches are made once: see `flight.rs`. Neighbouring blocks are read together.

use std::{ops::Range, sync::Arc};

use lsmer_core::{
    Block, BlockBuf, BlockId, BlockReader, BlockRequest, BlockShelf, Error, ErrorKind, ReadRequest,
    Result, Step, TableMeta,
};
#[cfg(test)]
use lsmer_sync::Mutex;

use crate::{
    flight::Flights,
    tables::{TableHandle, Tables},
};

/// Whether fetched blocks are offered to the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    Cache,
    /// A compaction reads every block once: it must not wash the cache out.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) tables: Arc<Tables>,
    flights: Flights,
    /// Brings one missing block at a time, picked by this, and forgets about the others.
    #[cfg(test)]
    pub(crate) reluctant: Mutex<Option<u64>>,
}

impl Driver {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self {
            tables,
            flights: Flights::default(),
            #[cfg(test)]
            reluctant: Mutex::default(),
        }
    }

    /// Calls `step` until it is done, fetching what it misses. Blocks on I/O.
    pub(crate) fn drive<T>(
        &self,
        shelf: &mut BlockShelf,
        fill: Fill,
        mut step: impl FnMut(&mut BlockReader<'_>) -> Result<Step<T>>,
    ) -> Result<T> {
        loop {
            let cache = &*self.tables.parts.cache;
            let result = step(&mut BlockReader::new(cache, shelf));
            match result {
                Ok(Step::Done(value)) => return Ok(value),
                Ok(Step::Miss) => self.fetch(shelf, fill)?,
                Err(error) => {
                    shelf.forget_missing();
                    return Err(error);
                }
            }
        }
    }

    /// Brings the missing blocks of an operation to its shelf. Blocks on I/O.
    pub(crate) fn fetch(&self, shelf: &mut BlockShelf, fill: Fill) -> Result<()> {
        let mut wanted = shelf.take_missing();
        assert!(!wanted.is_empty(), "a part missed a block and did not ask for it");
        #[cfg(test)]
        self.be_reluctant(&mut wanted);
        wanted.sort_unstable_by_key(|request| request.id);
        let mut others = Vec::new();
        wanted.retain(|request| match self.flights.board(&request.id) {
            None => true,
            Some(flight) => {
                others.push((request.id, flight));
                false
            }
        });
        let mut own = Own { flights: &self.flights, all: wanted, landed: 0 };
        let mut failed = None;
        while own.landed < own.all.len() {
            let rest = &own.all[own.landed..];
            let group = &rest[..neighbours(rest)];
            let end = own.landed + group.len();
            #[cfg(test)]
            let mut read = tests::in_driver(|| self.read(group));
            #[cfg(not(test))]
            let mut read = self.read(group);
            while own.landed < end {
                let request = own.all[own.landed];
                let result = self.decode(&request, &mut read);
                if let (Ok(block), Fill::Cache) = (&result, fill) {
                    self.tables.parts.cache.insert(request.id, block.clone());
                }
                own.land(&result);
                deliver(shelf, request.id, result, &mut failed);
            }
        }
        for (id, flight) in others {
            let result = flight.join(&*self.tables.parts.env.exec);
            deliver(shelf, id, result, &mut failed);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Reads neighbouring blocks of one table.
    fn read(&self, group: &[BlockRequest]) -> Result<Stored> {
        let [first, others @ ..] = group else { unreachable!("a group has a block") };
        let gone = || Error::bad_table("a read outlived its table", &TableMeta::default());
        let handle = self.tables.find(first.id.table).ok_or_else(gone)?;
        for request in group {
            check_extent(request, &handle).map_err(|error| self.at(error, request))?;
        }
        let buffer = |request: &BlockRequest| BlockBuf::unfilled(request.bytes as usize);
        let mut stored = Stored { first: Some(buffer(first)), others: vec![].into_iter(), handle };
        let file = stored.handle.file()?;
        let read = if let (Some(buf), []) = (&mut stored.first, others) {
            file.read_exact_at(buf, first.id.offset)
        } else {
            let mut buffers: Vec<BlockBuf> = others.iter().map(buffer).collect();
            let all = stored.first.iter_mut().chain(&mut buffers);
            let mut reads: Vec<ReadRequest<'_>> = group
                .iter()
                .zip(all)
                .map(|(request, buf)| ReadRequest { offset: request.id.offset, buf })
                .collect();
            let read = file.read_batch(&mut reads);
            stored.others = buffers.into_iter();
            read
        };
        drop(file);
        read.map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                self.at(Error::corruption("a table is shorter than its blocks"), first)
            }
            _ => self.at(Error::io("cannot read a block", source), first),
        })?;
        Ok(stored)
    }

    /// Decodes the next block of what was read.
    fn decode(&self, request: &BlockRequest, read: &mut Result<Stored>) -> Result<Block> {
        let read = read.as_mut().map_err(|error| error.clone())?;
        let raw = read.first.take().or_else(|| read.others.next());
        let raw = raw.expect("as many as were asked for");
        let decoded = read.handle.format()?.decode(&request.id, raw);
        decoded.map_err(|error| self.at(error, request))
    }

    #[cold]
    fn at(&self, error: Error, request: &BlockRequest) -> Error {
        error.at(self.tables.path(request.id.table), request.id.offset)
    }
}

/// The stored bytes of some blocks of a table.
struct Stored {
    /// Most often there is one.
    first: Option<BlockBuf>,
    others: std::vec::IntoIter<BlockBuf>,
    handle: Arc<TableHandle>,
}

/// The flights of one fetch. All of them land, also if a decoder panics: others wait for them.
struct Own<'a> {
    flights: &'a Flights,
    all: Vec<BlockRequest>,
    /// How many of them, from the first on.
    landed: usize,
}

impl Own<'_> {
    /// Lands the next one.
    fn land(&mut self, result: &Result<Block>) {
        self.flights.land(&self.all[self.landed].id, result);
        self.landed += 1;
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        while self.landed < self.all.len() {
            self.land(&Err(Error::new(ErrorKind::Io, "the read of a block was cut short")));
        }
    }
}

/// Refuses a block that is not inside its file, before a buffer is made for it.
fn check_extent(request: &BlockRequest, handle: &TableHandle) -> Result<()> {
    let end = request.id.offset.checked_add(u64::from(request.bytes));
    if end.is_none_or(|end| end > handle.meta.file_bytes) {
        return Err(Error::corruption("a block handle points outside its table"));
    }
    Ok(())
}

fn deliver(shelf: &mut BlockShelf, id: BlockId, result: Result<Block>, failed: &mut Option<Error>) {
    match result {
        Ok(block) => shelf.deliver(id, block),
        Err(error) => {
            failed.get_or_insert(error);
        }
    }
}

/// Returns how many of the requests, sorted by id, lie side by side in one file.
fn neighbours(requests: &[BlockRequest]) -> usize {
    let end = |request: &BlockRequest| request.id.offset + u64::from(request.bytes);
    let touches = |pair: &&[BlockRequest]| {
        let [first, second] = pair else { return false };
        first.id.table == second.id.table && end(first) == second.id.offset
    };
    let range: Range<usize> = 0..requests.windows(2).take_while(touches).count();
    range.end + 1
}

#[cfg(test)]
impl Driver {
    fn be_reluctant(&self, wanted: &mut Vec<BlockRequest>) {
        if let Some(seed) = &mut *self.reluctant.lock() {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pick = usize::try_from(*seed >> 33).expect("31 bits") % wanted.len();
            *wanted = vec![wanted[pick]];
        }
    }
}

#[cfg(test)]
mod tests;
