//! Lookups of several keys at once, stage by stage.
//!
//! A lookup waits for memory several times, one wait after the other: for a line of a filter, for
//! the cache, for a block. The waits of different keys have nothing to do with each other, so a
//! group of them takes each step together: first all are sent for, then all are used (after
//! "AMAC", Kocberber et al., VLDB 2015). What is in no cache is asked for by all keys before any
//! of it is read.

use lsmer_core::{
    Block, BlockReader, BlockShelf, Kind, Lookup, Probe, Result, Step, Value, check_key, mutant,
};

use crate::{driver::Fill, read::Reader, walk::Walk};

/// Keys that take their steps together: about as many as a processor waits for at a time.
const GROUP: usize = 16;
/// Keys whose missing blocks are fetched together.
const FETCH: usize = 256;

/// A key whose entry is in no memtable.
#[derive(Debug)]
struct Seeker<'a> {
    /// Its number among the keys of the call.
    at: usize,
    walk: Walk<'a>,
    /// What it is to look into.
    block: Option<Block>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It can take its next step.
    Goes,
    /// Something has to be fetched first.
    Waits,
    /// Found, or known to be nowhere.
    Ended,
}

impl Reader {
    /// Returns the values of several keys, in their order, as of one moment. What is not cached
    /// is gathered over many keys and read together.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get).
    pub fn multi_get<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Value>>> {
        self.check_open()?;
        let pinned = self.pin();
        let mut values: Vec<Option<Value>> = vec![None; keys.len()];
        let mut seekers = Vec::with_capacity(keys.len());
        for (at, key) in keys.iter().enumerate() {
            check_key(key.as_ref())?;
            let probe = Probe::new(key.as_ref(), pinned.seqno);
            let found = pinned.view.get_in_memory(&probe, &mut |entry| {
                values[at] = (entry.kind == Kind::Put).then(|| Value::from(entry.value));
            });
            if !found {
                let walk = Walk::new(probe, &pinned.view.version);
                seekers.push(Seeker { at, walk, block: None, state: State::Goes });
            }
        }
        for seekers in seekers.chunks_mut(FETCH) {
            self.seek(seekers, &mut values)?;
        }
        Ok(values)
    }

    /// Finds what is in tables.
    fn seek(&self, seekers: &mut [Seeker<'_>], values: &mut [Option<Value>]) -> Result<()> {
        let shared = &*self.shared;
        let mut shelf = BlockShelf::default();
        let read = shared.driver.drive(&mut shelf, Fill::Cache, |blocks| {
            let mut waits = false;
            for group in seekers.chunks_mut(GROUP) {
                waits |= advance(group, blocks, values)?;
            }
            Ok(if waits { Step::Miss } else { Step::Done(()) })
        });
        if !mutant!("multi-get-swallows-an-error") {
            read?;
        }
        shared.count_blocks(&mut shelf);
        Ok(())
    }
}

/// Takes a group as far as it comes; returns whether one of it waits for a block.
fn advance(
    group: &mut [Seeker<'_>],
    blocks: &mut BlockReader<'_>,
    values: &mut [Option<Value>],
) -> Result<bool> {
    for seeker in going(group) {
        seeker.walk.prefetch();
    }
    while going(group).next().is_some() {
        for seeker in going(group) {
            seeker.locate(blocks)?;
        }
        // No count and no lock is touched up to the next stage: either would end the overlap.
        for request in going(group).filter_map(|seeker| seeker.walk.here()) {
            blocks.prefetch_block(&request.id);
        }
        for seeker in going(group) {
            seeker.take(blocks);
        }
        for seeker in going(group) {
            seeker.search(values)?;
        }
    }
    let waiting = group.iter_mut().filter(|seeker| seeker.state == State::Waits);
    Ok(waiting.map(|seeker| seeker.state = State::Goes).count() > 0)
}

fn going<'s, 'a>(group: &'s mut [Seeker<'a>]) -> impl Iterator<Item = &'s mut Seeker<'a>> {
    group.iter_mut().filter(|seeker| seeker.state == State::Goes)
}

impl Seeker<'_> {
    /// Finds the next block to look into, and sends for it.
    fn locate(&mut self, blocks: &mut BlockReader<'_>) -> Result<()> {
        match self.walk.locate(blocks)? {
            Step::Done(Some(request)) => blocks.prefetch(&request.id),
            Step::Done(None) => self.state = State::Ended,
            Step::Miss => self.state = State::Waits,
        }
        Ok(())
    }

    /// Takes the block that was located.
    fn take(&mut self, blocks: &mut BlockReader<'_>) {
        self.block = self.walk.here().and_then(|request| blocks.get(request));
        if self.block.is_none() {
            self.state = State::Waits;
        }
    }

    /// Looks into the block that it took.
    fn search(&mut self, values: &mut [Option<Value>]) -> Result<()> {
        let Some(block) = self.block.take() else { return Ok(()) };
        if let Some(found) = self.walk.search(block)? {
            let put = Some(found).filter(|found| found.kind() == Kind::Put);
            values[self.at] = put.map(Lookup::into_value);
            self.state = State::Ended;
        }
        Ok(())
    }
}
