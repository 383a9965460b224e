//! The seam for table formats: how a sorted run of entries becomes an immutable file.

use std::{fmt, ops::Range, path::PathBuf, sync::Arc};

use crate::{
    Block, BlockBuf, BlockId, BlockReader, BlockRequest, Compression, Cursor, Error, FilterPolicy,
    Kind, Probe, Result, SeqNo, Step, TableId, TableMeta, Value, VfsFile, Window,
};

/// How one table is to be written.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// Identity of the table: goes into its footer and under every checksum.
    pub id: TableId,
    /// Cut a data block once it holds this many bytes before compression.
    pub block_bytes: u32,
    /// How data blocks are compressed.
    pub compression: Compression,
    /// Bits of filter per key; 0 writes no filter.
    pub filter_bits: u8,
    /// What builds the filter.
    pub filter: Arc<dyn FilterPolicy>,
    /// Where the table is, for errors.
    pub path: PathBuf,
}

/// What a table knows of a key.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The block that holds the entry.
    pub block: Block,
    /// The row of the entry.
    pub row: u32,
}

impl Lookup {
    /// Returns what the entry does.
    pub fn kind(&self) -> Kind {
        self.block.kind(self.row)
    }

    /// Returns when it was written.
    pub fn seqno(&self) -> SeqNo {
        self.block.seqno(self.row)
    }

    /// Returns its value.
    pub fn value(&self) -> &[u8] {
        self.block.value(self.row)
    }

    /// Returns its value in a form that outlives the operation.
    pub fn into_value(self) -> Value {
        Value::of_row(self.block, self.row)
    }
}

/// A block that a lookup looks into, and what the table knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The block.
    pub request: BlockRequest,
    /// Its number, or whatever else the table needs to go on.
    pub number: u32,
}

/// What a block says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// The newest entry that the probe sees is this row.
    Row(u32),
    /// The table has none.
    Nothing,
    /// Another block has to be looked into.
    GoesOn(Located),
}

/// A way of laying tables out in files.
///
/// # Obligations
///
/// - `TABLE-01` What was added comes back: by `get`, by cursors in both directions.
/// - `TABLE-02` [`decode`](Self::decode) refuses any byte that is not as it was written, or that
///   was written for another place ([`BlockId`]), with `Corruption`; it never panics and sizes no
///   buffer by an unchecked length.
/// - `TABLE-03` [`open`](Self::open), `get` and cursors read only through the [`BlockReader`]; on
///   a miss they leave their state as it was. [`locate`](Table::locate) and
///   [`search`](Table::search) depend on their arguments and the file only: they may be called
///   again, by any thread, in any order with those of other keys.
/// - `TABLE-04` [`name`](Self::name) is stored in every table's [`TableMeta`] and never reused for
///   other bytes.
/// - `TABLE-05` A write that the file takes in part is carried on; one that it refuses is an error
///   of the builder, which then describes no table.
///
/// # Concurrency
///
/// A format and its tables are shared by all threads; nothing here blocks but the builder, on I/O.
pub trait TableFormat: Send + Sync + fmt::Debug {
    /// Returns the name that is recorded on disk and checked on open.
    fn name(&self) -> &str;

    /// Starts a table in an empty file.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the spec is out of range, `Unsupported` if it asks for a compression
    /// that was not built in.
    fn builder(&self, file: Arc<dyn VfsFile>, spec: &TableSpec) -> Result<Box<dyn TableBuilder>>;

    /// Opens a table from its metadata. Its index and its filter are read as blocks.
    ///
    /// # Errors
    ///
    /// `Corruption` if they make no sense.
    fn open(
        &self,
        meta: &Arc<TableMeta>,
        filter: &Arc<dyn FilterPolicy>,
        blocks: &mut BlockReader<'_>,
    ) -> Result<Step<Arc<dyn Table>>>;

    /// Checks the stored bytes of a block and brings them into memory form: in place, if they are
    /// stored so.
    ///
    /// # Errors
    ///
    /// `Corruption` if one bit differs from what was written there.
    fn decode(&self, at: &BlockId, raw: BlockBuf) -> Result<Block>;

    /// Reads what a table file says of itself at its end, without the manifest: for `dump`,
    /// `verify` and repair. Blocks on I/O.
    ///
    /// # Errors
    ///
    /// `Corruption` if the footer or the properties are damaged.
    fn inspect(&self, file: &dyn VfsFile) -> Result<TableMeta>;
}

/// Writes one table.
pub trait TableBuilder: Send + fmt::Debug {
    /// Adds rows of a window: positions as in [`Window::range`].
    ///
    /// Requires: internal order over all calls, no (key, seqno) twice.
    ///
    /// # Errors
    ///
    /// `Io` or `Full` from writing.
    fn add(&mut self, window: &Window, rows: Range<u32>) -> Result<()>;

    /// Returns about how many bytes the file has so far.
    fn bytes(&self) -> u64;

    /// Writes what is left and describes the table. Does not sync the file.
    ///
    /// # Errors
    ///
    /// `Io` or `Full` from writing; `InvalidArgument` if nothing was added.
    fn finish(self: Box<Self>) -> Result<TableMeta>;
}

/// An open table: its index and filter in memory, its blocks on disk.
///
/// A lookup is a walk over blocks. The table says where it begins and what each block has to say;
/// whoever drives it brings the blocks: of one key at once ([`get`](Self::get)), or of several
/// keys in turn, so that the waits for memory and disk overlap.
pub trait Table: Send + Sync + fmt::Debug {
    /// Returns where a lookup begins; `None` if the table has no entry for the key.
    fn locate(&self, probe: &Probe<'_>) -> Option<Located>;

    /// Brings closer what [`locate`](Self::locate) looks at first; purely a hint.
    fn prefetch(&self, _probe: &Probe<'_>) {}

    /// Looks for the newest entry that the probe sees in a block.
    ///
    /// Requires: `place` is what [`locate`](Self::locate) or this returned for the same probe, and
    /// `block` is the block that it asks for.
    ///
    /// # Errors
    ///
    /// `Corruption` if the block makes no sense.
    fn search(&self, probe: &Probe<'_>, place: &Located, block: &Block) -> Result<Search>;

    /// Returns the newest entry of the probe's key that its snapshot sees.
    ///
    /// # Errors
    ///
    /// `Corruption` if a block makes no sense.
    fn get(&self, probe: &Probe<'_>, blocks: &mut BlockReader<'_>) -> Result<Step<Option<Lookup>>> {
        let Some(mut place) = self.locate(probe) else { return Ok(Step::Done(None)) };
        loop {
            let Some(block) = blocks.get(place.request) else { return Ok(Step::Miss) };
            match self.search(probe, &place, &block)? {
                Search::Row(row) => return Ok(Step::Done(Some(Lookup { block, row }))),
                Search::Nothing => return Ok(Step::Done(None)),
                Search::GoesOn(next) => place = next,
            }
        }
    }

    /// Makes a cursor over all entries, not yet placed.
    fn cursor(self: Arc<Self>) -> Box<dyn Cursor + Send>;

    /// Returns what the manifest says of the table.
    fn meta(&self) -> &Arc<TableMeta>;

    /// Returns the memory that index and filter take, in bytes.
    fn bytes(&self) -> usize;

    /// Lists every block of the file in order of offset, so that `verify` can read all of them.
    fn blocks(&self) -> Vec<BlockRequest>;
}

impl Error {
    /// Makes the error for a table whose file, blocks and metadata contradict each other.
    #[cold]
    pub fn bad_table(what: &'static str, meta: &TableMeta) -> Self {
        Self::corruption(what).in_file(meta.id.file_name())
    }
}
