//! Reads a table as an engine does: a part that lacks blocks says so, and is called again.

use std::{collections::BTreeMap, fmt, sync::Arc};

use lsmer_core::{
    Block, BlockCache, BlockId, BlockReader, BlockRequest, BlockShelf, Cursor, Error, FilterPolicy,
    KeyRange, Probe, Result, SeqNo, Step, Table, TableFormat, TableId, TableMeta, Window,
};
use lsmer_sync::Mutex;

use super::file::Built;
use crate::{
    conformance::unharmed,
    entries::{Entry, of_window},
    seed::Seeded,
};

/// No operation on a small table takes so many steps.
const ENDLESS: usize = 10_000;

/// How blocks reach an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Supply {
    /// A cache keeps all of them.
    Cached,
    /// No cache; each miss brings one of the blocks that are missing, picked at random, and
    /// before that nothing at all.
    Reluctant,
}

/// Fetches the blocks of one table.
pub(super) struct Driver<'a> {
    format: &'a dyn TableFormat,
    bytes: &'a [u8],
    cache: Arc<Shelves>,
    supply: Supply,
    random: Seeded,
    /// Every block that was fetched, and its size.
    pub(super) fetched: BTreeMap<BlockId, u32>,
}

impl<'a> Driver<'a> {
    pub(super) fn new(format: &'a dyn TableFormat, bytes: &'a [u8], supply: Supply) -> Self {
        let keeps = supply == Supply::Cached;
        let cache = Arc::new(Shelves { keeps, blocks: Mutex::default() });
        let (random, fetched) = (Seeded::new(), BTreeMap::new());
        Self { format, bytes, cache, supply, random, fetched }
    }

    /// Reads and decodes a block.
    pub(super) fn fetch(&mut self, request: BlockRequest) -> Result<Block> {
        self.fetched.insert(request.id, request.bytes);
        let raw = raw(self.bytes, request);
        let raw = raw.ok_or_else(|| Error::corruption("a block past the end of its file"))?;
        self.format.decode(&request.id, raw.into())
    }

    /// Reads all blocks of a table, and returns the cache that has them now.
    pub(super) fn cache_all(&mut self, table: &Arc<dyn Table>) -> Result<Arc<Shelves>> {
        for request in table.blocks() {
            let block = self.fetch(request)?;
            self.cache.insert(request.id, block);
        }
        Ok(Arc::clone(&self.cache))
    }

    /// Has a block at hand from now on, whatever the file says.
    pub(super) fn keep(&mut self, id: BlockId, block: Block) {
        self.cache.put(id, block);
    }

    /// Calls `op` until it is done.
    pub(super) fn run<T>(
        &mut self,
        mut op: impl FnMut(&mut BlockReader<'_>) -> Result<Step<T>>,
    ) -> Result<T> {
        let mut shelf = BlockShelf::default();
        for _ in 0..ENDLESS {
            match op(&mut BlockReader::new(&*self.cache, &mut shelf))? {
                Step::Done(done) => return Ok(done),
                Step::Miss => self.supply(&mut shelf, &mut op)?,
            }
        }
        panic!("TABLE-03: an operation does not end; {}", self.random)
    }

    fn supply<T>(
        &mut self,
        shelf: &mut BlockShelf,
        op: &mut impl FnMut(&mut BlockReader<'_>) -> Result<Step<T>>,
    ) -> Result<()> {
        let random = &self.random;
        assert!(!shelf.missing().is_empty(), "TABLE-03: a miss asks for nothing; {random}");
        let mut wanted = shelf.missing().to_vec();
        if self.supply == Supply::Reluctant {
            let first = wanted[0];
            shelf.forget_missing();
            let again = op(&mut BlockReader::new(&*self.cache, shelf))?;
            let same = matches!(again, Step::Miss) && shelf.missing().first() == Some(&first);
            assert!(same, "TABLE-03: {first:?} was missing, and then another or none; {random}");
            wanted = shelf.missing().to_vec();
            wanted = vec![wanted[self.random.below(wanted.len())]];
        }
        for request in wanted {
            let block = self.fetch(request)?;
            self.cache.insert(request.id, block.clone());
            shelf.deliver(request.id, block);
        }
        Ok(())
    }

    pub(super) fn open(
        &mut self,
        meta: &Arc<TableMeta>,
        filter: &Arc<dyn FilterPolicy>,
    ) -> Result<Arc<dyn Table>> {
        let format = self.format;
        self.run(|blocks| unharmed("TABLE-02: opening", || format.open(meta, filter, blocks)))
    }

    pub(super) fn get(
        &mut self,
        table: &Arc<dyn Table>,
        key: &[u8],
        snapshot: SeqNo,
    ) -> Result<Option<Entry>> {
        let probe = Probe::new(key, snapshot);
        let found = self.run(|blocks| table.get(&probe, blocks))?;
        Ok(found.map(|found| Entry::of(found.block.entry(found.row, &mut Vec::new()))))
    }

    /// Collects a range, in ascending order whatever the direction.
    pub(super) fn scan(
        &mut self,
        cursor: &mut dyn Cursor,
        range: KeyRange<'_>,
        backward: bool,
    ) -> Result<Vec<Entry>> {
        self.run(|blocks| cursor.seek(range, backward, blocks))?;
        let mut windows = Vec::new();
        let mut window = Window::End;
        for _ in 0..ENDLESS {
            self.run(|blocks| cursor.next_window(&mut window, blocks))?;
            if matches!(window, Window::End) {
                if backward {
                    windows.reverse();
                }
                return Ok(windows.concat());
            }
            assert!(!window.range().is_empty(), "CURSOR-01: an empty window; {}", self.random);
            windows.push(of_window(&window));
        }
        panic!("CURSOR-01: the windows do not end; {}", self.random)
    }
}

impl fmt::Debug for Driver<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Driver({:?})", self.supply)
    }
}

/// Returns the stored bytes of a block; `None` if it is not inside the file.
pub(super) fn raw(bytes: &[u8], request: BlockRequest) -> Option<&[u8]> {
    let start = usize::try_from(request.id.offset).ok()?;
    bytes.get(start..start.checked_add(request.bytes as usize)?)
}

/// Opens a table that nothing was done to, with a cache that keeps all.
///
/// # Panics
///
/// If it does not open.
pub(super) fn opened<'a>(
    format: &'a dyn TableFormat,
    built: &'a Built,
    filter: &Arc<dyn FilterPolicy>,
) -> (Driver<'a>, Arc<dyn Table>) {
    let mut driver = Driver::new(format, &built.bytes, Supply::Cached);
    let table = driver.open(&built.meta, filter);
    (driver, table.unwrap_or_else(|error| panic!("TABLE-01: a new table does not open: {error}")))
}

/// A cache that keeps all or nothing.
#[derive(Debug, Default)]
pub(super) struct Shelves {
    keeps: bool,
    blocks: Mutex<BTreeMap<BlockId, Block>>,
}

impl Shelves {
    /// Has a block from now on.
    pub(super) fn put(&self, id: BlockId, block: Block) {
        self.blocks.lock().insert(id, block);
    }
}

impl BlockCache for Shelves {
    fn get(&self, id: &BlockId) -> Option<Block> {
        self.blocks.lock().get(id).cloned()
    }

    fn insert(&self, id: BlockId, block: Block) {
        if self.keeps {
            self.put(id, block);
        }
    }

    fn remove_table(&self, table: TableId) {
        self.blocks.lock().retain(|id, _| id.table != table);
    }

    fn bytes(&self) -> usize {
        self.blocks.lock().values().map(Block::weight).sum()
    }
}
