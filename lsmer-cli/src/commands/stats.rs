//! `lsmer stats`: how large a database is and how it is built.

use std::path::Path;

use lsmer::KeyspaceStats;

use super::stats_json;
use crate::{
    args::Global,
    disk,
    failure::Outcome,
    open,
    output::Output,
    units::{Bytes, Count},
};

pub(super) fn run(global: &Global, path: &Path, json: bool) -> Outcome {
    let db = open::to_read(global, path)?;
    let stats = db.stats();
    let usage = disk::usage(path)?;
    let mut out = Output::new();
    if json {
        out.line(format_args!("{:#}", stats_json::of(&stats, usage)))?;
        return out.finish();
    }
    let files = Count(usage.files, "file");
    out.line(format_args!("on disk      {} in {files}", Bytes(usage.bytes)))?;
    out.line(format_args!("last seqno   {}", stats.visible))?;
    for keyspace in &stats.keyspaces {
        show(keyspace, &mut out)?;
    }
    out.finish()
}

fn show(keyspace: &KeyspaceStats, out: &mut Output) -> Outcome {
    out.line(format_args!("keyspace     {}", keyspace.name.escape_debug()))?;
    let unflushed = Bytes(keyspace.memtable_bytes);
    out.line(format_args!("  in memory  {unflushed} that no table holds yet"))?;
    for level in &keyspace.levels {
        let (runs, tables) = (Count(level.runs, "run"), Count(level.tables, "table"));
        let (entries, bytes) = (Count(level.entries, "entry"), Bytes(level.bytes));
        out.line(format_args!("  level {:<4} {runs}, {tables}, {entries}, {bytes}", level.level))?;
    }
    Ok(())
}
