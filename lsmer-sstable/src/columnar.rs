//! The default format: data blocks are stored as they are searched.
//!
//! The payload of a data block is a [`Block`](lsmer_core::Block) in its canonical layout, so that
//! an uncompressed block needs nothing but its checksum and one pass over its columns. The index
//! is described in `index.rs`; the payload of the filter is what its policy built.

mod builder;
mod cursor;
mod table;

use std::sync::Arc;

use lsmer_core::{
    Block, BlockBuf, BlockId, BlockKind, BlockReader, BlockRequest, FilterPolicy, Result, Step,
    Table, TableBuilder, TableFormat, TableMeta, TableSpec, VfsFile,
};

use crate::{index::Index, properties, stored};
use builder::ColumnarBuilder;
use table::ColumnarTable;

const NAME: &str = "lsmer.columnar.1";

/// Columnar blocks, an index of short separators, and a filter.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ColumnarFormat {}

impl TableFormat for ColumnarFormat {
    fn name(&self) -> &'static str {
        NAME
    }

    fn builder(&self, file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Box<dyn TableBuilder>> {
        Ok(Box::new(ColumnarBuilder::new(file, spec)?))
    }

    fn open(
        &self,
        meta: &Arc<TableMeta>,
        policy: &Arc<dyn FilterPolicy>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>> {
        properties::check_format(NAME, meta)?;
        let request = BlockRequest::new(meta.id, meta.index, BlockKind::Index);
        let index = blocks.get(request);
        // A filter that another policy built says nothing to this one, so it is left unread.
        let filter = if meta.filter.bytes > 0 && *meta.filter_name == *policy.name() {
            let request = BlockRequest::new(meta.id, meta.filter, BlockKind::Filter);
            Some(blocks.get(request))
        } else {
            None
        };
        // Both were asked for, so that one fetch brings both.
        let Some(index) = index else { return Ok(Step::Miss) };
        let filter = match filter {
            None => None,
            Some(None) => return Ok(Step::Miss),
            Some(Some(block)) => Some(policy.open(Arc::from(block.bytes()))),
        };

        let at = |error: lsmer_core::Error| error.at(meta.id.file_name(), meta.index.offset);
        let index = Index::decode(meta.id, index.bytes(), data_bytes(meta)).map_err(at)?;
        properties::request(meta)?;
        let table: Arc<dyn Table> = Arc::new(ColumnarTable::new(Arc::clone(meta), index, filter));
        Ok(Step::Done(table))
    }

    fn decode(&self, at: &BlockId, raw: BlockBuf) -> Result<Block> {
        let payload = stored::open(at, raw)?;
        if at.kind != BlockKind::Data {
            return Ok(Block::opaque(payload));
        }
        Block::rows(payload).map_err(|error| error.at(at.table.file_name(), at.offset))
    }

    fn inspect(&self, file: &dyn VfsFile) -> Result<TableMeta> {
        properties::inspect(NAME, file)
    }
}

/// Returns where the data blocks end.
fn data_bytes(meta: &TableMeta) -> u64 {
    if meta.filter.bytes > 0 { meta.filter.offset } else { meta.index.offset }
}
