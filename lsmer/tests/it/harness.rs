//! Opening a database on a file system in memory, of any shipped parts, with one thread in all.

use std::{path::Path, sync::Arc};

use lsmer::{
    Builder, Compression, Db, KeyspaceOptions, Result,
    parts::{
        self,
        io::{ManualExec, MemVfs},
    },
};
use lsmer_testkit::shipped;

/// Which parts, and how small everything is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// One bit for each part that has an alternative.
    pub(crate) parts: u16,
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
    /// Number of shapes: all combinations of the parts that ship.
    pub(crate) const COUNT: u16 = 256;

    /// Whether only what was flushed survives the end of the process.
    pub(crate) fn without_log(self) -> bool {
        self.parts & (1 << 5) != 0
    }

    /// Settings of a new keyspace: tiny, and with one of the codecs at every level.
    pub(crate) fn keyspace(self) -> KeyspaceOptions {
        let codecs = [Compression::None, Compression::Lz4, Compression::Zstd];
        let pick = usize::try_from(self.seed % 3).expect("under 3");
        tiny().with_compression([codecs[pick]])
    }

    pub(crate) fn open(self, vfs: &MemVfs) -> Result<Opened> {
        let (builder, exec) = self.builder(vfs);
        Ok(Opened { db: builder.open()?, exec })
    }

    pub(crate) fn builder(self, vfs: &MemVfs) -> (Builder, Arc<ManualExec>) {
        let (env, exec, _) = parts::io::manual(vfs.clone(), self.seed | 1);
        let builder = Db::builder(Path::new("db"))
            .env(env)
            .memory_budget(1 << 20)
            .memtable_bytes(4 << 10)
            .segment_bytes(4 << 10, 16 << 10);
        let mut builder = shipped(builder, self.parts.into());
        if self.without_log() {
            builder = builder.wal(parts::NoWal);
        }
        (builder, exec)
    }
}
