//! A table file on its own, without its database, and perhaps damaged.

use std::{path::Path, sync::Arc};

use lsmer::{
    Error, ErrorKind, Result,
    parts::{
        ColumnarFormat, NoCache, NoFilter, SortedArrayFormat,
        core::{
            Block, BlockBuf, BlockReader, BlockRequest, BlockShelf, FileClass, FilterPolicy,
            OpenOptions, Step, Table, TableFormat, TableId, TableMeta, VfsFile,
        },
    },
};
use lsmer_manifest::Manifest;

use crate::disk;

/// An open table file.
#[derive(Debug)]
pub(crate) struct TableFile {
    file: Arc<dyn VfsFile>,
    format: Arc<dyn TableFormat>,
    /// What is known of the table.
    pub(crate) meta: Arc<TableMeta>,
}

impl TableFile {
    /// Opens a table by what it says of itself.
    ///
    /// # Errors
    ///
    /// `Corruption` if its end is damaged; `Unsupported` if no format here wrote it; `Io`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = open(path)?;
        let mut failed = None;
        for format in formats() {
            match format.inspect(&*file) {
                Ok(meta) => return Ok(Self { file, format, meta: Arc::new(meta) }),
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    failed.get_or_insert(error);
                }
                Err(error) => return Err(error.in_file(path)),
            }
        }
        Err(failed.expect("there are formats").in_file(path))
    }

    /// Opens a table by what the manifest beside it says of it; `None` if that says nothing.
    pub(crate) fn open_by_manifest(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let id = TableId::of_file_name(name)?;
        let (state, _) = Manifest::read(&*disk::vfs(), path.parent()?).ok()?;
        let mut tables = state.keyspaces.values().flat_map(|keyspace| keyspace.tree.tables());
        let meta = Arc::clone(tables.find(|meta| meta.id == id)?);
        let format = formats().into_iter().find(|format| *format.name() == *meta.format)?;
        let file = open(path).ok()?;
        Some(Self { file, format, meta })
    }

    /// Lists the blocks, by the index.
    ///
    /// # Errors
    ///
    /// `Corruption` if the index is damaged; `Io`.
    pub(crate) fn blocks(&self) -> Result<Vec<BlockRequest>> {
        // This policy leaves the filter alone, so that damage there hides nothing else.
        let filter: Arc<dyn FilterPolicy> = Arc::new(NoFilter);
        let mut shelf = BlockShelf::default();
        loop {
            let mut reader = BlockReader::new(&NoCache, &mut shelf);
            if let Step::Done(table) = self.format.open(&self.meta, &filter, &mut reader)? {
                return Ok(Table::blocks(&*table));
            }
            for request in shelf.missing().to_vec() {
                shelf.deliver(request.id, self.block(&request)?);
            }
        }
    }

    /// Reads one block and checks it.
    ///
    /// # Errors
    ///
    /// `Corruption`, `Io`.
    pub(crate) fn block(&self, request: &BlockRequest) -> Result<Block> {
        let failed = |error| Error::io("cannot read a block", error);
        let end = request.id.offset.checked_add(request.bytes.into());
        if end.is_none_or(|end| self.file.len().is_ok_and(|bytes| end > bytes)) {
            return Err(Error::corruption("a block is outside of its file"));
        }
        let mut raw = BlockBuf::unfilled(request.bytes as usize);
        self.file.read_exact_at(&mut raw, request.id.offset).map_err(failed)?;
        self.format.decode(&request.id, raw)
    }
}

fn open(path: &Path) -> Result<Arc<dyn VfsFile>> {
    let file = disk::vfs().open(path, OpenOptions::read(FileClass::Table));
    file.map_err(|error| Error::io("cannot open the table", error).in_file(path))
}

fn formats() -> [Arc<dyn TableFormat>; 2] {
    [Arc::new(ColumnarFormat::default()), Arc::new(SortedArrayFormat::default())]
}
