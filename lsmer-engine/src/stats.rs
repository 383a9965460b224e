//! What a database says of itself.

use lsmer_core::{SeqNo, WalStats};
use lsmer_sync::atomic::Ordering;

use crate::{refusals::Refusals, shared::Shared, space::Space};

/// Numbers of an open database. Counts are since it was opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Each keyspace, by id.
    pub keyspaces: Vec<KeyspaceStats>,
    /// The last seqno that readers see.
    pub visible: SeqNo,
    /// The log; `None` if opened read-only.
    pub wal: Option<WalStats>,
    /// Entries written.
    pub writes: u64,
    /// Bytes of keys and values written.
    pub user_bytes: u64,
    /// Memtables flushed, and the bytes of tables that made.
    pub flushes: u64,
    /// Bytes of tables written by flushes.
    pub flushed_bytes: u64,
    /// Compactions that rewrote tables.
    pub compactions: u64,
    /// Compactions that only moved tables.
    pub moves: u64,
    /// Bytes of tables written by compactions.
    pub compacted_bytes: u64,
    /// Compactions that dropped tables with what was in them.
    pub drops: u64,
    /// Bytes of tables that were dropped.
    pub dropped_bytes: u64,
    /// Jobs of the strategy that were refused because they broke a law.
    pub illegal_plans: u64,
    /// The same by law.
    pub refusals: Refusals,
    /// Jobs whose work was thrown away, as what happened meanwhile had made them illegal.
    pub stale_jobs: u64,
    /// Blocks that reads found in the cache.
    pub cache_hits: u64,
    /// Blocks that reads had to fetch.
    pub cache_misses: u64,
    /// Memory of cached blocks, in bytes.
    pub cache_bytes: u64,
    /// Memory of open indexes and filters, in bytes.
    pub index_bytes: u64,
    /// Tables with an open file.
    pub open_tables: u64,
    /// Live snapshots.
    pub snapshots: u64,
    /// How long writers were made to wait, in nanoseconds over all threads.
    pub stall_nanos: u64,
}

/// Numbers of one keyspace.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct KeyspaceStats {
    /// Its name.
    pub name: String,
    /// Bytes of its active and sealed memtables.
    pub memtable_bytes: u64,
    /// Number of sealed memtables.
    pub sealed: u64,
    /// Levels that have tables, from 0 on.
    pub levels: Vec<LevelStats>,
}

/// Numbers of the runs with one label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LevelStats {
    /// The label.
    pub level: u8,
    /// Number of runs.
    pub runs: u64,
    /// Number of tables.
    pub tables: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// Entries in them, shadowed ones and deletes included.
    pub entries: u64,
}

impl Stats {
    /// Returns how many bytes went to the log and to tables for each byte of keys and values.
    pub fn write_amplification(&self) -> Option<f64> {
        let log = self.wal.map_or(0, |wal| wal.written_bytes);
        let written = log + self.flushed_bytes + self.compacted_bytes;
        ratio(written, self.user_bytes)
    }

    /// Returns how large a part of block reads the cache served.
    pub fn cache_hit_rate(&self) -> Option<f64> {
        ratio(self.cache_hits, self.cache_hits + self.cache_misses)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Shared {
    pub(crate) fn stats(&self) -> Stats {
        let counters = &self.counters;
        let refusals = counters.refusals.read();
        let load = |counter: &lsmer_sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            keyspaces: self.all_spaces().iter().map(|space| keyspace_stats(space)).collect(),
            visible: self.visible.get(),
            wal: self.wal.as_ref().map(|wal| wal.stats()),
            writes: counters.writes.sum(),
            user_bytes: counters.user_bytes.sum(),
            flushes: load(&counters.flushes),
            flushed_bytes: load(&counters.flushed_bytes),
            compactions: load(&counters.compactions),
            moves: load(&counters.moves),
            compacted_bytes: load(&counters.compacted_bytes),
            drops: load(&counters.drops),
            dropped_bytes: load(&counters.dropped_bytes),
            illegal_plans: refusals.total(),
            refusals,
            stale_jobs: load(&counters.stale_jobs),
            cache_hits: counters.cache_hits.sum(),
            cache_misses: counters.cache_misses.sum(),
            cache_bytes: self.parts.cache.bytes() as u64,
            index_bytes: self.tables.index_bytes() as u64,
            open_tables: self.tables.open_count() as u64,
            snapshots: self.snapshots.count() as u64,
            stall_nanos: load(&counters.stall_nanos),
        }
    }
}

fn keyspace_stats(space: &Space) -> KeyspaceStats {
    let view = space.view();
    let mut levels: Vec<LevelStats> = Vec::new();
    for run in &view.version.tree.runs {
        let at = levels.partition_point(|level| level.level < run.level);
        if levels.get(at).is_none_or(|level| level.level != run.level) {
            levels.insert(at, LevelStats { level: run.level, ..LevelStats::default() });
        }
        let level = &mut levels[at];
        level.runs += 1;
        level.tables += run.tables.len() as u64;
        level.bytes += run.bytes();
        level.entries += run.tables.iter().map(|table| table.entries).sum::<u64>();
    }
    KeyspaceStats {
        name: space.name.to_string(),
        memtable_bytes: view.mems().map(|mem| mem.table.bytes() as u64).sum(),
        sealed: view.sealed.len() as u64,
        levels,
    }
}
