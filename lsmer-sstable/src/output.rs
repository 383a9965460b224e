//! The file of a table while it is written: blocks one after the other, in large writes.

use std::{path::PathBuf, sync::Arc};

use lsmer_core::{BlockHandle, BlockId, BlockKind, Error, Result, TableId, TableSpec, VfsFile};

use crate::{compress::Compressor, stored};

/// Write once this much has been collected, and whole multiples of it: the page cache keeps what is
/// written in pieces that begin at multiples of their size, and reads from large ones take less.
const WRITE_BYTES: usize = 512 << 10;

/// Appends blocks to an empty file. After a failed write it only repeats the error.
#[derive(Debug)]
pub(crate) struct Output {
    file: Arc<dyn VfsFile>,
    path: PathBuf,
    table: TableId,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    written: u64,
    failed: Option<Error>,
}

impl Output {
    pub(crate) fn new(file: Arc<dyn VfsFile>, spec: &TableSpec) -> Self {
        let path = spec.path.clone();
        Self { file, path, table: spec.id, buffer: Vec::new(), written: 0, failed: None }
    }

    /// Returns the offset at which the next byte will stand.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends a block, whose payload `fill` appends to what it is given.
    ///
    /// # Errors
    ///
    /// `Io` or `Full` from writing; `InvalidArgument` if the block is over 4 GiB.
    pub(crate) fn block(
        &mut self,
        kind: BlockKind,
        compressor: &mut Compressor,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<BlockHandle> {
        self.check()?;
        let start = self.buffer.len();
        let offset = self.end();
        let (codec, bytes) = compressor.append(&mut self.buffer, fill);
        let memory_bytes = self.limited(bytes)?;
        let id = BlockId { table: self.table, offset, kind };
        stored::seal(&mut self.buffer, start, &id, codec, memory_bytes);
        let bytes = self.limited(self.buffer.len() - start)?;
        let whole = self.buffer.len() / WRITE_BYTES * WRITE_BYTES;
        if whole > 0 {
            self.write_first(whole)?;
        }
        Ok(BlockHandle { offset, bytes })
    }

    /// Appends bytes that carry their own checksum.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Writes what was collected.
    ///
    /// # Errors
    ///
    /// `Io` or `Full`.
    pub(crate) fn write(&mut self) -> Result<()> {
        self.write_first(self.buffer.len())
    }

    fn write_first(&mut self, bytes: usize) -> Result<()> {
        self.check()?;
        let (first, _) = self.buffer.split_at(bytes);
        if let Err(error) = self.file.write_all_at(first, self.written) {
            return Err(self.fail(Error::io("write a table", error)));
        }
        self.written += bytes as u64;
        self.buffer.drain(..bytes);
        Ok(())
    }

    /// Repeats the error of a write that failed.
    ///
    /// # Errors
    ///
    /// That one.
    pub(crate) fn check(&self) -> Result<()> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    fn limited(&mut self, bytes: usize) -> Result<u32> {
        let limited = u32::try_from(bytes);
        limited.map_err(|_| self.fail(Error::invalid("a block of a table is over 4 GiB")))
    }

    fn fail(&mut self, error: Error) -> Error {
        let error = error.in_file(&self.path);
        self.failed.get_or_insert(error).clone()
    }
}
