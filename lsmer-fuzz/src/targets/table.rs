//! A table file: whatever is in it, reading ends and each answer fits its question; what was read
//! is written again, and then every way of reading says the same.

use std::{ops::Bound, path::Path, sync::Arc};

use lsmer::parts::{BlockedBloom, ColumnarFormat, NoCache, SortedArrayFormat, io::MemVfs};
use lsmer_core::{
    ALL, BlockId, BlockReader, BlockRequest, BlockShelf, Compression, Cursor, EntryBatch, Error,
    FileClass, FilterPolicy, KeyRange, OpenOptions, Probe, Result, SeqNo, Step, Table, TableFormat,
    TableId, TableMeta, TableSpec, Vfs, VfsFile, Window,
};

use super::block::{Row, entry, in_order, rows as block_rows};
use crate::{layout, memory::bounded};

/// Largest block that a file may claim to hold.
const MOST_BLOCK_BYTES: u64 = 65 << 20;
/// Rows to read of a file.
const MOST_ROWS: usize = 1 << 16;

/// Runs one input on the formats that ship.
pub fn run(bytes: &[u8]) {
    let policy: Arc<dyn FilterPolicy> = Arc::new(BlockedBloom::new());
    check(&ColumnarFormat::default(), &policy, bytes);
    check(&SortedArrayFormat::default(), &policy, bytes);
}

/// Runs one input.
///
/// # Panics
///
/// If the format, or the filter, breaks a promise.
pub fn check(format: &dyn TableFormat, policy: &Arc<dyn FilterPolicy>, bytes: &[u8]) {
    let file = new_file();
    file.write_all_at(bytes, 0).expect("no faults");
    let more = if is_compressed(bytes) { 2 * MOST_BLOCK_BYTES } else { 0 };
    let Ok(meta) = bounded(bytes.len(), more, || format.inspect(&*file)) else { return };
    let mut reader = Reader { format, file };
    let opened = bounded(bytes.len(), more, || reader.open(&meta, policy));
    let Ok(table) = opened else { return };
    for request in table.blocks() {
        bounded(bytes.len(), more, || reader.fetch(request)).ok();
    }
    let (forward, backward) = (reader.scan(&table, ALL, false), reader.scan(&table, ALL, true));
    let Ok(rows) = forward else { return };
    for row in rows.iter().step_by(rows.len() / 64 + 1) {
        ask(&mut reader, &table, row);
    }
    if !in_order(&rows) || rows.is_empty() {
        return;
    }
    if let Ok(backward) = backward {
        assert_eq!(backward, rows, "backward");
    }
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        written_again(format, policy, &rows, compression);
    }
}

/// Asks for a key of a file that may lie: an answer has that key, at that time or before.
fn ask(reader: &mut Reader<'_>, table: &Arc<dyn Table>, row: &Row) {
    if let Ok(Some((key, seqno, ..))) = reader.get(table, &row.0, row.1) {
        assert!(key == row.0 && seqno <= row.1, "another key or time");
    }
    let range = (Bound::Included(&row.0[..]), Bound::Unbounded);
    for backward in [false, true] {
        reader.scan(table, range, backward).ok();
    }
}

/// Writes rows to a table and reads them in every way.
fn written_again(
    format: &dyn TableFormat,
    policy: &Arc<dyn FilterPolicy>,
    rows: &[Row],
    compression: Compression,
) {
    let spec = TableSpec {
        id: TableId { epoch: 3, number: 4 },
        block_bytes: 128,
        compression,
        filter_bits: 10,
        filter: Arc::clone(policy),
        path: "again.tbl".into(),
    };
    let file = new_file();
    let mut builder = format.builder(Arc::clone(&file), &spec).expect("the codecs are built in");
    for chunk in rows.chunks(7) {
        let mut batch = EntryBatch::default();
        for row in chunk {
            batch.push(entry(row));
        }
        let window = Window::Batch(batch);
        builder.add(&window, window.range()).expect("no faults");
    }
    let meta = builder.finish().expect("no faults");
    let told = format.inspect(&*file).expect("just written");
    assert_eq!(told, meta, "a file tells what the builder told");
    assert_eq!(meta.entries, rows.len() as u64);
    let mut reader = Reader { format, file };
    let table = reader.open(&meta, policy).expect("just written");
    for backward in [false, true] {
        assert_eq!(reader.scan(&table, ALL, backward).expect("just written"), rows, "a scan");
    }
    for row in rows {
        let found = reader.get(&table, &row.0, row.1).expect("just written");
        assert_eq!(found.as_ref(), Some(row), "a lookup of what a scan shows");
        let older = rows.iter().find(|other| other.0 == row.0 && other.1 < row.1);
        if let Some(before) = row.1.checked_sub(1) {
            let found = reader.get(&table, &row.0, before).expect("just written");
            assert_eq!(found.as_ref(), older, "an older snapshot");
        }
    }
}

