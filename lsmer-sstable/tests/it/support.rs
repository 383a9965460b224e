//! A file in memory, a driver that fetches missing blocks, and entries to put into tables.

use std::{
    collections::BTreeSet,
    fmt,
    io::{self, IoSlice},
    path::PathBuf,
    sync::Arc,
};

use lsmer_cache::NoCache;
use lsmer_core::{
    BlockBuilder, BlockCache, BlockReader, BlockRequest, BlockShelf, Compression, EntryBatch,
    EntryRef, Error, FilterPolicy, KeyRange, Kind, Probe, ReadRequest, Result, SeqNo, Step,
    SyncKind, Table, TableFormat, TableId, TableMeta, TableSpec, VfsFile, Window,
};
use lsmer_filter::BlockedBloom;
use lsmer_sstable::{ColumnarFormat, SortedArrayFormat};
use lsmer_sync::Mutex;

pub(crate) const ID: TableId = TableId { epoch: 1, number: 7 };

/// Both formats.
pub(crate) fn formats() -> [Arc<dyn TableFormat>; 2] {
    [Arc::new(ColumnarFormat::default()), Arc::new(SortedArrayFormat::default())]
}

pub(crate) fn columnar() -> Arc<dyn TableFormat> {
    Arc::new(ColumnarFormat::default())
}

pub(crate) fn bloom() -> Arc<dyn FilterPolicy> {
    Arc::new(BlockedBloom::new())
}

pub(crate) fn spec() -> TableSpec {
    TableSpec {
        id: ID,
        block_bytes: 4096,
        compression: Compression::None,
        filter_bits: 10,
        filter: bloom(),
        path: PathBuf::from("test.tbl"),
    }
}

/// An entry of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Vec<u8>,
    pub(crate) seqno: u64,
    pub(crate) kind: Kind,
    pub(crate) value: Vec<u8>,
}

impl Entry {
    pub(crate) fn put(key: &[u8], seqno: u64, value: &[u8]) -> Self {
        Self { key: key.to_vec(), seqno, kind: Kind::Put, value: value.to_vec() }
    }

    pub(crate) fn of(entry: EntryRef<'_>) -> Self {
        let (key, value) = (entry.key.to_vec(), entry.value.to_vec());
        Self { key, seqno: entry.seqno.0, kind: entry.kind, value }
    }

    pub(crate) fn borrow(&self) -> EntryRef<'_> {
        EntryRef { key: &self.key, seqno: SeqNo(self.seqno), kind: self.kind, value: &self.value }
    }
}

/// `n` puts of keys `key00000`, `key00001`, .. in order.
pub(crate) fn puts(n: u64, value_bytes: usize) -> Vec<Entry> {
    let put = |i| Entry::put(format!("key{i:05}").as_bytes(), i + 1, &vec![7; value_bytes]);
    (0..n).map(put).collect()
}

/// A file in memory. Only the driver and `inspect` may read it: they open the door.
#[derive(Default)]
pub(crate) struct MemFile {
    pub(crate) bytes: Mutex<Vec<u8>>,
    /// How many more bytes can be written before the disk is full.
    pub(crate) room: Mutex<Option<usize>>,
    /// Up to where writes wanted to come.
    pub(crate) ends: Mutex<BTreeSet<u64>>,
    door: Mutex<bool>,
}

impl MemFile {
    pub(crate) fn of(bytes: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { bytes: Mutex::new(bytes), ..Self::default() })
    }

    /// Reads with the door open.
    pub(crate) fn reading<T>(&self, read: impl FnOnce(&dyn VfsFile) -> T) -> T {
        *self.door.lock() = true;
        let answer = read(self);
        *self.door.lock() = false;
        answer
    }

    pub(crate) fn copy(&self) -> Vec<u8> {
        self.bytes.lock().clone()
    }
}

