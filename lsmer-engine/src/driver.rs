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
    flight::{Flight, Flights},
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
        assert!(!shelf.missing().is_empty(), "a part missed a block and did not ask for it");
        let mut wanted = shelf.missing().to_vec();
        #[cfg(test)]
        self.be_reluctant(&mut wanted);
        wanted.sort_unstable_by_key(|request| request.id);
        let (own, others) = self.flights.board(wanted);
        let own = Own { flights: &self.flights, own };
        let mut failed = None;
        let mut rest = &own.own[..];
        while !rest.is_empty() {
            let (group, behind) = rest.split_at(neighbours(rest));
            rest = behind;
            let requests: Vec<BlockRequest> = group.iter().map(|(request, _)| *request).collect();
            #[cfg(test)]
            let read = tests::in_driver(|| self.read(&requests));
            #[cfg(not(test))]
            let read = self.read(&requests);
            let mut blocks = read.map(Vec::into_iter);
            for (request, flight) in group {
                let result = match &mut blocks {
                    Ok(blocks) => blocks.next().expect("a result for each request"),
                    Err(error) => Err(error.clone()),
                };
                if let (Ok(block), Fill::Cache) = (&result, fill) {
                    self.tables.parts.cache.insert(request.id, block.clone());
                }
                self.flights.land(request.id, flight, result.clone());
                deliver(shelf, request.id, result, &mut failed);
            }
        }
        for (id, flight) in others {
            let result = flight.join(&*self.tables.parts.env.exec);
            deliver(shelf, id, result, &mut failed);
        }
        shelf.forget_missing();
        failed.map_or(Ok(()), Err)
    }

    /// Reads and decodes neighbouring blocks of one table.
    fn read(&self, requests: &[BlockRequest]) -> Result<Vec<Result<Block>>> {
        let id = requests[0].id.table;
        let gone = || Error::bad_table("a read outlived its table", &TableMeta::default());
        let handle = self.tables.find(id).ok_or_else(gone)?;
        let path = self.tables.path(id);
        let at = |error: Error, request: &BlockRequest| error.at(&path, request.id.offset);
        for request in requests {
            check_extent(request, &handle).map_err(|error| at(error, request))?;
        }
        let file = handle.file()?;
        let mut buffers: Vec<BlockBuf> =
            requests.iter().map(|request| BlockBuf::zeroed(request.bytes as usize)).collect();
        let mut reads: Vec<ReadRequest<'_>> = requests
            .iter()
            .zip(&mut buffers)
            .map(|(request, buf)| ReadRequest { offset: request.id.offset, buf })
            .collect();
        file.read_batch(&mut reads).map_err(|source| match source.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                at(Error::corruption("a table is shorter than its blocks"), &requests[0])
            }
            _ => at(Error::io("cannot read a block", source), &requests[0]),
        })?;
        let format = self.tables.parts.format(&handle.meta.format);
        let format = format.expect("the table that asks was opened by this format");
        let decode = |(request, raw): (&BlockRequest, BlockBuf)| {
            format.decode(&request.id, raw).map_err(|error| at(error, request))
        };
        Ok(requests.iter().zip(buffers).map(decode).collect())
    }
}

/// The flights of one fetch. All of them land, also if a decoder panics: others wait for them.
struct Own<'a> {
    flights: &'a Flights,
    own: Vec<(BlockRequest, Arc<Flight>)>,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        for (request, flight) in &self.own {
            if !flight.has_landed() {
                let lost = Error::new(ErrorKind::Io, "the read of a block was cut short");
                self.flights.land(request.id, flight, Err(lost));
            }
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
fn neighbours(requests: &[(BlockRequest, Arc<Flight>)]) -> usize {
    let end = |request: &BlockRequest| request.id.offset + u64::from(request.bytes);
    let touches = |pair: &&[(BlockRequest, Arc<Flight>)]| {
        let [(first, _), (second, _)] = pair else { return false };
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
