//! Opening a database on a file system in memory, of any shipped parts, with one thread in all.

use std::{path::Path, sync::Arc};

use lsmer::{
    Builder, Db, KeyspaceOptions, Result,
    parts::{
        self,
        io::{ManualExec, MemVfs},
    },
};

/// Which parts, and how small everything is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// One bit for each part that has an alternative.
    pub(crate) parts: u8,
    pub(crate) seed: u64,
}

pub(crate) struct Opened {
    pub(crate) db: Db,
    pub(crate) exec: Arc<ManualExec>,
}

/// Settings that put a few rows in a block, a few blocks in a table.
pub(crate) fn tiny() -> KeyspaceOptions {
    KeyspaceOptions::default().with_block_bytes(128).with_table_bytes(1 << 10)
}

impl Shape {
    pub(crate) fn open(self, vfs: &MemVfs) -> Result<Opened> {
        let (builder, exec) = self.builder(vfs);
        Ok(Opened { db: builder.open()?, exec })
    }

    pub(crate) fn builder(self, vfs: &MemVfs) -> (Builder, Arc<ManualExec>) {
        let (env, exec, _) = parts::io::manual(vfs.clone(), self.seed | 1);
        let bit = |n: u8| self.parts & (1 << n) != 0;
        let mut builder = Db::builder(Path::new("db"))
            .env(env)
            .memory_budget(1 << 20)
            .memtable_bytes(4 << 10)
            .segment_bytes(4 << 10, 16 << 10);
        if bit(0) {
            builder = builder.memtable(parts::CrossbeamMemtable::factory());
        }
        if bit(1) {
            builder = builder.cache(parts::NoCache);
        }
        if bit(2) {
            builder = builder.table_format(parts::SortedArrayFormat::default());
        }
        if bit(3) {
            builder = builder.compaction(parts::Tiered::default());
        }
        if bit(4) {
            builder = builder.filter(parts::NoFilter);
        }
        (builder, exec)
    }
}