impl VfsFile for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        assert!(*self.door.lock(), "only the driver reads");
        let bytes = self.bytes.lock();
        let from = bytes.get(usize::try_from(offset).unwrap()..).unwrap_or_default();
        // Short reads are legal.
        let n = buf.len().min(from.len()).min(1000);
        buf[..n].copy_from_slice(&from[..n]);
        Ok(n)
    }

    fn read_batch(&self, _reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        panic!("nobody reads batches here")
    }

    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut bytes = self.bytes.lock();
        assert_eq!(offset, bytes.len() as u64, "written in order, without holes");
        let [buf] = bufs else { panic!("one buffer at a time") };
        self.ends.lock().insert(offset + buf.len() as u64);
        // So are short writes.
        let mut n = buf.len().min(100_000);
        if let Some(room) = &mut *self.room.lock() {
            if *room == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            n = n.min(*room);
            *room -= n;
        }
        bytes.extend_from_slice(&buf[..n]);
        Ok(n)
    }

    fn sync(&self, _kind: SyncKind) -> io::Result<()> {
        panic!("a builder does not sync")
    }

    fn allocate(&self, _offset: u64, _bytes: u64) -> io::Result<()> {
        panic!("nobody allocates here")
    }

    fn set_len(&self, _bytes: u64) -> io::Result<()> {
        panic!("nobody cuts files here")
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes.lock().len() as u64)
    }
}

impl fmt::Debug for MemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MemFile")
    }
}

/// Writes a table: half of the entries come in batches, half as rows of blocks.
pub(crate) fn build(
    format: &dyn TableFormat,
    spec: &TableSpec,
    entries: &[Entry],
) -> Result<(Arc<MemFile>, TableMeta)> {
    let file = Arc::new(MemFile::default());
    let mut builder = format.builder(Arc::<MemFile>::clone(&file), spec)?;
    for (chunk, number) in entries.chunks(7).zip(0..) {
        let window = if number % 2 == 0 { batch(chunk) } else { rows(chunk) };
        builder.add(&window, window.range())?;
    }
    let meta = builder.finish()?;
    Ok((file, meta))
}

pub(crate) fn batch(entries: &[Entry]) -> Window {
    let mut batch = EntryBatch::default();
    for entry in entries {
        batch.push(entry.borrow());
    }
    Window::Batch(batch)
}