/// Reads one table of a file, without a cache.
struct Reader<'a> {
    format: &'a dyn TableFormat,
    file: Arc<dyn VfsFile>,
}

impl Reader<'_> {
    fn fetch(&mut self, request: BlockRequest) -> Result<lsmer_core::Block> {
        let BlockRequest { id: BlockId { offset, .. }, bytes } = request;
        let end = offset.checked_add(bytes.into());
        if end.is_none_or(|end| end > self.file.len().expect("no faults")) {
            return Err(Error::corruption("a block past the end of its file"));
        }
        let mut raw = vec![0; bytes as usize];
        let read = self.file.read_exact_at(&mut raw, offset);
        read.map_err(|error| Error::io("read a block", error))?;
        self.format.decode(&request.id, raw.into())
    }

    /// Calls `op` until it is done, as the engine's driver does.
    fn run<T>(&mut self, mut op: impl FnMut(&mut BlockReader<'_>) -> Result<Step<T>>) -> Result<T> {
        let mut shelf = BlockShelf::default();
        for _ in 0..10_000 {
            if let Step::Done(answer) = op(&mut BlockReader::new(&NoCache, &mut shelf))? {
                return Ok(answer);
            }
            let request = *shelf.missing().first().expect("a miss says what is missing");
            let block = self.fetch(request)?;
            shelf.deliver(request.id, block);
        }
        panic!("an operation that never ends");
    }

    fn open(&mut self, meta: &TableMeta, policy: &Arc<dyn FilterPolicy>) -> Result<Arc<dyn Table>> {
        let (format, meta) = (self.format, Arc::new(meta.clone()));
        self.run(|blocks| format.open(&meta, policy, blocks))
    }

    fn get(&mut self, table: &Arc<dyn Table>, key: &[u8], snapshot: u64) -> Result<Option<Row>> {
        let probe = Probe::new(key, SeqNo(snapshot));
        let found = self.run(|blocks| table.get(&probe, blocks))?;
        let copy = |found: lsmer_core::Lookup| {
            let mut key = Vec::new();
            let entry = found.block.entry(found.row, &mut key);
            (entry.key.to_vec(), entry.seqno.0, entry.kind, entry.value.to_vec())
        };
        Ok(found.map(copy))
    }

    /// Collects a range, in ascending order whatever the direction.
    fn scan(
        &mut self,
        table: &Arc<dyn Table>,
        range: KeyRange<'_>,
        backward: bool,
    ) -> Result<Vec<Row>> {
        let mut cursor = Arc::clone(table).cursor();
        self.run(|blocks| cursor.seek(range, backward, blocks))?;
        let (mut windows, mut count) = (Vec::new(), 0);
        while let Some(window) = self.window(&mut *cursor)? {
            count += window.len();
            windows.push(window);
            assert!(count <= MOST_ROWS, "a scan that never ends");
        }
        if backward {
            windows.reverse();
        }
        Ok(windows.concat())
    }

    fn window(&mut self, cursor: &mut dyn Cursor) -> Result<Option<Vec<Row>>> {
        let mut window = Window::End;
        self.run(|blocks| cursor.next_window(&mut window, blocks))?;
        let Window::Rows { block, rows } = &window else { return Ok(None) };
        assert!(!rows.is_empty(), "windows are never empty");
        let all = block_rows(block);
        Ok(Some(all[rows.start as usize..rows.end as usize].to_vec()))
    }
}

/// Returns whether some block says that it is compressed: then it may claim to be large.
fn is_compressed(bytes: &[u8]) -> bool {
    let parts = (layout::table::LAYOUT.open)(bytes);
    parts.is_none_or(|parts| parts[1..].iter().any(|part| part[1] != 0))
}

fn new_file() -> Arc<dyn VfsFile> {
    let vfs = MemVfs::without_crashes();
    vfs.open(Path::new("/table"), OpenOptions::create(FileClass::Table)).expect("new")
}
