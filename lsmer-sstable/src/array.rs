//! A plain format: entries one after the other, with varint lengths.
//!
//! It shares no code with the columnar format but the frame of the file, so that each can check
//! the other; and it shows that a format may store blocks as it likes. Blocks are of about 1 MiB:
//! a tiny database is one block. There is no filter and no compression.
//!
//! Payload of a data block:
//!
//! ```text
//! rows      varint
//! for each row, in internal order:
//!   key       length varint, bytes
//!   seqno     varint
//!   kind      1 byte
//!   value     length varint, bytes
//! ```
//!
//! Payload of the index:
//!
//! ```text
//! for each data block, from the start of the file, without holes:
//!   stored size   varint
//!   last key      length varint, bytes
//! ```

mod builder;
mod cursor;
mod rows;
mod table;

use std::sync::Arc;

use lsmer_core::{
    Block, BlockBuf, BlockId, BlockKind, BlockReader, BlockRequest, FilterPolicy, Result, Step,
    Table, TableBuilder, TableFormat, TableMeta, TableSpec, VfsFile,
};

use crate::{properties, stored};
use builder::ArrayBuilder;
use table::ArrayTable;

const NAME: &str = "lsmer.array.1";

/// Entries as plain rows in blocks of about 1 MiB; ignores block size, compression and filter of
/// the [`TableSpec`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SortedArrayFormat {}

impl TableFormat for SortedArrayFormat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn builder(&self, file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Box<dyn TableBuilder>> {
        Ok(Box::new(ArrayBuilder::new(file, spec)))
    }

    fn open(
        &self,
        meta: &Arc<TableMeta>,
        _policy: &Arc<dyn FilterPolicy>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>> {
        properties::check_format(NAME, meta)?;
        let request = BlockRequest::new(meta.id, meta.index, BlockKind::Index);
        let Some(index) = blocks.get(request) else { return Ok(Step::Miss) };
        let at = |error: lsmer_core::Error| error.at(meta.id.file_name(), meta.index.offset);
        let spots = rows::decode_index(index.bytes(), meta.index.offset).map_err(at)?;
        properties::request(meta)?;
        let table: Arc<dyn Table> = Arc::new(ArrayTable::new(Arc::clone(meta), spots));
        Ok(Step::Done(table))
    }

    fn decode(&self, at: &BlockId, raw: BlockBuf) -> Result<Block> {
        let payload = stored::open(at, raw)?;
        if at.kind != BlockKind::Data {
            return Ok(Block::opaque(payload));
        }
        let rows = rows::decode(&payload).and_then(Block::rows);
        rows.map_err(|error| error.at(at.table.file_name(), at.offset))
    }

    fn inspect(&self, file: &dyn VfsFile) -> Result<TableMeta> {
        properties::inspect(NAME, file)
    }
}
