//! The words of lsmer, and one trait for each part that can be replaced.
//!
//! Everything else is built on this crate and on nothing of its siblings: parts implement the
//! seams, the engine drives them, and `lsmer` composes both. A seam is one noun and one file; its
//! obligations have ids (`WAL-03`), which conformance suites name.
//!
//! | seam | file | decides |
//! |---|---|---|
//! | [`Vfs`], [`VfsFile`] | `vfs.rs` | where bytes live |
//! | [`Exec`], [`Clock`], [`Rng`] | `exec.rs`, `env.rs` | who works when |
//! | [`WalFormat`], [`Wal`] | `wal.rs` | how writes survive a crash |
//! | [`MemtableFactory`], [`Memtable`] | `memtable.rs` | how entries are kept in memory |
//! | [`TableFormat`], [`TableBuilder`], [`Table`] | `table.rs` | how entries are kept on disk |
//! | [`FilterPolicy`], [`Filter`] | `filter.rs` | which tables a lookup may skip |
//! | [`BlockCache`] | `cache.rs` | which blocks stay in memory |
//! | [`CompactionStrategy`] | `compaction.rs` | which tables are merged |
//!
//! Between the parts, entries travel in canonical forms, so that inner loops are concrete code:
//! [`Probe`], [`Block`], [`Window`].

mod batch;
mod block;
mod block_reader;
mod cache;
mod checksum;
pub mod codec;
mod common_prefix;
mod compaction;
mod cursor;
mod entry_batch;
mod env;
mod error;
mod exec;
mod filter;
mod key;
mod memtable;
#[cfg(lsmer_loom)]
pub mod models;
pub mod mutants;
mod options;
mod prefetch;
mod table;
mod table_meta;
mod tree;
pub mod twins;
mod value;
mod vfs;
mod wal;
mod window;

pub use batch::{Change, Changes, EntryHead, KeyspaceId, KeyspaceRef, WriteBatch, encode_change};
pub use block::{Block, BlockBuf, BlockBuilder, BlockSlot};
pub use block_reader::{BlockId, BlockKind, BlockReader, BlockRequest, BlockShelf};
pub use cache::BlockCache;
pub use checksum::{checksum, checksum_context, checksum_more};
pub use common_prefix::CommonPrefix;
pub use compaction::{
    CompactionJob, CompactionStrategy, Illegal, JobInput, JobKind, JobOutput, Law, PlanContext,
    Target, TreeView, check,
};
pub use cursor::{ALL, Cursor, KeyRange, OwnedRange, after_range, before_range, is_empty_range};
pub use entry_batch::EntryBatch;
pub use env::{Clock, Env, Rng};
pub use error::{Error, ErrorKind, Result};
pub use exec::{Event, Exec, Job, Next, Waited, WorkClass};
pub use filter::{Filter, FilterPolicy};
pub use key::{
    EntryRef, Kind, MAX_BATCH_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, Probe, SeqNo, check_key,
    check_value, hash, head,
};
pub use memtable::{Memtable, MemtableFactory, MemtableSpec};
pub use options::{Compression, Durability, KeyspaceOptions};
pub use prefetch::prefetch;
pub use table::{Located, Lookup, Search, Table, TableBuilder, TableFormat, TableSpec};
pub use table_meta::{BlockHandle, Flushed, TableId, TableMeta};
pub use tree::{Arrival, Place, Run, RunId, Tree, TreeEdit};
pub use value::Value;
pub use vfs::{
    Caps, DirEntry, FileClass, LockGuard, LockMode, OpenOptions, ReadRequest, SyncKind, Vfs,
    VfsFile,
};
pub use wal::{
    LogCut, LogEnd, LogSource, LogSpec, Lsn, Record, ScannedSegment, SegmentId, Slot, Wal,
    WalFormat, WalStats,
};
pub use window::{Step, Window};