pub(crate) fn rows(entries: &[Entry]) -> Window {
    let mut builder = BlockBuilder::new();
    for entry in entries {
        builder.add(entry.borrow());
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    let block = lsmer_core::Block::rows(bytes).unwrap();
    let rows = 0..block.len();
    Window::Rows { block, rows }
}

/// Runs operations of one table: fetches one missing block at a time, in random order.
pub(crate) struct Driver {
    pub(crate) format: Arc<dyn TableFormat>,
    pub(crate) file: Arc<MemFile>,
    pub(crate) cache: Arc<dyn BlockCache>,
    pub(crate) random: u64,
    /// How many blocks were fetched.
    pub(crate) fetched: usize,
}

impl Driver {
    /// Keeps nothing between operations.
    pub(crate) fn new(format: &Arc<dyn TableFormat>, file: &Arc<MemFile>) -> Self {
        let (format, file) = (Arc::clone(format), Arc::clone(file));
        Self { format, file, cache: Arc::new(NoCache), random: 1, fetched: 0 }
    }

    pub(crate) fn fetch(&mut self, request: BlockRequest) -> Result<lsmer_core::Block> {
        self.fetched += 1;
        let file_bytes = self.file.bytes.lock().len() as u64;
        let end = request.id.offset.checked_add(request.bytes.into());
        if end.is_none_or(|end| end > file_bytes) {
            return Err(Error::corruption("a block past the end of its file"));
        }
        let mut raw = vec![0; request.bytes as usize];
        let read = self.file.reading(|file| file.read_exact_at(&mut raw, request.id.offset));
        read.map_err(|error| Error::io("read a block", error))?;
        self.format.decode(&request.id, raw.into())
    }

    /// Calls `op` until it is done.
    pub(crate) fn run<T>(
        &mut self,
        mut op: impl FnMut(&mut BlockReader<'_>) -> Result<Step<T>>,
    ) -> Result<T> {
        let mut shelf = BlockShelf::default();
        for _ in 0..10_000 {
            let cache = Arc::clone(&self.cache);
            if let Step::Done(answer) = op(&mut BlockReader::new(&*cache, &mut shelf))? {
                return Ok(answer);
            }
            assert!(!shelf.missing().is_empty(), "a miss says what is missing");
            self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let pick = usize::try_from(self.random >> 33).unwrap() % shelf.missing().len();
            let request = shelf.missing()[pick];
            let block = self.fetch(request)?;
            cache.insert(request.id, block.clone());
            shelf.deliver(request.id, block);
        }
        panic!("an operation that never ends");
    }

    pub(crate) fn open(&mut self, meta: &TableMeta) -> Result<Arc<dyn Table>> {
        let (format, meta) = (Arc::clone(&self.format), Arc::new(meta.clone()));
        let policy = bloom();
        self.run(|blocks| format.open(&meta, &policy, blocks))
    }

    /// Looks a key up.
    pub(crate) fn get(
        &mut self,
        table: &Arc<dyn Table>,
        key: &[u8],
        snapshot: u64,
    ) -> Result<Option<Entry>> {
        let probe = Probe::new(key, SeqNo(snapshot));
        let found = self.run(|blocks| table.get(&probe, blocks))?;
        let entry = |found: lsmer_core::Lookup| {
            let mut buffer = Vec::new();
            Entry::of(found.block.entry(found.row, &mut buffer))
        };
        Ok(found.map(entry))
    }

    /// Collects a range, in ascending order whatever the direction.
    pub(crate) fn scan(
        &mut self,
        table: &Arc<dyn Table>,
        range: KeyRange<'_>,
        backward: bool,
    ) -> Result<Vec<Entry>> {
        let mut cursor = Arc::clone(table).cursor();
        self.run(|blocks| cursor.seek(range, backward, blocks))?;
        let mut entries = Vec::new();
        let mut window = Window::End;
        loop {
            self.run(|blocks| cursor.next_window(&mut window, blocks))?;
            let Window::Rows { block, rows } = &window else { break };
            assert!(!rows.is_empty(), "windows are never empty");
            let mut key = Vec::new();
            let shown: Vec<_> =
                rows.clone().map(|row| Entry::of(block.entry(row, &mut key))).collect();
            if backward {
                entries.extend(shown.into_iter().rev());
            } else {
                entries.extend(shown);
            }
        }
        if backward {
            entries.reverse();
        }
        Ok(entries)
    }

    /// Reads every block of the file, as `verify` does.
    pub(crate) fn verify(&mut self) -> Result<()> {
        let file = Arc::clone(&self.file);
        let meta = file.reading(|file| self.format.inspect(file))?;
        let table = self.open(&meta)?;
        let mut end = 0;
        for request in table.blocks() {
            assert_eq!(request.id.offset, end, "blocks come in order, without holes");
            end += u64::from(request.bytes);
            self.fetch(request)?;
        }
        assert_eq!(end + 48, meta.file_bytes, "the footer is all that is left");
        Ok(())
    }
}

/// What `get` must answer.
pub(crate) fn model_get<'a>(entries: &'a [Entry], key: &[u8], snapshot: u64) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key == key && entry.seqno <= snapshot)
}

/// What a scan must answer.
pub(crate) fn model_scan(entries: &[Entry], range: KeyRange<'_>) -> Vec<Entry> {
    let inside = |entry: &&Entry| {
        !lsmer_core::before_range(&entry.key, range) && !lsmer_core::after_range(&entry.key, range)
    };
    entries.iter().filter(inside).cloned().collect()
}
