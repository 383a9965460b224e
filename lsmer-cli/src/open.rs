//! Opening databases and finding keyspaces, to read or to write.

use std::path::Path;

use lsmer::{Builder, Db, Keyspace, KeyspaceOptions};

use crate::{
    args::Global,
    failure::{Failure, Outcome},
};

/// Opens a database without writing anything.
pub(crate) fn to_read(global: &Global, path: &Path) -> Outcome<Db> {
    Ok(builder(global, path).read_only().open()?)
}

/// Opens a database that is there.
pub(crate) fn to_change(global: &Global, path: &Path) -> Outcome<Db> {
    Ok(builder(global, path).create_if_missing(false).open()?)
}

/// Opens a database; makes it if it is not there.
pub(crate) fn to_fill(global: &Global, path: &Path) -> Outcome<Db> {
    Ok(builder(global, path).open()?)
}

/// Returns the keyspace that was asked for, if it is there.
pub(crate) fn keyspace(global: &Global, db: &Db) -> Outcome<Keyspace> {
    let Some(name) = &global.keyspace else { return Ok(Keyspace::clone(db)) };
    let found = db.keyspaces().into_iter().find(|keyspace| keyspace.name() == name);
    found.ok_or_else(|| Failure::Other(format!("there is no keyspace '{name}'")))
}

/// Returns the keyspace that was asked for; makes it if it is not there.
pub(crate) fn keyspace_to_fill(global: &Global, db: &Db) -> Outcome<Keyspace> {
    match &global.keyspace {
        Some(name) => Ok(db.keyspace(name, KeyspaceOptions::default())?),
        None => Ok(Keyspace::clone(db)),
    }
}

fn builder(global: &Global, path: &Path) -> Builder {
    let builder = Db::builder(path);
    match global.memory_budget_bytes() {
        Some(bytes) => builder.memory_budget(bytes),
        None => builder,
    }
}
