//! Tables as bytes: written by a builder, and inspected.

use std::{
    io::{self, IoSlice},
    path::Path,
    sync::Arc,
};

use lsmer_core::{
    BlockBuilder, EntryBatch, FileClass, OpenOptions, ReadRequest, Result, SyncKind, TableFormat,
    TableMeta, TableSpec, Vfs, VfsFile, Window,
};

use crate::{SimVfs, entries::Entry};

/// A file of a table, and what its builder said of it.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub(super) bytes: Vec<u8>,
    pub(super) meta: Arc<TableMeta>,
}

/// Writes a table; `None` if the format was built without the codec.
pub(super) fn build(
    format: &dyn TableFormat,
    spec: &TableSpec,
    entries: &[Entry],
) -> Option<Result<Built>> {
    let file = empty_file();
    let meta = write(format, spec, Arc::clone(&file), entries)?;
    Some(meta.map(|meta| Built { bytes: read(&*file), meta: Arc::new(meta) }))
}

/// Writes a table to a file. Its entries come in batches and as rows of blocks, half a window at
/// a time.
pub(super) fn write(
    format: &dyn TableFormat,
    spec: &TableSpec,
    file: Arc<dyn VfsFile>,
    entries: &[Entry],
) -> Option<Result<TableMeta>> {
    let mut builder = match format.builder(file, spec) {
        Ok(builder) => builder,
        Err(error) if error.kind() == lsmer_core::ErrorKind::Unsupported => return None,
        Err(error) => return Some(Err(error)),
    };
    for (number, chunk) in entries.chunks(7).enumerate() {
        let window = if number % 2 == 0 { batch(chunk) } else { rows(chunk) };
        let all = window.range();
        let middle = all.end / 2;
        let halves = [all.start..middle, middle..all.end];
        for rows in halves.into_iter().filter(|rows| !rows.is_empty()) {
            if let Err(error) = builder.add(&window, rows) {
                return Some(Err(error));
            }
        }
    }
    Some(builder.finish())
}

/// Reads what a file says of itself.
pub(super) fn inspect(format: &dyn TableFormat, bytes: &[u8]) -> Result<TableMeta> {
    let file = empty_file();
    file.write_all_at(bytes, 0).expect("files in memory do not fail");
    format.inspect(&*file)
}

pub(super) fn empty_file() -> Arc<dyn VfsFile> {
    let how = OpenOptions::create(FileClass::Table);
    SimVfs::new().open(Path::new("/table"), how).expect("files in memory do not fail")
}

/// Reads a whole file.
pub(super) fn read(file: &dyn VfsFile) -> Vec<u8> {
    let len = file.len().expect("files in memory do not fail");
    let mut bytes = vec![0; usize::try_from(len).expect("it is in memory")];
    file.read_exact_at(&mut bytes, 0).expect("files in memory do not fail");
    bytes
}

fn batch(entries: &[Entry]) -> Window {
    let mut batch = EntryBatch::default();
    for entry in entries {
        batch.push(entry.borrow());
    }
    Window::Batch(batch)
}

fn rows(entries: &[Entry]) -> Window {
    let mut builder = BlockBuilder::new();
    for entry in entries {
        builder.add(entry.borrow());
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    let block = lsmer_core::Block::rows(bytes).expect("it was just built");
    let rows = 0..block.len();
    Window::Rows { block, rows }
}

/// A file on a disk with room for so many bytes, which takes at most 1,000 of them at a time.
#[derive(Debug)]
pub(super) struct Tight {
    pub(super) file: Arc<dyn VfsFile>,
    pub(super) room: u64,
}

impl VfsFile for Tight {
    fn write_at(&self, bufs: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let room = self.room.saturating_sub(offset).min(1_000);
        let buf = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        let taken = buf.len().min(usize::try_from(room).expect("at most 1,000"));
        if taken == 0 && !buf.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.write_at(&[IoSlice::new(&buf[..taken])], offset)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buf, offset)
    }

    fn read_batch(&self, reads: &mut [ReadRequest<'_>]) -> io::Result<()> {
        self.file.read_batch(reads)
    }

    fn sync(&self, kind: SyncKind) -> io::Result<()> {
        self.file.sync(kind)
    }

    fn allocate(&self, offset: u64, bytes: u64) -> io::Result<()> {
        if offset + bytes > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.file.allocate(offset, bytes)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}
