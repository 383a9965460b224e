//! What most programs need: `use lsmer::prelude::*;`.

pub use crate::{
    Builder, Db, Durability, Error, ErrorKind, Keyspace, KeyspaceOptions, Scan, Snapshot, Stats,
    Value, WriteBatch, WriteOptions,
    parts::{
        BTreeArena, BlockedBloom, ColumnarFormat, CrossbeamMemtable, Leveled, NoCache, NoFilter,
        NoWal, SegmentedWal, SkipArena, SlotCache, SortedArrayFormat, Tiered,
    },
};
