//! `lsmer compact`: merges everything.

use std::path::Path;

use lsmer::Db;

use crate::{
    args::Global,
    failure::Outcome,
    open,
    output::Output,
    units::{Bytes, Count},
};

pub(super) fn run(global: &Global, path: &Path) -> Outcome {
    let db = open::to_change(global, path)?;
    // What is still in the log only becomes a table too: count it before.
    db.flush()?;
    let before = tables(&db);
    db.compact(..)?;
    let after = tables(&db);
    db.close()?;
    let mut out = Output::new();
    out.line(format_args!("{before} became {after}"))?;
    out.finish()
}

fn tables(db: &Db) -> String {
    let keyspaces = db.stats().keyspaces;
    let levels = || keyspaces.iter().flat_map(|keyspace| &keyspace.levels);
    let tables = levels().map(|level| level.tables).sum();
    let bytes = levels().map(|level| level.bytes).sum();
    format!("{} of {}", Count(tables, "table"), Bytes(bytes))
}
