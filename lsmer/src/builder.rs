//! Choosing parts and settings.

use std::{path::Path, sync::Arc};

use lsmer_cache::SlotCache;
use lsmer_compaction::Leveled;
use lsmer_core::{
    BlockCache, Clock, CompactionStrategy, Durability, Exec, FilterPolicy, MemtableFactory, Result,
    Rng, TableFormat, Vfs, WalFormat,
};
use lsmer_engine::{Components, Engine, Options};
use lsmer_filter::BlockedBloom;
use lsmer_io::{StdVfs, SystemClock, SystemRng, ThreadExec};
use lsmer_memtable::BTreeArena;
use lsmer_sstable::{ColumnarFormat, SortedArrayFormat};
use lsmer_wal::SegmentedWal;

use crate::Db;

/// Background threads of a database that brings no executor.
const THREADS: usize = 2;

/// Chooses the parts and settings of a database; what is not chosen has its default.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `open`"]
pub struct Builder {
    options: Options,
    vfs: Option<Arc<dyn Vfs>>,
    clock: Option<Arc<dyn Clock>>,
    rng: Option<Arc<dyn Rng>>,
    exec: Option<Arc<dyn Exec>>,
    memtable: Option<Arc<dyn MemtableFactory>>,
    wal: Option<Arc<dyn WalFormat>>,
    table_format: Option<Arc<dyn TableFormat>>,
    filter: Option<Arc<dyn FilterPolicy>>,
    cache: Option<Arc<dyn BlockCache>>,
    compaction: Option<Arc<dyn CompactionStrategy>>,
}

impl Builder {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            options: Options::new(path),
            vfs: None,
            clock: None,
            rng: None,
            exec: None,
            memtable: None,
            wal: None,
            table_format: None,
            filter: None,
            cache: None,
            compaction: None,
        }
    }

    /// Opens the database.
    ///
    /// # Errors
    ///
    /// As [`Engine::open`].
    pub fn open(self) -> Result<Db> {
        let budget = self.options.memory_budget;
        let env = lsmer_core::Env {
            vfs: self.vfs.unwrap_or_else(|| Arc::new(StdVfs)),
            clock: self.clock.unwrap_or_else(|| Arc::new(SystemClock)),
            rng: self.rng.unwrap_or_else(|| Arc::new(SystemRng::new())),
            exec: self.exec.unwrap_or_else(|| Arc::new(ThreadExec::new(THREADS))),
        };
        let parts = Components {
            env,
            memtable: self.memtable.unwrap_or_else(BTreeArena::factory),
            wal: self.wal.unwrap_or_else(|| Arc::new(SegmentedWal)),
            table_format: self.table_format.unwrap_or_else(|| Arc::new(ColumnarFormat::default())),
            readable_formats: vec![
                Arc::new(ColumnarFormat::default()),
                Arc::new(SortedArrayFormat::default()),
            ],
            filter: self.filter.unwrap_or_else(|| Arc::new(BlockedBloom::new())),
            cache: self.cache.unwrap_or_else(|| Arc::new(SlotCache::new(budget / 2))),
            strategy: self.compaction.unwrap_or_else(|| Arc::new(Leveled::default())),
        };
        Engine::open(self.options, parts).map(Db::of)
    }

    /// Opens without writing anything: works on a read-only folder, on a copy, and on what a crash
    /// left behind. The log's unflushed entries are held in memory, whatever the budget.
    pub fn read_only(mut self) -> Self {
        self.options.read_only = true;
        self.options.create_if_missing = false;
        self
    }

    /// Whether to make a database where there is none. Default: yes.
    pub fn create_if_missing(mut self, create: bool) -> Self {
        self.options.create_if_missing = create;
        self
    }

    /// How safe a write is that does not say. Default: [`Durability::Process`].
    pub fn durability(mut self, durability: Durability) -> Self {
        self.options.durability = durability;
        self
    }

    /// Memory for everything together, in bytes. Default [`Options::MEMORY_BUDGET`]. The default
    /// cache takes half of it.
    pub fn memory_budget(mut self, bytes: usize) -> Self {
        self.options.memory_budget = bytes;
        self
    }

    /// Size at which memtables are flushed, in bytes. Default: a sixteenth of the budget, at most
    /// 64 MiB.
    pub fn memtable_bytes(mut self, bytes: usize) -> Self {
        self.options.memtable_bytes = bytes;
        self
    }

    /// Sizes of the log's first and largest segments, in bytes.
    pub fn segment_bytes(mut self, min: u64, max: u64) -> Self {
        self.options.min_segment_bytes = min;
        self.options.max_segment_bytes = max;
        self
    }

    /// How many compactions may run at the same time; 0 for none until asked. Default 2.
    pub fn compaction_jobs(mut self, jobs: usize) -> Self {
        self.options.compaction_jobs = jobs;
        self
    }

    /// Replaces the file system. Default: [`StdVfs`].
    pub fn vfs(mut self, vfs: impl Vfs) -> Self {
        self.vfs = Some(Arc::new(vfs));
        self
    }

    /// Replaces file system, clock, randomness and executor together.
    pub fn env(mut self, env: lsmer_core::Env) -> Self {
        self.vfs = Some(env.vfs);
        self.clock = Some(env.clock);
        self.rng = Some(env.rng);
        self.exec = Some(env.exec);
        self
    }

    /// Replaces the executor of background work. Default: a [`ThreadExec`] of two threads.
    pub fn exec(mut self, exec: Arc<dyn Exec>) -> Self {
        self.exec = Some(exec);
        self
    }

    /// Replaces the memtable. Default: [`BTreeArena`].
    pub fn memtable(mut self, factory: Arc<dyn MemtableFactory>) -> Self {
        self.memtable = Some(factory);
        self
    }

    /// Replaces the log. Default: [`SegmentedWal`].
    pub fn wal(mut self, format: impl WalFormat + 'static) -> Self {
        self.wal = Some(Arc::new(format));
        self
    }

    /// Replaces the format of tables that are written; the formats that ship can always be read.
    /// Default: [`ColumnarFormat`].
    pub fn table_format(mut self, format: impl TableFormat + 'static) -> Self {
        self.table_format = Some(Arc::new(format));
        self
    }

    /// Replaces the filter. Default: [`BlockedBloom`].
    pub fn filter(mut self, policy: impl FilterPolicy + 'static) -> Self {
        self.filter = Some(Arc::new(policy));
        self
    }

    /// Replaces the block cache. Default: a [`SlotCache`] of half the budget.
    pub fn cache(mut self, cache: impl BlockCache + 'static) -> Self {
        self.cache = Some(Arc::new(cache));
        self
    }

    /// Replaces the compaction strategy. Default: [`Leveled`].
    pub fn compaction(mut self, strategy: impl CompactionStrategy + 'static) -> Self {
        self.compaction = Some(Arc::new(strategy));
        self
    }
}
