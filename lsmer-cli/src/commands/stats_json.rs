//! The numbers of a database as JSON, for programs: every number is a count or in bytes.

use lsmer::{KeyspaceStats, LevelStats, Stats};
use serde_json::{Value, json};

use crate::disk::Usage;

/// Returns the object. Names are never changed, only added.
///
/// What a database counts since it was opened is left out: it was opened only to look at it.
pub(super) fn of(stats: &Stats, usage: Usage) -> Value {
    json!({
        "disk_bytes": usage.bytes,
        "files": usage.files,
        "visible_seqno": stats.visible.0,
        "cache_bytes": stats.cache_bytes,
        "index_bytes": stats.index_bytes,
        "keyspaces": stats.keyspaces.iter().map(keyspace).collect::<Vec<_>>(),
    })
}

fn keyspace(keyspace: &KeyspaceStats) -> Value {
    json!({
        "name": keyspace.name,
        "memtable_bytes": keyspace.memtable_bytes,
        "sealed_memtables": keyspace.sealed,
        "levels": keyspace.levels.iter().map(level).collect::<Vec<_>>(),
    })
}

fn level(level: &LevelStats) -> Value {
    json!({
        "level": level.level,
        "runs": level.runs,
        "tables": level.tables,
        "bytes": level.bytes,
        "entries": level.entries,
    })
}
