//! The parts a database is composed of.

use std::sync::Arc;

use lsmer_core::{
    BlockCache, CompactionStrategy, Env, FilterPolicy, MemtableFactory, TableFormat, WalFormat,
};

/// The parts an engine runs on. The engine knows none of their types.
#[derive(Clone, Debug)]
pub struct Components {
    /// Files, time, chance, background work.
    pub env: Env,
    /// How entries are kept in memory.
    pub memtable: Arc<dyn MemtableFactory>,
    /// How the log is kept.
    pub wal: Arc<dyn WalFormat>,
    /// How tables are written.
    pub table_format: Arc<dyn TableFormat>,
    /// Formats that existing tables may have besides `table_format`: read, never written.
    pub readable_formats: Vec<Arc<dyn TableFormat>>,
    /// How filters are built.
    pub filter: Arc<dyn FilterPolicy>,
    /// Which blocks stay in memory.
    pub cache: Arc<dyn BlockCache>,
    /// Which tables are merged.
    pub strategy: Arc<dyn CompactionStrategy>,
}

impl Components {
    /// Returns the format that wrote a table, by its name.
    pub(crate) fn format(&self, name: &str) -> Option<&Arc<dyn TableFormat>> {
        std::iter::once(&self.table_format)
            .chain(&self.readable_formats)
            .find(|format| format.name() == name)
    }
}

#[cfg(test)]
impl Components {
    /// The parts that ship, on any environment.
    pub(crate) fn shipped(env: Env) -> Self {
        Self {
            env,
            memtable: lsmer_memtable::SkipArena::factory(),
            wal: Arc::new(lsmer_wal::SegmentedWal),
            table_format: Arc::new(lsmer_sstable::ColumnarFormat::default()),
            readable_formats: vec![],
            filter: Arc::new(lsmer_filter::BlockedBloom::new()),
            cache: Arc::new(lsmer_cache::SlotCache::new(1 << 20)),
            strategy: Arc::new(lsmer_compaction::Leveled::default()),
        }
    }
}
