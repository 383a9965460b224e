//! `lsmer delete`: removes a key.

use std::{ffi::OsStr, path::Path};

use crate::{args::Global, failure::Outcome, open};

pub(super) fn run(global: &Global, path: &Path, key: &OsStr) -> Outcome {
    let key = global.coding().argument(key)?;
    let db = open::to_change(global, path)?;
    open::keyspace(global, &db)?.delete(key)?;
    Ok(db.close()?)
}
